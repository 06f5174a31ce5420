// The panel beside the graph: everything about one operator, or one end of the graph.

function optionsPart(operator) {
  const items = operator.options.map(([name, text]) => term(name, text));
  return items.length ? [html("h4", {}, "Options"), html("dl", {}, items)] : [];
}

function quantizationTerms(quantization) {
  if (!quantization) return [];
  const { scales = [], zero_points: zeros = [], granularity } = quantization;
  const several = scales.length > 1;
  const same = zeros.every((zero) => zero === zeros[0]);
  const extent = several
    ? `${scales.length} from ${number(Math.min(...scales), 5)} to ${number(Math.max(...scales), 5)}`
    : number(scales[0], 7);
  return [
    term("granularity", granularity, quantization.power_of_two ? ", powers of two" : ""),
    scales.length ? term(several ? "scales" : "scale", extent) : null,
    zeros.length
      ? term(same ? "zero point" : "zero points", same ? number(zeros[0]) : listed(zeros))
      : null,
    several ? term("quantized dimension", number(quantization.dimension)) : null,
    quantization.block_size ? term("block size", number(quantization.block_size)) : null,
  ];
}

function allScales({ quantization }) {
  const { scales = [], zero_points: zeros = [] } = quantization ?? {};
  if (scales.length < 2) return null;
  return disclosure("All scales and zero points", () => {
    const rows = scales.map((scale, i) => [
      String(i),
      number(scale, 7),
      number(zeros[i] ?? zeros[0]),
    ]);
    return scroller(plainTable("Scales", ["Channel", "Scale", "Zero point"], rows));
  });
}

function histogramPlot(tensor) {
  const { low, high, counts } = tensor.histogram;
  const edge = (i) => low + ((high - low) * i) / counts.length;
  return plot({
    title: "Values",
    note: `${counted(
      counts.reduce((sum, each) => sum + each, 0),
      "value",
    )} from ${number(low)} to ${number(high)}`,
    x: { ...linear([low, high], { room: 0 }), label: "real value" },
    y: { ...linear(counts, { zero: true, format: count }), label: "number" },
    marks: (frame) =>
      counts.map((each, i) =>
        svg(
          "rect",
          {
            class: "bar",
            x: frame.x(edge(i)),
            y: frame.y(each),
            height: frame.bottom - frame.y(each),
            width: Math.max(0.5, frame.width / counts.length - 1),
          },
          svg("title", {}, `${number(edge(i))} to ${number(edge(i + 1))}: ${each}`),
        ),
      ),
    header: ["From", "To", "Number"],
    rows: counts.map((each, i) => [number(edge(i)), number(edge(i + 1)), number(each)]),
    width: 380,
    height: 220,
  });
}

function rangesPlot(tensor) {
  const { lows, highs, axis, step, spread } = tensor.channel_ranges;
  const wide = (frame) => Math.max(1, Math.min(8, (frame.width / lows.length) * 0.7));
  return plot({
    title: "Range of each channel",
    note: `along dimension ${axis}${step > 1 ? `, every ${step}th` : ""}${spread === null ? "" : `; the widest is ${number(spread, 3)} times the median`}`,
    x: { ...linear([-0.5, lows.length - 0.5], { room: 0 }), label: "channel" },
    y: { ...linear([...lows, ...highs], { zero: true }), label: "real value" },
    marks: (frame) =>
      lows.map((low, i) =>
        svg(
          "line",
          {
            class: "range",
            x1: frame.x(i),
            x2: frame.x(i),
            y1: frame.y(low),
            y2: frame.y(highs[i]),
            "stroke-width": wide(frame),
          },
          svg("title", {}, `channel ${i * step}: ${number(low)} to ${number(highs[i])}`),
        ),
      ),
    header: ["Channel", "Lowest", "Highest"],
    rows: lows.map((low, i) => [String(i * step), number(low), number(highs[i])]),
    width: 380,
    height: 220,
  });
}

function kindText({ kind, sparse, external }) {
  return [kind, sparse ? "sparse" : "", external ? "in another file" : ""].filter(Boolean).join(", ");
}

/** A button that shows a subgraph, such as the body of a loop. */
function subgraphButton(view, index) {
  return link(`subgraph ${subgraphName(view, index)}`, () => view.show(index));
}

function tensorPart(view, role, tensor) {
  const from = tensor.producer === null ? null : operatorButton(view, tensor.producer);
  const to = tensor.consumers.map((index) => operatorButton(view, index));
  return html(
    "section",
    { class: "tensor" },
    html(
      "h5",
      {},
      html("span", { class: "role" }, role),
      " ",
      html("code", {}, tensorName(tensor)),
    ),
    html(
      "dl",
      {},
      term("index", String(tensor.index)),
      term("type", tensor.dtype),
      term("shape", shape(tensor.shape)),
      term("kind", kindText(tensor)),
      quantizationTerms(tensor.quantization),
      tensor.bytes ? term("stored", bytes(tensor.bytes)) : null,
      tensor.values ? term("values", listed(tensor.values, tensor.values.length)) : null,
      term("from", from),
      term("to", ...to),
    ),
    allScales(tensor),
    tensor.histogram ? histogramPlot(tensor) : null,
    tensor.channel_ranges?.lows.length > 1 ? rangesPlot(tensor) : null,
  );
}

/** What an input of an operator is for. */
function roleOf(operator, index, place) {
  if (index === operator.weights) return "weights";
  return index === operator.bias ? "bias" : `input ${place}`;
}

function tensorsPart(view, operator) {
  const inputs = operator.inputs.map((index, place) =>
    index === null
      ? html("p", { class: "quiet" }, `input ${place}: left out`)
      : tensorPart(view, roleOf(operator, index, place), view.tensors.get(index)),
  );
  const outputs = operator.outputs.map((index, place) =>
    tensorPart(view, `output ${place}`, view.tensors.get(index)),
  );
  return [html("h4", {}, "Inputs"), ...inputs, html("h4", {}, "Outputs"), ...outputs];
}

function placementTerms(view, index) {
  return view.profiles.map(({ name, placement }) => {
    const place = placement[index];
    if (!place) return null;
    const where = place.target === "cpu" ? "CPU" : "accelerator";
    return term(
      name,
      where,
      place.partition === null ? "" : `, part ${place.partition}`,
      place.reason ? `: ${place.reason}` : "",
    );
  });
}

function findingsPart(view, node) {
  const found = view.findings.get(node.id) ?? [];
  if (!found.length) return [];
  const items = found.map((each) =>
    html(
      "li",
      {},
      badge(each.severity),
      " ",
      link(each.rule, () => showRule(each), { class: "link rule" }),
      ` ${each.profile}: `,
      ...saying(view, each),
    ),
  );
  const list = html("ul", { class: "findings" }, items);
  return [
    disclosure(counted(found.length, "finding"), () => list, {
      class: "found",
      open: found.length < 3,
    }),
  ];
}

function operatorDetails(view, operator) {
  const placements = placementTerms(view, operator.number).filter(Boolean);
  const where = isDivided(view) ? `, subgraph ${subgraphName(view, operator.subgraph)}` : "";
  return [
    html(
      "h3",
      { tabindex: "-1" },
      operator.name,
      html("span", { class: "quiet" }, ` op ${operator.index}${where}`),
    ),
    html(
      "dl",
      {},
      term("compute", operator.compute),
      term("version", number(operator.version)),
      operator.custom ? term("custom", "yes") : null,
      term("MACs", number(operator.macs ?? 0)),
      term("parameters", number(operator.parameters ?? 0)),
      operator.bytes ? term("stored weights", bytes(operator.bytes)) : null,
      term("runs", ...operator.calls.map((index) => subgraphButton(view, index))),
      typeof operator.error === "number"
        ? term("error, accumulated", decibels(operator.error))
        : null,
      typeof operator.isolated === "number"
        ? term("error, isolated", decibels(operator.isolated))
        : null,
    ),
    ...findingsPart(view, view.nodeOf.get(operator.number)),
    ...(placements.length ? [html("h4", {}, "Placement"), html("dl", {}, placements)] : []),
    ...optionsPart(operator),
    ...tensorsPart(view, operator),
  ];
}

function endDetails(view, node) {
  const tensor = view.tensors.get(node.tensor);
  return [
    html(
      "h3",
      { tabindex: "-1" },
      node.kind === "input" ? "Input of the model" : "Output of the model",
    ),
    ...findingsPart(view, node),
    tensorPart(view, node.kind, tensor),
  ];
}

const HINT =
  "Choose an operator in the graph, in the table or in a finding to see its shapes, scales, options and weights.";

/** The panel; it shows what is selected in the view. `leave` is called when it is left by Escape. */
function detailsPanel(view, leave) {
  const panel = html(
    "aside",
    { class: "details", id: "details", tabindex: "0", "aria-label": "Details" },
    html("p", { class: "invitation" }, HINT),
  );
  panel.addEventListener("keydown", (event) => event.key === "Escape" && leave());
  view.onSelect("details", (node, how) => {
    const operator = view.operators.get(node.operator);
    panel.replaceChildren(...(operator ? operatorDetails(view, operator) : endDetails(view, node)));
    panel.scrollTop = 0;
    if (how.open) panel.querySelector("h3").focus({ preventScroll: true });
  });
  return panel;
}

// The plots of a model: error by layer, spread of the weights, MACs and bytes by type.

function byNumber(operators) {
  const numbers = operators.map((operator) => operator.number);
  return { ...linear(numbers, { room: 0.02 }), label: "operator" };
}

function errorPlot(view) {
  const operators = [...view.operators.values()].filter((operator) => typeof operator.error === "number");
  if (!operators.length) return null;
  const isolated = operators.filter((operator) => typeof operator.isolated === "number");
  const values = [...operators.map((each) => each.error), ...isolated.map((each) => each.isolated)];
  const series = (frame, field, kind, form) => [
    polyline(
      operators.map((each) =>
        typeof each[field] === "number" ? [frame.x(each.number), frame.y(each[field])] : null,
      ),
      { class: `line ${kind}` },
    ),
    operators
      .filter((each) => typeof each[field] === "number")
      .map((each) =>
        chosen(
          view,
          each,
          mark(
            form,
            frame.x(each.number),
            frame.y(each[field]),
            { class: `mark ${kind}` },
            `${operatorName(view, each.number)}: ${decibels(each[field])} ${kind}`,
          ),
        ),
      ),
  ];
  return plot({
    title: "Error by layer",
    note: "Signal to noise against the reference, higher is better: all layers so far, and each alone.",
    x: byNumber(operators),
    y: { ...linear(values), label: "dB" },
    keys: [
      ["mark accumulated", "circle", "accumulated"],
      ...(isolated.length ? [["mark isolated", "square", "isolated"]] : []),
    ],
    marks: (frame) => [
      isolated.length ? series(frame, "isolated", "isolated", "square") : [],
      series(frame, "error", "accumulated", "circle"),
    ],
    header: ["Operator", "Type", "Accumulated", "Isolated"],
    rows: operators.map((each) => [
      String(each.number),
      each.name,
      decibels(each.error),
      decibels(each.isolated),
    ]),
  });
}

/** Let a mark select its operator. */
function chosen(view, operator, node) {
  node.classList.add("choice");
  node.addEventListener("click", () => view.selectOperator(operator.number));
  return node;
}

function spreads(view) {
  return [...view.operators.values()].flatMap((operator) => {
    const ranges = view.tensors.get(operator.weights)?.channel_ranges;
    return ranges?.spread > 0 ? [{ operator, spread: ranges.spread }] : [];
  });
}

function spreadPlot(view) {
  const found = spreads(view);
  if (!found.length) return null;
  const axis = logarithmic([1, ...found.map((each) => each.spread), 2]);
  return plot({
    title: "Spread of the weights' ranges",
    note: "The widest channel's range over the median one's. Much above 1, one scale for the whole tensor wastes bits on most channels.",
    x: byNumber(found.map((each) => each.operator)),
    y: { ...axis, label: "widest / median" },
    marks: (frame) =>
      found.map(({ operator, spread }) => {
        const x = frame.x(operator.number);
        const tip = `${operatorName(view, operator.number)}: ${number(spread, 3)}`;
        return [
          svg("line", { class: "stem", x1: x, x2: x, y1: frame.y(1), y2: frame.y(spread) }),
          chosen(view, operator, mark("circle", x, frame.y(spread), { class: "mark" }, tip)),
        ];
      }),
    header: ["Operator", "Type", "Widest / median"],
    rows: found.map(({ operator, spread }) => [
      String(operator.number),
      operator.name,
      number(spread, 3),
    ]),
  });
}

function totals(operators, field) {
  const sums = new Map();
  for (const operator of operators)
    sums.set(operator.name, (sums.get(operator.name) ?? 0) + (operator[field] ?? 0));
  return [...sums].filter(([, sum]) => sum > 0).sort((a, b) => a[1] - b[1]);
}

function totalsPlot(view, title, field, format, label) {
  const all = totals(view.model.operators, field);
  if (!all.length) return null;
  const most = all.slice(-12);
  const whole = all.reduce((sum, [, each]) => sum + each, 0);
  const thick = 16;
  return plot({
    title,
    note: `${format(whole)} in all${all.length > most.length ? `; the ${most.length} largest types` : ""}`,
    x: {
      ...linear(
        most.map(([, sum]) => sum),
        { zero: true, room: 0.24, format: round(format), binary: format === bytes },
      ),
      label,
    },
    y: { ...named(most.map(([name]) => name)), label: "" },
    marks: (frame) =>
      most.map(([name, sum]) => [
        svg("rect", {
          class: "bar",
          x: frame.left,
          y: frame.y(name) - thick / 2,
          height: thick,
          width: Math.max(1, frame.x(sum) - frame.left),
        }),
        svg(
          "text",
          { class: "value", x: frame.x(sum) + 6, y: frame.y(name) + 4 },
          `${format(sum)} (${percent(sum / whole, 0)})`,
        ),
      ]),
    header: ["Type", label, "Share"],
    rows: [...all].reverse().map(([name, sum]) => [name, format(sum), percent(sum / whole)]),
    height: 54 + most.length * 28,
  });
}

/** The section of the plots; nothing where there is nothing to plot. */
function plotSection(view) {
  const plots = [
    errorPlot(view),
    spreadPlot(view),
    totalsPlot(view, "MACs by type", "macs", count, "multiply-accumulates"),
    totalsPlot(view, "Weight bytes by type", "bytes", bytes, "size"),
  ].filter(Boolean);
  return plots.length ? section("plots", "Plots", html("div", { class: "plots" }, plots)) : null;
}

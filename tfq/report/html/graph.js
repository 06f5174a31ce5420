// The graph: operators as boxes, tensors as arrows between them.

const STRIPE = 8;

/** A soft line through the points that the layout gives. */
function route(points) {
  const [first, ...rest] = points;
  const middle = (a, b) => `${((a[0] + b[0]) / 2).toFixed(1)} ${((a[1] + b[1]) / 2).toFixed(1)}`;
  const bends = rest.slice(0, -1).map((point, i) => {
    const entry = i === 0 ? `L${middle(first, point)}` : "";
    return `${entry}Q${point[0]} ${point[1]} ${middle(point, rest[i + 1])}`;
  });
  const last = rest.at(-1) ?? first;
  return `M${first[0]} ${first[1]}${bends.join("")}L${last[0]} ${last[1]}`;
}

function nodeName(view, node) {
  const operator = view.operators.get(node.operator);
  if (!operator) return `${node.kind} ${node.label}, ${node.detail}`;
  const found = view.findings.get(node.id)?.length ?? 0;
  return `op ${operator.index} ${operator.name}, ${operator.compute}, ${node.detail}${found ? `, ${counted(found, "finding")}` : ""}`;
}

function drawNode(view, node) {
  const { width, height } = node;
  const mid = node.kind === "op" ? (width + STRIPE) / 2 : width / 2;
  const found = view.findings.get(node.id) ?? [];
  const flag =
    found.find((each) => each.severity === "error") ??
    found.find((each) => each.severity === "warning");
  const children = [
    svg("rect", { class: "box", width, height, rx: node.kind === "op" ? 5 : height / 2 }),
    node.kind === "op"
      ? svg("path", {
          class: "stripe",
          d: `M5 0H${STRIPE}V${height}H5A5 5 0 0 1 0 ${height - 5}V5A5 5 0 0 1 5 0z`,
        })
      : null,
    svg(
      "text",
      { class: "name", x: mid, y: node.detail ? height / 2 - 4 : height / 2 + 4 },
      node.label,
    ),
    node.detail ? svg("text", { class: "detail", x: mid, y: height / 2 + 12 }, node.detail) : null,
    flag
      ? svg(
          "g",
          { class: `flag ${flag.severity}`, transform: `translate(${width} 0)` },
          svg("circle", { r: 8 }),
          svg("text", { y: 4 }, SIGNS[flag.severity]),
        )
      : null,
  ];
  return svg(
    "g",
    {
      class: `node ${node.kind}`,
      transform: `translate(${node.x} ${node.y})`,
      tabindex: "-1",
      role: "button",
      "aria-label": nodeName(view, node),
      "data-node": node.id,
    },
    ...children,
  );
}

function drawEdge(edge) {
  return svg("path", {
    class: "edge",
    d: route(edge.points),
    "data-from": edge.from,
    "data-to": edge.to,
    "marker-end": "url(#tip)",
  });
}

/** Draw the graph of the subgraph that is shown.
 *
 * Returns the `canvas` (an `<svg>`), and functions: `colour(colouring)`, `mark(name, nodes)` gives
 * a class to some nodes and takes it from all others, `focus(node)`.
 */
function drawGraph(view) {
  const { graph } = view;
  const operators = graph.nodes.filter((node) => node.kind === "op").length;
  const elements = new Map(graph.nodes.map((node) => [node.id, drawNode(view, node)]));
  const edges = graph.edges.map(drawEdge);
  const layer = svg(
    "g",
    { class: "layer" },
    svg("g", { "aria-hidden": "true" }, ...edges),
    svg("g", {}, ...elements.values()),
  );
  const canvas = svg(
    "svg",
    {
      class: "canvas",
      tabindex: "0",
      role: "group",
      "aria-label": `Graph of ${counted(operators, "operator")}. Tab goes to an operator, arrow keys follow the edges.`,
    },
    patterns(),
    layer,
  );
  const viewport = makeViewport(canvas, layer, graph);
  const drawn = { canvas, viewport, elements, current: graph.nodes[0] ?? null };

  drawn.colour = (colouring) => {
    for (const [id, element] of elements) {
      const node = view.nodes.get(id);
      element.setAttribute("class", keptClasses(element, node));
      if (node.kind === "op") element.classList.add(colouring.kind(node) ?? "unknown");
      const detail = element.querySelector(".detail");
      if (detail) detail.textContent = colouring.detail(node);
    }
  };
  drawn.mark = (name, nodes) => {
    const marked = new Set(nodes.map((node) => node.id));
    for (const [id, element] of elements) element.classList.toggle(name, marked.has(id));
  };
  drawn.markEdges = (node) => {
    for (const edge of edges)
      edge.classList.toggle(
        "near",
        edge.dataset.from === String(node?.id) || edge.dataset.to === String(node?.id),
      );
  };
  /** Of all nodes one is in the tab order: the one that was last visited. */
  drawn.visit = (node) => {
    if (drawn.current) elements.get(drawn.current.id).setAttribute("tabindex", "-1");
    drawn.current = node;
    elements.get(node.id).setAttribute("tabindex", "0");
  };
  if (drawn.current) drawn.visit(drawn.current);
  return drawn;
}

const MARKS = ["selected", "match", "found", "faded"];

function keptClasses(element, node) {
  return ["node", node.kind, ...MARKS.filter((each) => element.classList.contains(each))].join(" ");
}

// What the graph's colours mean. Each also has a pattern or a text, for whoever sees no colours.

const COMPUTE = [
  ["integer", "integer"],
  ["hybrid", "hybrid: float activations, integer weights"],
  ["float16", "float16"],
  ["float", "float"],
];

// Decibels from which an operator's error is called so. Each step of 10 dB is a factor of 3.2 in the
// error; 40 dB is 1 % of the signal.
const ERRORS = [
  ["e40", 40, "40 dB and more"],
  ["e30", 30, "30 to 40 dB"],
  ["e20", 20, "20 to 30 dB"],
  ["e10", 10, "10 to 20 dB"],
  ["e0", -Infinity, "less than 10 dB"],
];

function byCompute(view) {
  const used = new Set([...view.operators.values()].map((operator) => operator.compute));
  return {
    kind: (node) => view.operators.get(node.operator)?.compute,
    detail: (node) => node.detail,
    legend: COMPUTE.filter(([kind]) => used.has(kind)),
  };
}

function byPlacement(profile) {
  return {
    kind: (node) => profile.placement[node.operator]?.target,
    detail: (node) => node.detail,
    legend: [
      ["accelerator", "on the accelerator"],
      ["cpu", "on the CPU"],
    ],
  };
}

function byError(view) {
  const error = (node) => view.operators.get(node.operator)?.error;
  const known = (node) => typeof error(node) === "number";
  return {
    kind: (node) => (known(node) ? ERRORS.find(([, least]) => error(node) >= least)[0] : null),
    detail: (node) => (known(node) ? decibels(error(node)) : node.detail),
    legend: [...ERRORS.map(([kind, , text]) => [kind, text]), ["unknown", "not matched"]],
  };
}

/** What can be shown in colour: `[[value, text, makes the colouring], …]`. */
function colourings(view) {
  const placements = view.profiles
    .filter((profile) => profile.placement.length)
    .map((profile) => [
      `placement ${profile.name}`,
      `placement: ${profile.name}`,
      () => byPlacement(profile),
    ]);
  const errors = view.hasErrors ? [["error", "error (SQNR)", () => byError(view)]] : [];
  return [["compute", "compute", () => byCompute(view)], ...placements, ...errors];
}

function legend(entries) {
  const items = entries.map(([kind, text]) =>
    html(
      "li",
      {},
      svg(
        "svg",
        { viewBox: "0 0 22 12", class: "swatch", "aria-hidden": "true" },
        svg("rect", { class: `stripe ${kind}`, width: 22, height: 12, rx: 2 }),
      ),
      text,
    ),
  );
  return html("ul", { class: "key", "aria-label": "What the colours mean" }, items);
}

function pattern(id, kind, path) {
  return svg(
    "pattern",
    { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    svg("rect", { class: `ground ${kind}`, width: 6, height: 6 }),
    svg("path", { class: "hatch", d: path }),
  );
}

/** The patterns that stripes of nodes and legends are filled with (page.css names them). */
function patterns() {
  return svg(
    "defs",
    {},
    pattern("pattern-hybrid", "hybrid", "M0 6L6 0"),
    pattern("pattern-float16", "float16", "M0 1.5H6M0 4.5H6"),
    pattern("pattern-float", "float", "M0 6L6 0M0 0L6 6"),
    pattern("pattern-cpu", "cpu", "M0 6L6 0"),
    svg(
      "marker",
      {
        id: "tip",
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 7,
        markerHeight: 7,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      },
      svg("path", { class: "tip", d: "M0 0.5L8 4L0 7.5z" }),
    ),
  );
}

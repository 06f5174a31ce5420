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
  return `op ${node.operator} ${operator.name}, ${operator.compute}, ${node.detail}${found ? `, ${counted(found, "finding")}` : ""}`;
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

/** Draw the graph of a model.
 *
 * Returns the `canvas` (an `<svg>`), and functions: `colour(colouring)`, `mark(name, nodes)` gives
 * a class to some nodes and takes it from all others, `focus(node)`.
 */
function drawGraph(view) {
  const { graph } = view.model;
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
      "aria-label": `Graph of ${counted(view.model.operators.length, "operator")}. Tab goes to an operator, arrow keys follow the edges.`,
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

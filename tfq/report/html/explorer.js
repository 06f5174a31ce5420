// The graph with its tools: search, filter, colours, zoom, and the details beside it.

/** A search box that goes from match to match by Enter, backwards with Shift. */
function searchTool(view, drawn) {
  const said = html("output", { id: "found", "aria-live": "polite", for: "search" });
  const texts = new Map(view.graph.nodes.map((node) => [node, searchable(view, node)]));
  let matches = [];
  let at = -1;

  function say() {
    const more =
      at < 0
        ? counted(matches.length, "match").replace(/matchs$/, "matches")
        : `${at + 1} of ${matches.length}`;
    said.textContent = box.value.trim() ? more : "";
  }
  function look() {
    const wanted = box.value.trim().toLowerCase();
    matches = wanted ? [...texts.keys()].filter((node) => texts.get(node).includes(wanted)) : [];
    at = -1;
    drawn.mark("match", matches);
    drawn.mark("found", []);
    say();
  }
  function step(way) {
    if (!matches.length) return;
    at = (at + way + matches.length) % matches.length;
    if (at < 0) at = 0;
    drawn.mark("found", [matches[at]]);
    drawn.viewport.show(matches[at], true);
    view.select(matches[at]);
    say();
  }
  function key(event) {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") [box.value] = [""];
    if (event.key === "Escape") look();
  }
  const box = html("input", {
    type: "search",
    id: "search",
    placeholder: "Name, type or tensor",
    autocomplete: "off",
    spellcheck: "false",
    input: look,
    keydown: key,
  });
  return html(
    "div",
    { class: "tool" },
    html("label", { for: "search" }, "Search ", html("kbd", {}, "/")),
    html("span", { class: "row" }, box, said),
  );
}

function choices(id, label, values, change) {
  const select = html(
    "select",
    { id, change: () => change(select.value) },
    values.map(([value, text]) => html("option", { value }, text)),
  );
  return {
    select,
    tool: html("div", { class: "tool" }, html("label", { for: id }, label), select),
  };
}

/** Fade what is not asked for: by type, by compute, and without findings. */
function filterTool(view, drawn) {
  const operators = [...view.operators.values()].filter(
    (operator) => operator.subgraph === view.subgraph,
  );
  const said = html("output", { id: "kept", "aria-live": "polite" });
  const names = (of) => [...new Set(operators.map(of))].sort().map((name) => [name, name]);
  const type = choices(
    "filter-type",
    "Type",
    [["", "all types"], ...names((each) => each.name)],
    apply,
  );
  const compute = choices(
    "filter-compute",
    "Compute",
    [["", "all"], ...names((each) => each.compute)],
    apply,
  );
  const flagged = html("input", { type: "checkbox", id: "filter-findings", change: apply });

  function kept(operator) {
    if (type.select.value && operator.name !== type.select.value) return false;
    if (compute.select.value && operator.compute !== compute.select.value) return false;
    return !flagged.checked || findingsAt(view, operator.number).length > 0;
  }
  function apply() {
    const shown = new Set(operators.filter(kept).map((operator) => operator.number));
    const all = shown.size === operators.length;
    drawn.mark(
      "faded",
      all ? [] : view.graph.nodes.filter((node) => !shown.has(node.operator)),
    );
    said.textContent = all ? "" : `${shown.size} of ${counted(operators.length, "operator")}`;
  }
  const box = view.findings.size
    ? html("label", { class: "tool check", for: "filter-findings" }, flagged, "has findings")
    : null;
  return [type.tool, compute.tool, box, said];
}

function colourTool(view, drawn) {
  const known = colourings(view);
  const shown = html("div", { class: "legend" });
  const paint = (wanted) => {
    const colouring = known.find(([value]) => value === wanted)[2]();
    drawn.colour(colouring);
    shown.replaceChildren(legend(colouring.legend));
  };
  const { tool } = choices("colour", "Colour", known, paint);
  paint("compute");
  return { tool, shown };
}

function zoomTool({ viewport }) {
  const button = (sign, label, click) =>
    html("button", { type: "button", title: label, "aria-label": label, click }, sign);
  return html(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("+", "Zoom in", () => viewport.zoom(1.25)),
    button("−", "Zoom out", () => viewport.zoom(0.8)),
    button("⤢", "Fit the whole graph", () => viewport.fit()),
  );
}

function listenToSelection(view, drawn, stage) {
  drawn.canvas.addEventListener("click", (event) => {
    const node = view.nodes.get(event.target.closest(".node")?.dataset.node);
    if (node) view.select(node);
  });
  view.onSelect("graph", (node, how) => {
    drawn.mark("selected", [node]);
    drawn.markEdges(node);
    drawn.visit(node);
    if (!how.reveal) return;
    drawn.viewport.show(node);
    stage.scrollIntoView({ block: "nearest" });
  });
}

// Up to so many pixels a graph is scaled to one sheet, longer ones go on over several.
const MOST_ON_A_SHEET = 2000;

/** In print the graph is as wide as the page, and whole. */
function printWhole({ canvas }, { width, height }) {
  const gone = new AbortController();
  canvas.classList.toggle("short", height < MOST_ON_A_SHEET);
  const change = (printed) => {
    if (!canvas.isConnected) gone.abort();
    else if (printed) dress(canvas, { viewBox: `0 0 ${width} ${height}`, width, height });
    else for (const name of ["viewBox", "width", "height"]) canvas.removeAttribute(name);
  };
  change(PRINT.matches);
  onPrint(change, { signal: gone.signal });
}

/** Which subgraph of several. */
function subgraphTool(view) {
  const names = view.model.subgraphs.map((each, index) => [index, subgraphName(view, index)]);
  return choices("subgraph", "Subgraph", names, (value) => view.show(Number(value)));
}

/** The graph of the subgraph that is shown, its tools, and what happens once it is on the page. */
function explorer(view, subgraphs) {
  const { graph } = view;
  if (!graph.nodes.length)
    return {
      parts: [
        html("div", { class: "tools" }, subgraphs),
        html("p", {}, "There are no operators here."),
      ],
      start: () => {},
    };
  const drawn = drawGraph(view);
  const colour = colourTool(view, drawn);
  const stage = html(
    "div",
    { class: "stage" },
    html("div", { class: "frame" }, drawn.canvas, zoomTool(drawn)),
    detailsPanel(view, () => drawn.elements.get(drawn.current.id).focus()),
  );
  listenToSelection(view, drawn, stage);
  listenToKeys(view, drawn);
  const tools = [subgraphs, searchTool(view, drawn), colour.tool, ...filterTool(view, drawn)];
  return {
    parts: [html("div", { class: "tools" }, tools), colour.shown, stage],
    start() {
      printWhole(drawn, graph);
      drawn.viewport.start(graph.nodes[0]);
    },
  };
}

/** The section of the graph. */
function graphSection(view) {
  const body = html("div");
  const { select, tool } = subgraphTool(view);
  const draw = () => {
    const { parts, start } = explorer(view, isDivided(view) ? tool : null);
    body.replaceChildren(...parts);
    view.start = start;
  };
  view.show = (subgraph) => {
    view.subgraph = subgraph;
    select.value = String(subgraph);
    draw();
    view.start();
  };
  draw();
  return section("graph", "Graph", body);
}

// The graph by keyboard: arrows follow the edges, Enter opens the details.

/** The nodes that hang on the same edges as `node`, from left to right. */
function siblings(view, node) {
  const around = new Set([node.id]);
  for (const parent of view.previous.get(node.id) ?? [])
    for (const child of view.next.get(parent)) around.add(child);
  for (const child of view.next.get(node.id) ?? [])
    for (const parent of view.previous.get(child)) around.add(parent);
  return [...around].map((id) => view.nodes.get(id)).sort((a, b) => a.x - b.x || a.y - b.y);
}

function beside(view, node, step) {
  const row = siblings(view, node);
  return row[row.indexOf(node) + step];
}

function follow(view, ways, node) {
  const [first] = ways.get(node.id) ?? [];
  return first === undefined ? undefined : view.nodes.get(first);
}

const STEPS = {
  ArrowDown: (view, node) => follow(view, view.next, node),
  ArrowUp: (view, node) => follow(view, view.previous, node),
  ArrowLeft: (view, node) => beside(view, node, -1),
  ArrowRight: (view, node) => beside(view, node, 1),
  Home: (view) => view.model.graph.nodes[0],
  End: (view) => view.model.graph.nodes.at(-1),
};

const PANS = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

function zoomKey(viewport, key) {
  if (key === "+" || key === "=") viewport.zoom(1.25);
  else if (key === "-") viewport.zoom(0.8);
  else if (key === "0") viewport.fit();
  else return false;
  return true;
}

function stepKey(view, drawn, node, key) {
  const to = STEPS[key]?.(view, node);
  if (!STEPS[key]) return false;
  if (to) {
    drawn.visit(to);
    drawn.elements.get(to.id).focus({ preventScroll: true });
  }
  return true;
}

function panKey(viewport, key) {
  if (!PANS[key]) return false;
  viewport.pan(...PANS[key]);
  return true;
}

/** Let keys move in a drawn graph. */
function listenToKeys(view, drawn) {
  drawn.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = view.nodes.get(event.target.closest?.(".node")?.dataset.node);
    const opens = node && (event.key === "Enter" || event.key === " ");
    if (opens) view.select(node, { open: true });
    const stepped = node && !event.shiftKey && stepKey(view, drawn, node, event.key);
    if (opens || stepped || zoomKey(drawn.viewport, event.key) || panKey(drawn.viewport, event.key))
      event.preventDefault();
  });
  drawn.canvas.addEventListener("focusin", (event) => {
    const node = view.nodes.get(event.target.closest(".node")?.dataset.node);
    if (!node) return;
    drawn.visit(node);
    // A click has chosen a place already; what the keyboard reaches may be out of sight.
    if (event.target.matches(":focus-visible")) drawn.viewport.show(node);
  });
}

// Moving in the graph: wheel, buttons and keys zoom, dragging and arrow keys pan, arrow keys on an
// operator follow the edges.

const CLOSEST = 3;
const FARTHEST = 0.02;
const READABLE = 0.45; // texts are not drawn when they are smaller than this
const PAGE_SCROLLS = 300; // milliseconds after which a wheel over the graph is meant for it

let lastScroll = -Infinity;
window.addEventListener("scroll", () => (lastScroll = performance.now()), { passive: true });

/** Let a part of the page show `layer`, drawn on `canvas`, of the size in `graph`. */
function makeViewport(canvas, layer, graph) {
  let [x, y, scale] = [0, 0, 1];
  let asked = false;
  const size = () => [canvas.clientWidth || 800, canvas.clientHeight || 600];

  function draw() {
    asked = false;
    layer.setAttribute(
      "transform",
      `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`,
    );
    layer.classList.toggle("far", scale < READABLE);
  }
  function change() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }
  const viewport = {
    pan(dx, dy) {
      [x, y] = [x + dx, y + dy];
      change();
    },
    zoom(factor, at = size().map((each) => each / 2)) {
      const wanted = Math.min(CLOSEST, Math.max(FARTHEST, scale * factor));
      x = at[0] - ((at[0] - x) * wanted) / scale;
      y = at[1] - ((at[1] - y) * wanted) / scale;
      scale = wanted;
      change();
    },
    /** See the whole graph. */
    fit() {
      const [width, height] = size();
      scale = Math.min(1.2, (width - 32) / (graph.width || 1), (height - 32) / (graph.height || 1));
      scale = Math.max(FARTHEST, scale);
      [x, y] = [(width - graph.width * scale) / 2, (height - graph.height * scale) / 2];
      change();
    },
    /** See all of a small graph, and the start of a large one. */
    start(node) {
      viewport.fit();
      if (scale >= 0.7 || !node) return;
      scale = 0.9;
      [x, y] = [size()[0] / 2 - (node.x + node.width / 2) * scale, 24 - node.y * scale];
    },
    /** Make sure that a node is seen. */
    show(node, centre = false) {
      const [width, height] = size();
      if (scale < READABLE) scale = 0.9;
      const [left, top] = [node.x * scale + x, node.y * scale + y];
      const inside =
        left >= 0 &&
        top >= 0 &&
        left + node.width * scale <= width &&
        top + node.height * scale <= height;
      if (!inside || centre) {
        x = width / 2 - (node.x + node.width / 2) * scale;
        y = height / 2 - (node.y + node.height / 2) * scale;
      }
      change();
    },
  };
  listenToWheel(canvas, viewport);
  listenToDragging(canvas, viewport);
  return viewport;
}

function listenToWheel(canvas, viewport) {
  canvas.addEventListener(
    "wheel",
    (event) => {
      // Whoever scrolls the page past the graph is not caught by it.
      if (!event.ctrlKey && performance.now() - lastScroll < PAGE_SCROLLS) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const box = canvas.getBoundingClientRect();
      viewport.zoom(Math.exp(-event.deltaY * lines * 0.0015), [
        event.clientX - box.left,
        event.clientY - box.top,
      ]);
    },
    { passive: false },
  );
}

function listenToDragging(canvas, viewport) {
  let from = null;
  let dragged = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) [from, dragged] = [[event.clientX, event.clientY], false];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from || !(event.buttons & 1)) return;
    const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
    // A hand that shakes while it clicks does not drag.
    if (!dragged && Math.hypot(dx, dy) < 4) return;
    if (!dragged) canvas.setPointerCapture(event.pointerId);
    dragged = true;
    canvas.classList.add("dragged");
    viewport.pan(dx, dy);
    from = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => {
      from = null;
      canvas.classList.remove("dragged");
    });
  canvas.addEventListener("click", (event) => dragged && event.stopPropagation(), true);
}

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
  Home: (view) => view.graph.nodes[0],
  End: (view) => view.graph.nodes.at(-1),
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

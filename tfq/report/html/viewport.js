// What part of the graph is seen: wheel, buttons and keys zoom, dragging and arrow keys pan.

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

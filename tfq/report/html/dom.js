"use strict";

// Elements are made one by one and text is only ever set as text, so nothing that a model says is
// read as HTML. There is no innerHTML in this page.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** Set attributes; a function listens to the event of its name, null and false are left out. */
function dress(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/** Make an HTML element: `html("p", {class: "note"}, "text", child)`. */
function html(tag, attributes = {}, ...children) {
  const node = dress(document.createElement(tag), attributes);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Make an SVG element, as `html` does. */
function svg(tag, attributes = {}, ...children) {
  const node = dress(document.createElementNS(SVG_NAMESPACE, tag), attributes);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const PRINT = window.matchMedia("print");

/** Call `change(true)` before the page is printed, and `change(false)` afterwards. */
function onPrint(change, options) {
  window.addEventListener("beforeprint", () => change(true), options);
  window.addEventListener("afterprint", () => change(false), options);
  // Whoever looks at the page as if in print prints nothing.
  PRINT.addEventListener("change", () => change(PRINT.matches), options);
}

/** A `<details>` whose content is made when it is first opened, or printed. */
function disclosure(summary, build, attributes = {}) {
  const node = html("details", attributes, html("summary", {}, summary));
  let built = false;
  node.build = () => {
    if (!built) node.append(...[build()].flat());
    built = true;
  };
  if (node.open) node.build();
  node.addEventListener("toggle", () => node.open && node.build());
  return node;
}

// The numbers of plots are not printed: pages of them help nobody.
const CLOSED = "details:not([open]):not(figure > details)";

/** Open what can be opened; what was closed is closed again afterwards. */
function openForPrint() {
  const seen = new Set();
  // What is built may hold more to open, so look again until nothing is closed.
  for (let closed; (closed = document.querySelector(CLOSED));) {
    closed.build?.();
    closed.open = true;
    // The text of a rule is printed once, however many causes it has.
    const { once } = closed.dataset;
    closed.classList.toggle("repeated", Boolean(once) && seen.has(once));
    seen.add(once);
    closed.dataset.openedForPrint = "";
  }
}

function closeAfterPrint() {
  for (const node of document.querySelectorAll("details[data-opened-for-print]")) {
    node.open = false;
    delete node.dataset.openedForPrint;
  }
}

/** A term and what it is, for a `<dl>`; nothing if there is nothing to say. */
function term(name, ...value) {
  const said = value.flat().filter((each) => each !== null && each !== undefined && each !== "");
  if (!said.length) return null;
  return html("div", {}, html("dt", {}, name), html("dd", {}, ...said));
}

const SIGNS = { pass: "✓", fail: "✗", error: "✗", warning: "!", hint: "i" };

/** A word in a coloured box; the sign says the same without the colour. */
function badge(kind, text = kind) {
  const sign = html("span", { "aria-hidden": "true" }, SIGNS[kind] ?? "");
  return html("span", { class: `badge ${kind}` }, SIGNS[kind] ? [sign, " "] : [], text);
}

/** A button that looks like a link. */
function link(text, click, attributes = {}) {
  return html("button", { type: "button", class: "link", click, ...attributes }, text);
}

/** A window over the page, named by the element with this id; Escape closes it too. */
function dialog(labelledby, ...children) {
  const close = html("button", { type: "button", click: () => node.close() }, "Close");
  const end = html("p", { class: "end" }, close);
  const node = html("dialog", { "aria-labelledby": labelledby }, ...children, end);
  return node;
}

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
  const used = new Set(view.model.operators.map((operator) => operator.compute));
  return {
    kind: (node) => view.operators.get(node.operator)?.compute,
    detail: (node) => node.detail,
    legend: COMPUTE.filter(([kind]) => used.has(kind)),
  };
}

function byPlacement(view, profile) {
  const places = view.placements.get(profile);
  return {
    kind: (node) => places.get(node.operator)?.target,
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
  const placements = view.model.profiles
    .filter((profile) => profile.placement.length)
    .map(({ name }) => [`placement ${name}`, `placement: ${name}`, () => byPlacement(view, name)]);
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

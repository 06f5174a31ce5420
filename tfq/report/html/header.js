// The head of the page: which model, how large, and whether it passes.

function fact(name, value, note) {
  return html(
    "div",
    {},
    html("dt", {}, name),
    html("dd", {}, value, note ? html("small", {}, note) : null),
  );
}

function facts(view) {
  const { size, summary } = view.model;
  const peak = summary.peak;
  return html(
    "dl",
    { class: "facts" },
    fact("Size", bytes(size), `${size.toLocaleString("en-US")} bytes`),
    fact("Operators", count(summary.operators), counted(summary.tensors, "tensor")),
    fact("MACs", count(summary.macs), "a run"),
    fact("Parameters", count(summary.parameters), bytes(summary.weight_bytes)),
    fact("In integers", percent(summary.integer_share), "of the operators"),
    fact(
      "Peak activations",
      bytes(peak.bytes),
      peak.operator === null ? "" : `at ${operatorName(view, peak.operator)}`,
    ),
  );
}

function verdicts(profiles) {
  if (!profiles.length) return null;
  const items = profiles.map((profile) =>
    html("li", {}, badge(profile.verdict, `${profile.name}: ${profile.verdict}`)),
  );
  return html("ul", { class: "verdicts", "aria-label": "Verdicts" }, items);
}

/** The ends of a model: its inputs and outputs with their types. */
function ends(view) {
  const say = (index) => {
    const tensor = view.tensors.get(index);
    return html(
      "span",
      { class: "end" },
      html("code", {}, tensorName(tensor)),
      ` ${tensor.dtype} ${shape(tensor.shape)}`,
    );
  };
  const [{ inputs, outputs }] = view.model.subgraphs;
  return html(
    "dl",
    { class: "ends" },
    term(inputs.length === 1 ? "Input" : "Inputs", ...inputs.map(say)),
    term(outputs.length === 1 ? "Output" : "Outputs", ...outputs.map(say)),
    term("File", html("code", {}, view.model.name)),
    term("SHA-256", html("code", {}, view.model.sha256)),
  );
}

/** What a comparison found, in one row of facts. */
function comparisonFacts(comparison) {
  if (!comparison) return null;
  const rows = comparison.outputs.map((each) => [
    outputName(each.name),
    decibels(each.sqnr),
    number(each.cosine),
    number(each.max_error),
    number(each.mean_error),
    percent(each.agreement),
  ]);
  const header = ["Output", "SQNR", "Cosine", "Largest error", "Mean error", "Top-1 agreement"];
  return html(
    "div",
    { class: "compared" },
    html("h3", {}, `Compared with ${comparison.reference}`),
    scroller(plainTable("Errors of the outputs", header, rows)),
  );
}

function outputName(name) {
  return name || "(no name)";
}

/** The head of one model. */
function modelHead(view) {
  return html(
    "div",
    { class: "head" },
    verdicts(view.profiles),
    facts(view),
    ends(view),
    comparisonFacts(view.model.comparison),
  );
}

/** Names of files, with their folders only where they are needed to tell them apart. */
function shortNames(models) {
  const bases = models.map((model) => model.name.split(/[\\/]/).at(-1));
  return new Set(bases).size === bases.length ? bases : models.map((model) => model.name);
}

/** Which model of several; nothing where there is one. */
function modelChoice(models, chosen, choose) {
  if (models.length < 2) return null;
  const options = shortNames(models).map((name, index) =>
    html("option", { value: index, selected: index === chosen }, name),
  );
  const select = html(
    "select",
    { id: "model", change: () => choose(Number(select.value)) },
    options,
  );
  return html("label", { class: "choice", for: "model" }, "Model", select);
}

// The table of operators.

const MANY = 500;

function outputOf(view, operator) {
  return view.tensors.get(operator.outputs[0]);
}

function operatorColumns(view) {
  const output = (row) => outputOf(view, row);
  const found = (row) => findingsAt(view, row.number).length;
  const places = view.profiles.map(({ name, placement }) => ({
    title: name,
    value: (row) => placement[row.number]?.target,
    cell: (row) =>
      ({ cpu: "CPU", accelerator: "accelerator" })[placement[row.number]?.target] ?? NOTHING,
  }));
  const subgraph = {
    title: "Subgraph",
    value: (row) => row.subgraph,
    cell: (row) => subgraphName(view, row.subgraph),
  };
  const errors = view.hasErrors
    ? [measured("Error", "error", decibels), measured("Isolated", "isolated", decibels)]
    : [];
  return [
    ...(isDivided(view) ? [subgraph] : []),
    { title: "Op", number: true, value: (row) => row.number, cell: (row) => String(row.index) },
    {
      title: "Type",
      value: (row) => row.name,
      cell: (row) => operatorButton(view, row.number, row.name),
    },
    { title: "Compute", value: (row) => row.compute },
    {
      title: "Output",
      value: (row) => output(row)?.shape.reduce((product, size) => product * Math.abs(size), 1),
      cell: (row) => (output(row) ? `${output(row).dtype} ${shape(output(row).shape)}` : NOTHING),
    },
    measured("MACs", "macs", (value) => (value ? count(value) : NOTHING), 0),
    measured("Parameters", "parameters", (value) => (value ? count(value) : NOTHING), 0),
    measured("Weights", "bytes", (value) => (value ? bytes(value) : NOTHING), 0),
    ...places,
    ...errors,
    { title: "Findings", number: true, value: found, cell: (row) => String(found(row) || NOTHING) },
    {
      title: "Output tensor",
      value: (row) => output(row)?.name,
      cell: (row) => {
        const name = output(row)?.name || NOTHING;
        return html("span", { class: "tensor-name", title: name }, name);
      },
    },
  ];
}

/** The section of the operators; nothing where there are none. */
function operatorSection(view) {
  const operators = [...view.operators.values()];
  if (!operators.length) return null;
  const table = sortableTable({
    caption: "Operators",
    columns: operatorColumns(view),
    rows: operators,
  });
  for (const [operator, row] of table.rows)
    row.addEventListener(
      "click",
      (event) => event.target.closest("button") || view.selectOperator(operator.number),
    );
  view.onSelect("table", (node) => {
    for (const [operator, row] of table.rows)
      row.classList.toggle("selected", operator.number === node.operator);
  });
  const said = html("output", { id: "rows", "aria-live": "polite" });
  const texts = new Map(
    [...table.rows].map(([operator, row]) => [operator, row.textContent.toLowerCase()]),
  );
  const look = () => {
    const shown = table.filter((operator) =>
      texts.get(operator).includes(box.value.trim().toLowerCase()),
    );
    said.textContent = `${shown} of ${counted(operators.length, "operator")}`;
  };
  const box = html("input", {
    type: "search",
    id: "filter",
    placeholder: "Any column",
    autocomplete: "off",
    spellcheck: "false",
    input: look,
  });
  look();
  const long = operators.length > MANY ? "long" : "";
  const tools = html(
    "div",
    { class: "tools" },
    html(
      "div",
      { class: "tool" },
      html("label", { for: "filter" }, "Filter"),
      html("span", { class: "row" }, box, said),
    ),
  );
  return section("operators", "Operators", tools, scroller(table.node, { class: `scroller tall ${long}` }));
}

// The table of operators.

function outputOf(view, operator) {
  return view.tensors.get(operator.outputs[0]);
}

function operatorColumns(view) {
  const measured = (title, field, text) => ({
    title,
    number: true,
    value: (row) => row[field],
    cell: (row) => text(row[field]),
  });
  const output = (row) => outputOf(view, row);
  const found = (row) => findingsAt(view, row.index).length;
  const places = [...view.placements].map(([profile, placed]) => ({
    title: profile,
    value: (row) => placed.get(row.index)?.target,
    cell: (row) =>
      ({ cpu: "CPU", accelerator: "accelerator" })[placed.get(row.index)?.target] ?? NOTHING,
  }));
  const errors = view.hasErrors
    ? [measured("Error", "error", decibels), measured("Isolated", "isolated", decibels)]
    : [];
  return [
    { title: "Op", number: true, value: (row) => row.index },
    {
      title: "Type",
      value: (row) => row.name,
      cell: (row) => operatorButton(view, row.index, row.name),
    },
    { title: "Compute", value: (row) => row.compute },
    {
      title: "Output",
      value: (row) => output(row)?.shape.reduce((product, size) => product * size, 1),
      cell: (row) => (output(row) ? `${output(row).dtype} ${shape(output(row).shape)}` : NOTHING),
    },
    measured("MACs", "macs", (value) => (value ? count(value) : NOTHING)),
    measured("Parameters", "parameters", (value) => (value ? count(value) : NOTHING)),
    measured("Weights", "bytes", (value) => (value ? bytes(value) : NOTHING)),
    ...places,
    ...errors,
    { title: "Findings", number: true, value: found, cell: (row) => String(found(row) || NOTHING) },
    {
      title: "Output tensor",
      value: (row) => output(row)?.name,
      cell: (row) => html("span", { class: "tensor-name" }, output(row)?.name ?? NOTHING),
    },
  ];
}

/** The section of the operators; nothing where there are none. */
function operatorSection(view) {
  const { operators } = view.model;
  if (!operators.length) return null;
  const table = sortableTable({
    caption: "Operators",
    columns: operatorColumns(view),
    rows: operators,
  });
  for (const [operator, row] of table.rows)
    row.addEventListener(
      "click",
      (event) => event.target.closest("button") || view.selectOperator(operator.index),
    );
  view.onSelect((node) => {
    for (const [operator, row] of table.rows)
      row.classList.toggle("selected", operator.index === node.operator);
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
  return section("operators", "Operators", tools, scroller(table.node, { class: "scroller tall" }));
}

// What the page shows of one model: its data, looked up from all sides, and what is selected.

function grouped(pairs) {
  const groups = new Map();
  for (const [name, value] of pairs) {
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(value);
  }
  return groups;
}

/** The node that a finding is about: its operator's, or the end of the graph that its tensor is. */
function nodeOfFinding(view, { operator, tensor }) {
  if (operator !== null) return view.nodeOf.get(operator);
  return tensor === null ? undefined : view.ends.get(tensor);
}

/** All findings of all profiles, each with its profile and rule, by the node that they are about. */
function findingsByNode(view) {
  const all = view.model.profiles.flatMap((profile) =>
    profile.groups.flatMap((group) =>
      group.findings.map((finding) => ({ ...finding, profile, rule: group.rule })),
    ),
  );
  return grouped(all.map((finding) => [nodeOfFinding(view, finding)?.id, finding]));
}

function placementsOf(profile) {
  return new Map(profile.placement.map((each) => [each.operator, each]));
}

/** A model with its look-ups. Nodes are known by id; operators and tensors by index. */
function makeView(model) {
  const { nodes, edges } = model.graph;
  const listeners = [];
  const view = {
    model,
    operators: new Map(model.operators.map((operator) => [operator.index, operator])),
    tensors: new Map(model.tensors.map((tensor) => [tensor.index, tensor])),
    nodes: new Map(nodes.map((node) => [node.id, node])),
    ends: new Map(nodes.filter((each) => each.kind !== "op").map((each) => [each.tensor, each])),
    nodeOf: new Map(
      nodes.filter((each) => each.kind === "op").map((each) => [each.operator, each]),
    ),
    next: grouped(edges.map((edge) => [edge.from, edge.to])),
    previous: grouped(edges.map((edge) => [edge.to, edge.from])),
    placements: new Map(model.profiles.map((each) => [each.name, placementsOf(each)])),
    hasErrors: model.operators.some((operator) => typeof operator.error === "number"),
    selected: null,
    onSelect: (listener) => listeners.push(listener),
    select(node, how = {}) {
      view.selected = node;
      for (const listener of listeners) listener(node, how);
    },
    selectOperator(index, how = {}) {
      const node = view.nodeOf.get(index);
      if (node) view.select(node, { reveal: true, ...how });
    },
  };
  view.findings = findingsByNode(view);
  return view;
}

/** What an operator is called in sentences: `op 12 CONV_2D`. */
function operatorName(view, index) {
  return `op ${index} ${view.operators.get(index)?.name ?? ""}`.trim();
}

/** A button that selects an operator in the graph and shows it. */
function operatorButton(view, index, text = operatorName(view, index)) {
  if (!view.nodeOf.has(index)) return html("span", {}, text);
  return link(text, () => view.selectOperator(index, { open: true }));
}

/** What a finding says, without the operator that it begins with: it is named beside it. */
function messageAt(view, { message, operator }) {
  const name = operator === null ? "" : `${operatorName(view, operator)}: `;
  return message.startsWith(name) ? message.slice(name.length) : message;
}

/** The findings of an operator. */
function findingsAt(view, index) {
  return view.findings.get(view.nodeOf.get(index)?.id) ?? [];
}

/** The name of a tensor; some have none. */
function tensorName(tensor) {
  return tensor.name || `tensor ${tensor.index}`;
}

/** The names by which an operator or an end of the graph is found. */
function searchable(view, node) {
  const operator = view.operators.get(node.operator);
  const tensors = operator ? [...operator.inputs, ...operator.outputs] : [node.tensor];
  const names = tensors.map((index) => view.tensors.get(index)?.name ?? "");
  return [node.label, operator?.name ?? "", ...names].join("\n").toLowerCase();
}

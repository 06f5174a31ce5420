// What the page shows: its data unpacked, looked up from all sides, and what is selected.

/** The numbers in Base64 of float32, with the seven digits that it has. */
function unpackedNumbers(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) =>
    Number(view.getFloat32(4 * i, true).toPrecision(7)),
  );
}

function unpackedValue(value, shared) {
  if (value === null || typeof value !== "object") return value;
  if ("$" in value) return shared[value.$];
  if ("f32" in value) return unpackedNumbers(value.f32);
  for (const name of Object.keys(value)) value[name] = unpackedValue(value[name], shared);
  return value;
}

/** Data that packing.py wrote. What was shared is one object: nobody may change it. */
function unpacked(text) {
  const { shared, data } = JSON.parse(text);
  shared.forEach((value, i) => (shared[i] = unpackedValue(value, shared)));
  return unpackedValue(data, shared);
}

function grouped(pairs) {
  const groups = new Map();
  for (const [name, value] of pairs) {
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(value);
  }
  return groups;
}

/** The items of all subgraphs by their numbers; each also knows its subgraph and its place in it. */
function numbered(model, kind, nothing) {
  const items = new Map();
  model.subgraphs.forEach((each, subgraph) => {
    for (let index = 0; index < each[kind]; index++) {
      const at = items.size;
      items.set(at, { ...nothing, ...model[kind][at], number: at, index, subgraph });
    }
  });
  return items;
}

const NO_OPERATOR = { inputs: [], outputs: [], options: [], calls: [], weights: null, bias: null };
const NO_TENSOR = { name: "", shape: [], producer: null };

/** Tensors know which operator makes them, and which ones read them. */
function joined(operators, tensors) {
  for (const tensor of tensors.values()) tensor.consumers = [];
  for (const { number: at, inputs, outputs } of operators.values()) {
    for (const index of new Set(inputs)) tensors.get(index)?.consumers.push(at);
    for (const index of outputs) tensors.get(index).producer ??= at;
  }
  return tensors;
}

/** A subgraph's drawing. Its nodes have names: `op3`, `input0`; after the first `s1op3`. */
function drawing({ graph }, subgraph, operators) {
  const places = { input: 0, output: 0 };
  const name = ({ kind, operator }) =>
    kind === "op" ? `op${operators.get(operator).index}` : `${kind}${places[kind]++}`;
  const [width, height] = graph.box;
  const nodes = graph.nodes.map((node) => {
    const id = (subgraph ? `s${subgraph}` : "") + name(node);
    return { operator: null, tensor: null, ...node, id, subgraph, width, height };
  });
  const edges = graph.edges.map(({ from, to, points }) => ({
    from: nodes[from].id,
    to: nodes[to].id,
    points: Array.from({ length: points.length / 2 }, (_, i) => points.slice(2 * i, 2 * i + 2)),
  }));
  return { width: graph.width, height: graph.height, nodes, edges };
}

/** The profiles, with findings that know their rule, severity and profile. */
function readProfiles({ profiles }) {
  return profiles.map((profile) => {
    const placement = profile.placement.map(([target, partition, reason]) => ({
      target,
      partition,
      reason,
    }));
    const groups = profile.groups.map((group) => ({
      ...group,
      findings: group.findings.map(([parts, operator, tensor]) => ({
        parts,
        operator,
        tensor,
        rule: group.rule,
        text: group.text,
        severity: group.severity,
        profile: profile.name,
      })),
    }));
    return { ...profile, placement, groups };
  });
}

/** The node that a finding is about: its operator's, or the end of the graph that its tensor is. */
function nodeOfFinding(view, { operator, tensor }) {
  if (operator !== null) return view.nodeOf.get(operator);
  return tensor === null ? undefined : view.ends.get(tensor);
}

/** A model with its look-ups. Nodes are known by id; operators and tensors by number. */
function makeView(model) {
  const operators = numbered(model, "operators", NO_OPERATOR);
  const tensors = joined(operators, numbered(model, "tensors", NO_TENSOR));
  const graphs = model.subgraphs.map((each, index) => drawing(each, index, operators));
  const nodes = graphs.flatMap((graph) => graph.nodes);
  const edges = graphs.flatMap((graph) => graph.edges);
  const profiles = readProfiles(model);
  const listeners = new Map();
  const view = {
    model,
    operators,
    tensors,
    profiles,
    subgraph: 0,
    get graph() {
      return graphs[view.subgraph];
    },
    nodes: new Map(nodes.map((node) => [node.id, node])),
    ends: new Map(nodes.filter((each) => each.kind !== "op").map((each) => [each.tensor, each])),
    nodeOf: new Map(
      nodes.filter((each) => each.kind === "op").map((each) => [each.operator, each]),
    ),
    next: grouped(edges.map((edge) => [edge.from, edge.to])),
    previous: grouped(edges.map((edge) => [edge.to, edge.from])),
    hasErrors: model.operators.some((operator) => typeof operator.error === "number"),
    /** Whoever listens under a name takes the place of the one before. */
    onSelect: (name, listener) => listeners.set(name, listener),
    show: (subgraph) => (view.subgraph = subgraph),
    select(node, how = {}) {
      if (node.subgraph !== view.subgraph) view.show(node.subgraph);
      for (const listener of listeners.values()) listener(node, how);
    },
    selectOperator(at, how = {}) {
      const node = view.nodeOf.get(at);
      if (node) view.select(node, { reveal: true, ...how });
    },
  };
  const found = profiles.flatMap((profile) => profile.groups.flatMap((each) => each.findings));
  view.findings = grouped(found.map((finding) => [nodeOfFinding(view, finding)?.id, finding]));
  return view;
}

/** Whether subgraphs have to be told apart. */
function isDivided(view) {
  return view.model.subgraphs.length > 1;
}

/** What a subgraph is called: `0 main`. */
function subgraphName(view, index) {
  return `${index} ${view.model.subgraphs[index].name}`.trim();
}

/** What an operator is called in sentences: `op 12 CONV_2D`, `subgraph 1 op 0 ADD`. */
function operatorName(view, at) {
  const { index, subgraph, name } = view.operators.get(at);
  return `${subgraph ? `subgraph ${subgraph} ` : ""}op ${index} ${name}`;
}

/** A button that selects an operator in the graph and shows it. */
function operatorButton(view, at, text = operatorName(view, at)) {
  return link(text, () => view.selectOperator(at, { open: true }));
}

/** What a finding says: its text, and in it the tensor's name. */
function saying(view, { parts, tensor }) {
  if (parts.length < 2) return parts;
  return [parts[0], html("code", {}, tensorName(view.tensors.get(tensor))), parts[1]];
}

/** The findings of an operator. */
function findingsAt(view, at) {
  return view.findings.get(view.nodeOf.get(at)?.id) ?? [];
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

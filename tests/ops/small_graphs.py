"""Models from names: which operators read and write which tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import flatbuffers

from tfq.model import Model, load

OPTIONS = {
    "IF": ("IfOptions", ("thenSubgraphIndex", "elseSubgraphIndex")),
    "WHILE": ("WhileOptions", ("condSubgraphIndex", "bodySubgraphIndex")),
}
# What follows a tensor's name: "w!" is a constant, "s~" a variable.
CONSTANT, VARIABLE = "!", "~"


class Graph(NamedTuple):
    """A subgraph: `operators` are like "a w! > ADD > b", `sizes` the values that tensors hold."""

    inputs: str
    operators: list[str]
    outputs: str
    sizes: dict[str, int]
    types: dict[str, str] = {}  # noqa: RUF012


def made(schema: Any, *graphs: Graph) -> Model:
    """Make a model; tensors are int8 vectors unless `types` says otherwise."""
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes, model.subgraphs = (
        3,
        [schema.BufferT()],
        [],
        [],
    )
    for graph in graphs:
        names: dict[str, int] = {}
        subgraph = schema.SubGraphT()
        places = {"inputs": graph.inputs, "outputs": graph.outputs}
        for field, text in places.items():
            setattr(subgraph, field, [names.setdefault(name, len(names)) for name in text.split()])
        subgraph.operators = [_operator(schema, model, names, row) for row in graph.operators]
        subgraph.tensors = [_tensor(schema, model, graph, name) for name in names]
        model.subgraphs.append(subgraph)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return load(bytes(builder.Output()))


def _operator(schema: Any, model: Any, names: dict[str, int], row: str) -> Any:
    inputs, name, outputs = row.split(">")
    name, *callees = name.split()
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = [names.setdefault(each, len(names)) for each in inputs.split()]
    operator.outputs = [names.setdefault(each, len(names)) for each in outputs.split()]
    if callees:
        options, fields = OPTIONS[name]
        operator.builtinOptions = getattr(schema, options + "T")()
        vars(operator.builtinOptions).update(zip(fields, map(int, callees), strict=True))
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    return operator


def _tensor(schema: Any, model: Any, graph: Graph, name: str) -> Any:
    tensor = schema.TensorT()
    plain = name.rstrip(CONSTANT + VARIABLE)
    tensor.name, tensor.shape = plain, [graph.sizes.get(plain, 1)]
    tensor.type = getattr(schema.TensorType, graph.types.get(plain, "int8").upper())
    tensor.isVariable = name.endswith(VARIABLE)
    if name.endswith(CONSTANT):
        buffer = schema.BufferT()
        buffer.data = [0] * graph.sizes.get(plain, 1) * 8
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    return tensor

"""Float models as rare as a test wants them, in LiteRT's own object API of the format."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import flatbuffers
import numpy as np

from tfq.model import Model, load

DENSE = ("FullyConnectedOptions", {})


class T(NamedTuple):
    """A tensor, which is a constant if it has data; `like` shares the buffer of another."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    data: np.ndarray | None = None
    like: int | None = None


class Op(NamedTuple):
    """An operator and the indices of its tensors; a name that the format lacks is a custom one."""

    name: str
    inputs: list[int]
    outputs: list[int]
    options: tuple[str, dict[str, Any]] | None = None


class Graph(NamedTuple):
    """A subgraph."""

    tensors: list[T]
    operators: list[Op]
    inputs: list[int]
    outputs: list[int]


class Sign(NamedTuple):
    """A signature: names of the tensors of a subgraph."""

    key: str
    graph: int
    inputs: dict[str, int]
    outputs: dict[str, int]


def constant(name: str, values: np.ndarray) -> T:
    """A tensor that holds an array."""
    return T(name, values.shape, values.dtype.name, values)


def made(schema: ModuleType, graphs: list[Graph], signatures: list[Sign] | None = None) -> Model:
    """Make a model."""
    model = schema.ModelT()
    model.version, model.operatorCodes, model.buffers = 3, [], [schema.BufferT()]
    model.subgraphs = [_subgraph(schema, model, each) for each in graphs]
    model.signatureDefs = [_signature(schema, each) for each in signatures or ()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return load(bytes(builder.Output()))


def dense(
    schema: ModuleType, widths: list[int], names: list[str] | None = None, seed: int = 0
) -> Model:
    """Fully connected layers of these widths, with ReLU between them and seeded weights."""
    dice = np.random.default_rng(seed)
    tensors, operators = [T("x", (1, widths[0]))], []
    for number, (wide, deep) in enumerate(pairwise(widths)):
        weights = (dice.standard_normal((deep, wide)) / np.sqrt(wide)).astype(np.float32)
        name = names[number] if names else f"y{number}"
        place = len(tensors)
        tensors += [constant(f"w{number}", weights), T(name, (1, deep))]
        is_last = number == len(widths) - 2
        options = ("FullyConnectedOptions", {} if is_last else {"fusedActivationFunction": 1})
        operators.append(Op("FULLY_CONNECTED", [place - 1, place, -1], [place + 1], options))
    return made(schema, [Graph(tensors, operators, [0], [len(tensors) - 1])])


def _subgraph(schema: ModuleType, model: Any, graph: Graph) -> Any:
    subgraph = schema.SubGraphT()
    subgraph.tensors = []
    for row in graph.tensors:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.hasRank = row.name, list(row.shape), True
        tensor.type = getattr(schema.TensorType, row.dtype.upper())
        if row.like is not None:
            tensor.buffer = subgraph.tensors[row.like].buffer
        elif row.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(row.data.tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        subgraph.tensors.append(tensor)
    subgraph.operators = [_operator(schema, model, row) for row in graph.operators]
    subgraph.inputs, subgraph.outputs = graph.inputs, graph.outputs
    return subgraph


def _operator(schema: ModuleType, model: Any, row: Op) -> Any:
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    is_custom = not hasattr(schema.BuiltinOperator, row.name)
    code.builtinCode = getattr(schema.BuiltinOperator, "CUSTOM" if is_custom else row.name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.customCode = row.name if is_custom else None
    code.version = 1
    operator.opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(code)
    operator.inputs, operator.outputs = row.inputs, row.outputs
    if row.options is not None:
        table, values = row.options
        operator.builtinOptions = getattr(schema, f"{table}T")()
        vars(operator.builtinOptions).update(values)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
    return operator


def _signature(schema: ModuleType, row: Sign) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = row.key, row.graph
    signature.inputs = [_entry(schema, *each) for each in row.inputs.items()]
    signature.outputs = [_entry(schema, *each) for each in row.outputs.items()]
    return signature


def _entry(schema: ModuleType, name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry

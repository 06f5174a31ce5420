"""Models as small as the thing that a test is about."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, NamedTuple

BYTES = {"float16": 2, "float32": 4, "int16": 2, "int32": 4}


class T(NamedTuple):
    """A tensor. Quantized with `scales` scales if that is not 0."""

    name: str
    dtype: str = "int8"
    scales: int = 0
    constant: bool = False
    variable: bool = False
    shape: tuple[int, ...] = (4, 1, 1, 4)


class Op(NamedTuple):
    """An operator and the names of its tensors; None is one that is left out."""

    name: str
    inputs: list[str | None]
    outputs: list[str]


class Graph(NamedTuple):
    """A subgraph."""

    tensors: list[T]
    operators: list[Op]
    inputs: list[str]
    outputs: list[str]


class Builder:
    """Puts graphs together in LiteRT's own object API of the format."""

    def __init__(self, bindings: ModuleType) -> None:
        self.bindings = bindings
        self.model = bindings.ModelT()
        self.model.version = 3
        self.model.buffers = [bindings.BufferT()]
        self.model.operatorCodes = []
        self.model.subgraphs = []
        self.model.signatureDefs = []

    def add(self, graph: Graph) -> None:
        places: dict[str | None, int] = {None: -1}
        places |= {tensor.name: place for place, tensor in enumerate(graph.tensors)}
        subgraph = self.bindings.SubGraphT()
        subgraph.tensors = [self.tensor(row) for row in graph.tensors]
        subgraph.operators = [self.operator(op, places) for op in graph.operators]
        subgraph.inputs = [places[name] for name in graph.inputs]
        subgraph.outputs = [places[name] for name in graph.outputs]
        self.model.subgraphs.append(subgraph)

    def sign(self, subgraph: int) -> None:
        signature = self.bindings.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = f"signature {subgraph}", subgraph
        self.model.signatureDefs.append(signature)

    def tensor(self, row: T) -> Any:
        tensor = self.bindings.TensorT()
        tensor.name, tensor.shape, tensor.isVariable = row.name, list(row.shape), row.variable
        tensor.type = getattr(self.bindings.TensorType, row.dtype.upper())
        if row.constant:
            buffer = self.bindings.BufferT()
            buffer.data = [0] * (math.prod(row.shape) * BYTES.get(row.dtype, 1))
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if row.scales:
            tensor.quantization = self.bindings.QuantizationParametersT()
            tensor.quantization.scale = [0.5] * row.scales
            tensor.quantization.zeroPoint = [0] * row.scales
        return tensor

    def operator(self, op: Op, places: dict[str | None, int]) -> Any:
        code = self.bindings.OperatorCodeT()
        custom = not hasattr(self.bindings.BuiltinOperator, op.name)
        code.builtinCode = getattr(self.bindings.BuiltinOperator, "CUSTOM" if custom else op.name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.customCode = op.name if custom else None
        operator = self.bindings.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        operator.inputs = [places[name] for name in op.inputs]
        operator.outputs = [places[name] for name in op.outputs]
        return operator


def conv(*, activations: str = "int8", weights: str = "int8", scales: int = 1) -> Graph:
    """One convolution; a bias of int32 where the activations are integers."""
    quantized = 0 if activations.startswith("float") else 1
    bias = "int32" if quantized else "float32"
    return Graph(
        [
            T("x", activations, quantized),
            T("kernel", weights, 0 if weights.startswith("float") else scales, constant=True),
            T("bias", bias, quantized, constant=True, shape=(4,)),
            T("y", activations, quantized),
        ],
        [Op("CONV_2D", ["x", "kernel", "bias"], ["y"])],
        ["x"],
        ["y"],
    )

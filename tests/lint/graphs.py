"""Models as small as the thing that a test is about."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tfq import profiles

# LiteRT on a CPU as far as quantization goes, without its list of operators.
RUNTIME = profiles.load("cpu")._replace(
    operators={}, every_operator=(), misfit=profiles.Misfit(), shapes=profiles.Shapes()
)
# Without padding and fused activation.
CONVOLUTION = {
    "padding": 1,
    "strideW": 1,
    "strideH": 1,
    "dilationWFactor": 1,
    "dilationHFactor": 1,
}


class T(NamedTuple):
    """A tensor. Quantized with `scales` scales if that is not 0.

    All scales are `scale`, or they are `each_scale`; the zero points are 0 or `zero_points`. The
    values of a constant are `data`, or all of them 1.
    """

    name: str
    dtype: str = "int8"
    scales: int = 0
    constant: bool = False
    variable: bool = False
    shape: tuple[int, ...] = (1, 1, 1, 4)
    scale: float = 0.5
    each_scale: tuple[float, ...] = ()
    zero_points: tuple[int, ...] | None = None
    axis: int = 0
    data: Any = None
    signature: tuple[int, ...] = ()


class Op(NamedTuple):
    """An operator and the names of its tensors; None is one that is left out.

    Its options are the name of their table and what is set in it, by the names of the object API.
    """

    name: str
    inputs: list[str | None]
    outputs: list[str]
    options: tuple[str, dict[str, Any]] | None = None
    version: int = 1


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
        tensor.shapeSignature = list(row.signature) or None
        if row.constant:
            buffer = self.bindings.BufferT()
            buffer.data = _bytes(row)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        scales = list(row.each_scale) or [row.scale] * row.scales
        if scales:
            points = [0] * len(scales) if row.zero_points is None else list(row.zero_points)
            tensor.quantization = self.bindings.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = scales, points
            tensor.quantization.quantizedDimension = row.axis
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
        code.version = op.version
        if op.options is not None:
            table, values = op.options
            operator.builtinOptions = getattr(self.bindings, f"{table}T")()
            vars(operator.builtinOptions).update(values)
            operator.builtinOptionsType = getattr(self.bindings.BuiltinOptions, table)
        return operator


def _bytes(row: T) -> np.ndarray:
    values = 1 if row.data is None else row.data
    array = np.broadcast_to(np.asarray(values, row.dtype), row.shape)
    return np.frombuffer(array.tobytes(), np.uint8)


def conv(*, activations: str = "int8", weights: str = "int8", scales: int = 1) -> Graph:
    """One convolution that no device has anything against; `scales` are also its filters.

    With one scale, or none, it has 48 filters.
    """
    quantized = 0 if activations.startswith("float") else 1
    filters = scales if scales > 1 else 48
    kernel = T("kernel", weights, scales, constant=True, shape=(filters, 3, 3, 16), scale=2**-7)
    bias = T("bias", "int32", scales, constant=True, shape=(filters,), scale=2**-8)
    if not quantized:
        bias = bias._replace(dtype="float32", scales=0)
    elif activations == "int16":
        bias = bias._replace(dtype="int64")
    return Graph(
        [
            T("x", activations, quantized, shape=(1, 4, 4, 16)),
            kernel if not weights.startswith("float") else kernel._replace(scales=0),
            bias,
            T("y", activations, quantized, shape=(1, 2, 2, filters)),
        ],
        [Op("CONV_2D", ["x", "kernel", "bias"], ["y"], ("Conv2DOptions", CONVOLUTION))],
        ["x"],
        ["y"],
    )

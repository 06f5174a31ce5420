"""Models of many operators that have nothing to do with each other: one run of a tool for all."""

from __future__ import annotations

from typing import Any, NamedTuple

import flatbuffers
import numpy as np

IMAGE = (1, 8, 8, 4)
# Operators whose options are not called like them.
_SHARED = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "SUM": "ReducerOptions",
}


class T(NamedTuple):
    """A tensor; a constant if it has a value, of scale `scale` unless that is None."""

    shape: tuple[int, ...] = IMAGE
    dtype: str = "int8"
    scale: float | tuple[float, ...] | None = 0.05
    zero_point: int = 0
    value: Any = None
    axis: int = 0
    signature: tuple[int, ...] = ()


class Row(NamedTuple):
    """One operator; None among the inputs is one that is left out."""

    name: str
    inputs: list[T | None]
    outputs: list[T]
    options: dict[str, Any] = {}  # noqa: RUF012
    version: int = 1


def ints(*values: Any, dtype: str = "int32") -> T:
    """A constant such as axes or paddings."""
    array = np.array(values, dtype)
    return T(array.shape, dtype, None, value=array)


def scalar(value: int) -> T:
    """A constant without dimensions."""
    return T((), "int32", None, value=value)


def build(schema: Any, rows: list[Row]) -> bytes:
    """Write a model; the tensors of row 7 are called `7.in0`, `7.out0` and so on."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    for number, row in enumerate(rows):
        operator, code = schema.OperatorT(), schema.OperatorCodeT()
        custom = not hasattr(schema.BuiltinOperator, row.name)
        code.builtinCode = getattr(schema.BuiltinOperator, "CUSTOM" if custom else row.name)
        code.customCode = row.name if custom else None
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), row.version
        operator.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(code)
        given = [(f"{number}.in{place}", each) for place, each in enumerate(row.inputs)]
        made = [(f"{number}.out{place}", each) for place, each in enumerate(row.outputs)]
        operator.inputs = [_added(schema, model, graph, *each) for each in given]
        operator.outputs = [_added(schema, model, graph, *each) for each in made]
        pairs = zip(operator.inputs, row.inputs, strict=True)
        graph.inputs += [at for at, each in pairs if each is not None and each.value is None]
        graph.outputs += operator.outputs
        _set_options(schema, operator, row)
        graph.operators.append(operator)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _added(schema: Any, model: Any, graph: Any, name: str, each: T | None) -> int:
    if each is None:
        return -1
    tensor = schema.TensorT()
    tensor.name, tensor.shape = name, list(each.shape)
    tensor.type = getattr(schema.TensorType, each.dtype.upper())
    tensor.shapeSignature = list(each.signature) or None
    if each.value is not None:
        buffer = schema.BufferT()
        array = np.broadcast_to(np.asarray(each.value, each.dtype), each.shape)
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        tensor.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if each.scale is not None:
        scales = list(np.atleast_1d(each.scale))
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.array(scales, np.float32)
        tensor.quantization.zeroPoint = [each.zero_point] * len(scales)
        tensor.quantization.quantizedDimension = each.axis
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _set_options(schema: Any, operator: Any, row: Row) -> None:
    wanted = _SHARED.get(row.name, row.name.replace("_", "") + "Options").lower()
    table = next((each for each in vars(schema.BuiltinOptions) if each.lower() == wanted), None)
    if table is None:
        assert not row.options
        return
    operator.builtinOptions = getattr(schema, f"{table}T")()
    assert row.options.keys() <= vars(operator.builtinOptions).keys()
    vars(operator.builtinOptions).update(row.options)
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)

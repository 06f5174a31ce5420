"""Models of one operator, built from data and run in LiteRT: what its kernel does with scales."""

from __future__ import annotations

from typing import Any, NamedTuple

import flatbuffers
import numpy as np

MIDDLES = {"int8": 0, "uint8": 128, "int16": 0}


class A(NamedTuple):
    """A quantized activation."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float = 1.0
    zero_point: int = 0


def one_op(
    schema: Any,
    name: str,
    inputs: list[Any],
    outputs: list[A],
    options: tuple[str, dict[str, Any]] | None = None,
    version: int = 1,
) -> bytes:
    """Make a model; inputs that are arrays are constants."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    model, subgraph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    model.version, model.operatorCodes, model.buffers = 3, [code], [schema.BufferT()]
    subgraph.tensors = [_tensor(schema, each, model.buffers) for each in (*inputs, *outputs)]
    operator.inputs = list(range(len(inputs)))
    operator.outputs = list(range(len(inputs), len(subgraph.tensors)))
    if options is not None:
        operator.builtinOptions = getattr(schema, options[0] + "T")()
        vars(operator.builtinOptions).update(options[1])
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, options[0])
    subgraph.operators = [operator]
    subgraph.inputs = [place for place, each in enumerate(inputs) if isinstance(each, A)]
    subgraph.outputs = operator.outputs
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content: bytes, *values: np.ndarray) -> list[np.ndarray]:
    """Run a model once in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for place, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(place["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(place["index"]) for place in interpreter.get_output_details()]


def _tensor(schema: Any, each: Any, buffers: list[Any]) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape = "", list(each.shape)
    if isinstance(each, A):
        tensor.type = getattr(schema.TensorType, each.dtype.upper())
    else:
        tensor.type = getattr(schema.TensorType, each.dtype.name.upper())
        buffer = schema.BufferT()
        buffer.data = list(each.tobytes())
        buffers.append(buffer)
        tensor.buffer = len(buffers) - 1
    scale, zero_point = (each.scale, each.zero_point) if isinstance(each, A) else (0.05, 0)
    if tensor.type != schema.TensorType.BOOL:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
    return tensor

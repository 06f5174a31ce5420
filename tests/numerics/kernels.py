"""LiteRT's QUANTIZE and DEQUANTIZE, run on one tensor."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest

from tfq.numerics import Parameters


def run(operator: str, values: np.ndarray, source: object, target: object, kernels: str):
    """Run an operator.

    Args:
        operator: "QUANTIZE" or "DEQUANTIZE".
        values: Its input.
        source: The parameters of the input; None for float32.
        target: Those of the output.
        kernels: "reference" or "xnnpack".
    """
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    kinds = litert.OpResolverType
    kind = {"reference": kinds.BUILTIN_REF, "xnnpack": kinds.AUTO}[kernels]
    interpreter = litert.Interpreter(
        model_content=_model(operator, values.shape, source, target),
        experimental_op_resolver_type=kind,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _model(operator: str, shape: tuple[int, ...], source: object, target: object) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, operator)
    # The first whose kernels know int4.
    code.version = 6
    node = schema.OperatorT()
    node.inputs, node.outputs = [0], [1]
    graph = schema.SubGraphT()
    graph.inputs, graph.outputs, graph.operators = [0], [1], [node]
    graph.tensors = [_tensor(schema, shape, each) for each in (source, target)]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(schema: object, shape: tuple[int, ...], parameters: Parameters | None) -> object:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = "", list(shape), schema.TensorType.FLOAT32
    if parameters is not None:
        tensor.type = getattr(schema.TensorType, parameters.dtype.upper())
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = list(parameters.scales)
        tensor.quantization.zeroPoint = list(parameters.zero_points)
        tensor.quantization.quantizedDimension = parameters.axis
    return tensor

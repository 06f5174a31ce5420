from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import sqnr

import tfq
from tfq import passes

MOBILENET = "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"


def test_all_uint8_weights_of_an_older_model_get_their_zero_in_the_middle(
    shared_models: Path,
) -> None:
    model = tfq.load(shared_models / MOBILENET)
    result, changes = passes.symmetric_weights(model)
    weights = [op.weights for op in result.operators if op.weights]
    assert {tensor.quantization.zero_points for tensor in weights} == {(128,)}
    assert len(changes.changed) == len(weights) == 28
    lowest, mean = changes.sqnr
    assert lowest > 28
    assert mean > 33
    assert passes.symmetric_weights(result)[0] is result
    # Each of them covers what it did, to half a step.
    for old, new in zip(model.operators, result.operators, strict=True):
        if old.weights:
            before, after = (real(op.weights) for op in (old, new))
            assert np.abs(after - before).max() <= new.weights.quantization.scales[0] * 0.501
    assert np.isfinite(sqnr(model, result))


def real(tensor: tfq.model.Tensor) -> np.ndarray:
    quantization = tensor.quantization
    return (tensor.numpy().astype(float) - quantization.zero_points[0]) * quantization.scales[0]


def test_an_operator_that_shares_its_bias_gets_its_own(bindings: Any, pack: Any) -> None:
    model = two_layers(bindings, pack)
    result, changes = passes.symmetric_weights(model)
    first, second = result.operators
    assert [len(changes.changed), len(changes.kept)] == [1, 0]
    assert first.bias is not second.bias
    assert bytes(second.bias.data) == bytes(model.operators[1].bias.data)
    assert first.bias.quantization.scales[0] > second.bias.quantization.scales[0]
    assert sqnr(model, result) > 35


def two_layers(schema: Any, pack: Any) -> tfq.Model:
    """Two dense layers on one input with one bias; the weights of the first are asymmetric."""
    rng = np.random.default_rng(1)
    model, subgraph = schema.ModelT(), schema.SubGraphT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [subgraph]
    model.buffers = [schema.BufferT()]
    subgraph.tensors, subgraph.operators = [], []

    def add(shape: tuple[int, ...], scale: float, zero_point: int = 0, data: Any = None) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.name = list(shape), f"t{len(subgraph.tensors)}"
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            tensor.type = getattr(schema.TensorType, data.dtype.name.upper())
            model.buffers.append(buffer)
        subgraph.tensors.append(tensor)
        return len(subgraph.tensors) - 1

    given = add((1, 8), 0.05)
    bias = add((4,), 0.05 * 0.02, data=rng.integers(-900, 900, 4, np.int32))
    for zero_point in (-40, 0):
        data = rng.integers(-127, 128, (4, 8), np.int8)
        weights = add((4, 8), 0.02, zero_point, data)
        operator = schema.OperatorT()
        operator.inputs, operator.outputs = [given, weights, bias], [add((1, 4), 0.5)]
        operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = schema.FullyConnectedOptionsT()
        subgraph.operators.append(operator)
    subgraph.inputs = [given]
    subgraph.outputs = [operator.outputs[0] for operator in subgraph.operators]
    return tfq.load(pack(model))


@pytest.mark.parametrize("options", [{}, {"input_type": "float32", "output_type": "float32"}])
def test_digits_stay_readable_with_symmetric_activations(
    digits: Any, right: Any, options: dict[str, str]
) -> None:
    model = digits(mode="full_integer", **options)
    result, changes = passes.symmetric_activations(model)
    for op in result.operators:
        for tensor in op.outputs:
            fixed = op.name in ("SOFTMAX", "DEQUANTIZE")
            assert fixed or tensor.quantization.zero_points == (0,), op
    assert [each.why for each in changes.kept] == [
        "SOFTMAX prescribes the quantization of its output"
    ]
    assert right(result) >= right(model) - 0.01
    assert passes.symmetric_activations(result)[0] is result


@pytest.mark.parametrize(
    ("name", "least"),
    [
        (MOBILENET, 10),
        ("micro/hello_world_int8.tflite", 25),
        ("micro/micro_speech_quantized.tflite", 25),
        ("micro/trained_lstm_int8.tflite", 25),
        ("edgetpu_pairs/keras_lstm_mnist_ptq.tflite", 25),
        ("edgetpu_pairs/split_concat.tflite", 25),
    ],
)
def test_real_models_run_with_symmetric_activations(
    shared_models: Path, name: str, least: float
) -> None:
    model = tfq.load(shared_models / name)
    result, _ = passes.symmetric_activations(model)
    assert sqnr(model, result) > least


def test_what_a_recurrent_kernel_touches_is_left_and_named(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/trained_lstm_int8.tflite")
    (lstm,) = (op for op in model.operators if "LSTM" in op.name)
    result, changes = passes.symmetric_activations(model)
    assert f"{lstm.name} may rely on it" in {each.why for each in changes.kept}
    new = result.operators[lstm.index]
    assert [each.quantization for each in new.inputs if each] == [
        each.quantization for each in lstm.inputs if each
    ]


def test_16_bit_activations_are_symmetric_always(digits: Any) -> None:
    model = digits(mode="int16x8")
    assert passes.symmetric_activations(model) == (model, passes.Changes("symmetric_activations"))

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tfq import ops
from tfq.model import Operator, load


def operator(path: Path, name: str) -> Operator:
    return next(op for op in load(path).operators if op.name == name)


@pytest.mark.parametrize(
    ("model", "name", "weights", "bias", "axis"),
    [
        ("micro/conv0.tflite", "CONV_2D", (8, 7, 7, 2), (8,), 0),
        ("micro/micro_speech_quantized.tflite", "DEPTHWISE_CONV_2D", (1, 10, 8, 8), (8,), 3),
        ("micro/micro_speech_quantized.tflite", "FULLY_CONNECTED", (4, 4000), (4,), 0),
        ("micro/trained_lstm_int8.tflite", "UNIDIRECTIONAL_SEQUENCE_LSTM", (20, 28), (20,), 0),
        ("litert/static_w8_a16_quantized_k_einsum.tflite", "BATCH_MATMUL", (128, 16), None, 1),
        ("litert/matmul_quant.tflite", "BATCH_MATMUL", None, None, None),
        ("micro/micro_speech_quantized.tflite", "SOFTMAX", None, None, None),
        ("edgetpu_pairs/split_concat_edgetpu.tflite", "edgetpu-custom-op", None, None, None),
    ],
)
def test_weights_and_bias_are_found(
    model: str,
    name: str,
    weights: tuple[int, ...] | None,
    bias: tuple[int, ...] | None,
    axis: int | None,
    shared_models: Path,
) -> None:
    op = operator(shared_models / model, name)

    assert (op.weights.shape if op.weights else None) == weights
    assert (op.bias.shape if op.bias else None) == bias
    assert ops.channel_axis(op) == axis


def test_per_channel_scales_lie_along_the_channel_axis(model_path: Path) -> None:
    for subgraph in load(model_path).subgraphs:
        for op in subgraph.operators:
            quantization = op.weights.quantization if op.weights else None
            if quantization is not None and quantization.granularity == "per_channel":
                assert quantization.quantized_dimension == ops.channel_axis(op)


def test_a_recurrent_operator_has_many_weights(shared_models: Path) -> None:
    lstm = operator(
        shared_models / "micro/trained_lstm_int8.tflite", "UNIDIRECTIONAL_SEQUENCE_LSTM"
    )

    shapes = [tensor.shape for tensor in ops.all_weights(lstm)]
    assert shapes == [(20, 28)] * 4 + [(20, 20)] * 4
    assert len(ops.all_biases(lstm)) == 4


def test_a_transposed_right_side_has_its_channels_one_axis_earlier(
    edited: Any, shared_models: Path
) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[1].builtinOptions.adjY = True

    path = shared_models / "litert/static_w8_a16_quantized_k_einsum.tflite"
    op = load(edited(path, change)).operators[1]

    assert ops.channel_axis(op) == 0


def test_a_custom_operator_that_is_called_like_a_builtin_one_means_nothing(
    edited: Any, shared_models: Path
) -> None:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 32
        model.operatorCodes[0].deprecatedBuiltinCode = 32
        model.operatorCodes[0].customCode = "CONV_2D"

    op = load(edited(shared_models / "micro/conv0.tflite", change)).operators[0]

    assert (op.name, op.is_custom) == ("CONV_2D", True)
    assert op.weights is None
    assert op.macs == 0


def test_every_row_belongs_to_an_operator_of_the_format() -> None:
    from tfq import schemas

    builtin = schemas.load("tflite")["enums"]["BuiltinOperator"]
    assert set(builtin) >= set(ops.OPERATIONS)

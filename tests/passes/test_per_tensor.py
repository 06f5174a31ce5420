from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import same_but, sqnr

import tfq
from tfq import passes


@pytest.mark.parametrize("mode", ["full_integer", "int16x8", "dynamic_range", "weight_only"])
def test_digits_stay_readable_with_one_scale_a_tensor(digits: Any, right: Any, mode: str) -> None:
    model = digits(mode=mode)

    result, changes = passes.per_tensor(model)

    assert changes.modified
    assert not changes.kept
    assert {
        tensor.quantization.granularity
        for tensor in result.tensors
        if tensor.is_constant and tensor.quantization and tensor.dtype == "int8"
    } == {"per_tensor"}
    assert right(result) >= right(model) - 0.01
    assert passes.per_tensor(result)[0] is result


@pytest.mark.parametrize(
    ("name", "least"),
    [("micro_speech_quantized", 20), ("conv0", 35), ("dtln_noise_suppression", 0)],
)
def test_real_models_run_and_give_nearly_the_same(
    shared_models: Path, name: str, least: float
) -> None:
    model = tfq.load(shared_models / "micro" / f"{name}.tflite")
    result, changes = passes.per_tensor(model)
    assert sqnr(model, result) > least
    # The LSTM has one scale a tensor already.
    assert changes.modified == (name != "dtln_noise_suppression")


def test_weights_and_bias_mean_what_they_meant(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/micro_speech_quantized.tflite")
    op = model.operators[1]
    result, changes = passes.per_tensor(model)
    new = result.operators[1]
    real = op.weights.numpy() * np.array(op.weights.quantization.scales)
    (scale,) = new.weights.quantization.scales

    assert scale == pytest.approx(np.abs(real).max() / 127)
    assert np.abs(new.weights.numpy() * scale - real).max() <= scale / 2 * 1.001
    (change,) = changes.changed
    assert change.cost.worst == pytest.approx(np.abs(new.weights.numpy() * scale - real).max())
    assert change.cost.sqnr > change.cost.channel_sqnr > 20
    assert new.bias.quantization.scales == pytest.approx(
        (scale * new.inputs[0].quantization.scales[0],)
    )
    old_bias = op.bias.numpy() * np.array(op.bias.quantization.scales)
    step = new.bias.quantization.scales[0]
    assert np.abs(new.bias.numpy() * step - old_bias).max() <= step
    assert same_but(model, result, op.weights, op.bias)


def test_weights_of_four_bits_are_packed_again(shared_models: Path, edited: Any) -> None:
    def narrow(model: Any) -> None:
        (subgraph,) = model.subgraphs
        weights = subgraph.tensors[subgraph.operators[1].inputs[1]]
        values = np.array(model.buffers[weights.buffer].data, np.uint8).view(np.int8) // 16
        nibbles = values.astype(np.uint8) & 15
        model.buffers[weights.buffer].data = nibbles[0::2] | nibbles[1::2] << 4
        weights.type = 17
        weights.quantization.scale = [each * 16 for each in weights.quantization.scale]
        bias = subgraph.tensors[subgraph.operators[1].inputs[2]]
        bias.quantization.scale = [each * 16 for each in bias.quantization.scale]

    model = tfq.load(edited(shared_models / "micro/micro_speech_quantized.tflite", narrow))
    assert model.operators[1].weights.dtype == "int4"

    result, _ = passes.per_tensor(model)

    weights = result.operators[1].weights
    assert weights.dtype == "int4"
    assert np.abs(weights.numpy()).max() == 7
    assert sqnr(model, result) > 10


def test_what_shares_a_scale_with_an_activation_is_left_and_named(
    shared_models: Path, edited: Any
) -> None:
    """A table per channel that RESHAPE hands on."""

    def table(model: Any) -> None:
        (subgraph,) = model.subgraphs
        weights = subgraph.tensors[subgraph.operators[1].inputs[1]]
        reshape, conv = subgraph.operators[:2]
        reshape.inputs = [conv.inputs[1], *reshape.inputs[1:]]
        assert len(weights.quantization.scale) == 8

    content = edited(shared_models / "micro/micro_speech_quantized.tflite", table)
    model = tfq.load(content)

    result, changes = passes.per_tensor(model)

    assert result is model
    assert [each.why for each in changes.kept] == ["it shares its scale with an activation"]


def test_a_matrix_whose_kernel_reads_one_scale_only_becomes_right(shared_models: Path) -> None:
    """LiteRT's BATCH_MATMUL takes no scales per channel: it gives nothing but zeros."""
    model = tfq.load(shared_models / "litert/static_w8_a16_quantized_k_einsum.tflite")
    (matmul,) = (op for op in model.operators if op.name == "BATCH_MATMUL")
    result, changes = passes.per_tensor(model)
    (change,) = changes.changed
    assert change.place == repr(matmul.weights.name)
    assert len(result.operators[matmul.index].weights.quantization.scales) == 1

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from before_after import same_but, sqnr

import tfq
from tfq import passes
from tfq.passes import activations
from tfq.passes.parameters import LIMITS, Parameters


def test_digits_stay_readable_with_powers_of_two(digits: Any, right: Any) -> None:
    model = digits(mode="full_integer")
    result, changes = passes.power_of_two(model)
    assert not changes.kept
    for op in result.operators:
        assert all(tensor.quantization.power_of_two for tensor in op.outputs), op
        assert op.weights is None or op.weights.quantization.power_of_two
    assert right(result) >= right(model) - 0.02
    assert passes.power_of_two(result)[0] is result


def test_symmetric_powers_of_two_with_one_scale_a_tensor(digits: Any, right: Any) -> None:
    """What an accelerator that only shifts wants."""
    model = digits(mode="full_integer")
    result = model
    for each in (passes.per_tensor, passes.symmetric_activations, passes.power_of_two):
        result, _ = each(result)
    for op in result.operators[:-1]:
        for tensor in op.outputs:
            assert tensor.quantization.power_of_two
            assert tensor.quantization.symmetric
    assert right(result) >= right(model) - 0.03


@pytest.mark.parametrize("of", ["weights", "activations"])
def test_one_of_both_leaves_the_other(digits: Any, of: str) -> None:
    model = digits(mode="full_integer")
    result, _ = passes.power_of_two(model, [of])
    op, new = model.operators[0], result.operators[0]
    assert (new.weights.quantization == op.weights.quantization) == (of == "activations")
    assert (new.outputs[0].quantization == op.outputs[0].quantization) == (of == "weights")
    assert new.bias.quantization.scales == pytest.approx(
        [new.inputs[0].quantization.scales[0] * scale for scale in new.weights.quantization.scales]
    )


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("micro/hello_world_int8.tflite", 20),
        ("micro/micro_speech_quantized.tflite", 25),
        ("micro/conv0.tflite", 35),
        ("edgetpu_pairs/keras_lstm_mnist_ptq.tflite", 25),
    ],
)
def test_real_models_run_with_powers_of_two(shared_models: Path, name: str, least: float) -> None:
    model = tfq.load(shared_models / name)
    result, changes = passes.power_of_two(model)
    assert changes.modified
    assert sqnr(model, result) > least


def test_activations_of_16_bits_are_left(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/conv0.tflite")
    (conv,) = model.operators
    result, _ = passes.power_of_two(model)
    assert same_but(model, result, conv.weights, conv.bias)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scale", [0.3, 0.251, 0.499, 1e-6, 700.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_new_ranges_cover_the_old_ones(dtype: str, scale: float, share: float) -> None:
    low, high, middle = LIMITS[dtype]
    point = low + round(share * 255)
    old = Parameters(dtype, (scale,), (point,))
    for new in (activations.power_of_two(old), activations.symmetric(old)):
        (step,), (zero,) = new.scales, new.zero_points
        assert low <= zero <= high
        # To half a step; and float32 rounds.
        slack = step * 0.501
        assert step * (low - zero) <= scale * (low - point) + slack
        assert step * (high - zero) >= scale * (high - point) - slack
    assert activations.symmetric(old).zero_points == (middle,)
    assert math.log2(activations.power_of_two(old).scales[0]).is_integer()
    assert activations.power_of_two(old).scales[0] < 2 * scale


def test_the_inside_of_an_lstm_is_left_alone(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/trained_lstm_int8.tflite")

    for change in (passes.power_of_two, passes.symmetric_activations):
        changed, _ = change(model)
        before = [op.intermediates for op in model.operators if op.intermediates]
        after = [op.intermediates for op in changed.operators if op.intermediates]
        assert before
        for mine, other in zip(before, after, strict=True):
            assert [each.quantization for each in mine] == [each.quantization for each in other]

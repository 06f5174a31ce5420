"""Every mode, on the trained sample: what is in the file, and that it still does its job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tfq
from tfq.accuracy import top1
from tfq.convert import calibration
from tfq.convert.sources import InputSpec
from tfq.ops import integer_share

Digits = Callable[..., tfq.Model]

EVERY_MODE = [
    ("float32", None),
    ("float16", None),
    ("dynamic_range", "per_channel"),
    ("dynamic_range", "per_tensor"),
    ("weight_only", "per_channel"),
    ("weight_only", "per_tensor"),
    ("full_integer", "per_channel"),
    ("full_integer", "per_tensor"),
    ("int16x8", "per_channel"),
    ("int16x8", "per_tensor"),
]


@pytest.fixture(scope="module")
def evaluation(samples: Path) -> calibration.Samples:
    inputs = [InputSpec("image", (1, 8, 8, 1), "float32")]
    return calibration.read(samples / "evaluation.npz", inputs)


@pytest.mark.parametrize(("mode", "granularity"), EVERY_MODE)
def test_every_mode_keeps_the_accuracy_of_the_sample(
    digits: Digits, evaluation: calibration.Samples, mode: str, granularity: str | None
) -> None:
    assert top1(digits(mode=mode, granularity=granularity), evaluation) >= 0.96


@pytest.mark.parametrize(("mode", "granularity"), EVERY_MODE)
def test_every_mode_names_its_inputs_and_outputs_as_the_model_does(
    digits: Digits, mode: str, granularity: str | None
) -> None:
    (signature,) = digits(mode=mode, granularity=granularity).signatures
    assert list(signature.inputs) == ["image"]
    assert list(signature.outputs) == ["probabilities"]


@pytest.mark.parametrize("mode", ["full_integer", "int16x8"])
@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_integer_modes_leave_nothing_in_float(digits: Digits, mode: str, granularity: str) -> None:
    model = digits(mode=mode, granularity=granularity)
    assert integer_share(model.operators) == 1
    expected = {"full_integer": "int8", "int16x8": "int16"}[mode]
    assert {tensor.dtype for tensor in (*model.inputs, *model.outputs)} == {expected}


@pytest.mark.parametrize("mode", ["full_integer", "int16x8"])
@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_weights_have_the_granularity_that_was_asked(
    digits: Digits, mode: str, granularity: str
) -> None:
    model = digits(mode=mode, granularity=granularity)
    weights = [op.weights for op in model.operators if op.weights is not None]
    assert len(weights) == 10
    assert {tensor.quantization.granularity for tensor in weights} == {granularity}
    assert {tensor.dtype for tensor in weights} == {"int8"}


@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_dynamic_range_computes_its_large_layers_with_int8_weights(
    digits: Digits, granularity: str
) -> None:
    # TensorFlow leaves weights of fewer than 1024 elements alone; three here are larger.
    operators = digits(mode="dynamic_range", granularity=granularity).operators
    hybrid = [op for op in operators if op.compute == "hybrid"]
    assert len(hybrid) == 3
    assert {op.weights.quantization.granularity for op in hybrid} == {granularity}


def test_weight_only_computes_in_float_on_int8_weights(digits: Digits) -> None:
    model = digits(mode="weight_only")
    assert {op.compute for op in model.operators} == {"float"}
    assert [t.dtype for t in model.tensors if t.is_constant].count("int8") == 10


def test_float16_stores_half_the_bytes(digits: Digits) -> None:
    half, full = digits(mode="float16"), digits(mode="float32")
    assert "float16" in {tensor.dtype for tensor in half.tensors}
    assert half.size < 0.65 * full.size


@pytest.mark.parametrize(
    ("types", "boundary"),
    [
        (("int8", "int8"), []),
        (("uint8", "uint8"), ["QUANTIZE", "QUANTIZE"]),
        (("float32", "float32"), ["QUANTIZE", "DEQUANTIZE"]),
        (("uint8", "float32"), ["QUANTIZE", "DEQUANTIZE"]),
    ],
)
def test_inputs_and_outputs_have_the_types_that_were_asked(
    digits: Digits, types: tuple[str, str], boundary: list[str]
) -> None:
    model = digits(mode="full_integer", input_type=types[0], output_type=types[1])
    assert (model.inputs[0].dtype, model.outputs[0].dtype) == types
    names = [op.name for op in model.operators]
    assert [name for name in names if name.endswith("QUANTIZE")] == boundary

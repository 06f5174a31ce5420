"""The whole of `tfq.convert`: what it checks of its result, and what it says when it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq import errors
from tfq.convert import check, converted
from tfq.convert.request import complete

tf = pytest.importorskip("tensorflow")

X = np.random.default_rng(0).random((24, 4), np.float32)


def function(body: Callable[..., object]) -> object:
    return tf.function(body, input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])


def test_a_profile_decides_and_its_verdict_comes_with_the_model(samples: Path) -> None:
    data = samples / "calibration.npz"
    model = tfq.convert(samples / "digits.keras", profile="artpec8", calibration_data=data)
    assert isinstance(model, tfq.Model)
    assert (model.mode, model.granularity) == ("full_integer", "per_tensor")
    assert model.report is not None
    assert model.report.ok


def test_without_a_profile_there_is_no_report(samples: Path) -> None:
    assert tfq.convert(samples / "digits.keras", mode="float32").report is None


def test_the_float_device_gets_a_float_model(samples: Path) -> None:
    model = tfq.convert(samples / "digits.keras", profile="cv25")
    assert model.mode == "float32"
    assert model.report is not None
    assert model.report.ok


def test_integer_modes_need_calibration_data(samples: Path) -> None:
    wanted = r"full_integer needs calibration_data for image: float32 \[1, 8, 8, 1\]"
    with pytest.raises(errors.CalibrationDataError, match=wanted):
        tfq.convert(samples / "digits.keras")


def test_operators_without_integer_kernels_are_named() -> None:
    sine = function(lambda x: tf.sin(x) + x)
    with pytest.raises(errors.ConversionError, match=r"stayed in float: SIN \(operator \d\);"):
        tfq.convert(sine, calibration_data=X)
    model = tfq.convert(sine, calibration_data=X, allow_float_fallback=True)
    assert {op.compute for op in model.operators if op.name == "SIN"} == {"float"}


def test_operators_that_litert_lacks_are_named() -> None:
    erf = function(tf.math.erf)
    with pytest.raises(errors.ConversionError, match=r"Erf.*allow_select_tf_ops"):
        tfq.convert(erf, mode="float32")
    model = tfq.convert(erf, mode="float32", allow_select_tf_ops=True)
    assert [op.name for op in model.operators] == ["FlexErf"]


def test_operators_that_nothing_has_are_named() -> None:
    betainc = function(lambda x: tf.math.betainc(x, x, x))
    with pytest.raises(errors.ConversionError, match=r"Betainc.*allow_custom_ops"):
        tfq.convert(betainc, mode="float32")
    model = tfq.convert(betainc, mode="float32", allow_custom_ops=True)
    assert "Betainc" in [op.name for op in model.operators]


def test_weights_that_are_no_numbers_are_named() -> None:
    weights = tf.Variable(np.full((4, 2), np.nan, np.float32), name="kernel")
    with pytest.raises(errors.ConversionError, match="'kernel' holds NaN"):
        tfq.convert(function(lambda x: x @ weights), calibration_data=X)


@pytest.mark.parametrize(("dtype", "name"), [("float16", "f16"), ("float64", "f64")])
def test_a_model_in_another_float_type_says_so(dtype: str, name: str) -> None:
    other = function(lambda x: tf.cast(tf.cast(x, dtype) @ tf.ones((4, 2), dtype), tf.float32))
    with pytest.raises(errors.ConversionError, match=f"but the model in {name}"):
        tfq.convert(other, mode="float32")


def test_a_model_whose_own_code_fails_says_so() -> None:
    def broken(x: object) -> object:
        raise RuntimeError("layer 3 is missing\nits weights")

    with pytest.raises(errors.ConversionError, match=r"traced: .*layer 3 is missing its weights"):
        tfq.convert(function(broken), mode="float32")


def test_data_are_checked_before_the_conversion_starts(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the conversion started")

    monkeypatch.setattr(converted, "make", never)
    with pytest.raises(errors.CalibrationDataError, match=r"got float32 \[24, 4\]"):
        tfq.convert(samples / "digits.keras", calibration_data=X)


class TestCheck:
    """A converter that silently did something else must not pass."""

    @pytest.mark.parametrize(
        ("made", "asked", "message"),
        [
            (
                {"granularity": "per_channel"},
                {"granularity": "per_tensor"},
                r"still per-channel: CONV_2D \(operator 0\), .* and 5 more",
            ),
            ({"granularity": "per_tensor"}, {}, "asked for per-channel weights"),
            ({"input_type": "uint8"}, {}, "asked for int8 inputs"),
            ({"output_type": "float32"}, {}, "asked for int8 outputs"),
            (
                {"mode": "weight_only"},
                {"input_type": "float32", "output_type": "float32"},
                r"stayed in float: .*CONV_2D",
            ),
            (
                {"mode": "weight_only", "granularity": "per_channel"},
                {"mode": "weight_only", "granularity": "per_tensor"},
                "still per-channel",
            ),
        ],
    )
    def test_it_raises(
        self,
        digits: Callable[..., tfq.Model],
        made: dict[str, str],
        asked: dict[str, str],
        message: str,
    ) -> None:
        with pytest.raises(errors.ConversionError, match=message):
            check.check(digits(**made), complete(None, **asked))

    def test_it_passes_what_was_asked(self, digits: Callable[..., tfq.Model]) -> None:
        for options in ({}, {"input_type": "float32"}, {"mode": "int16x8"}):
            check.check(digits(**options), complete(None, **options))

    def test_weights_that_were_all_left_in_float_are_a_warning(self) -> None:
        dense = function(lambda x: x @ tf.ones((4, 2)))
        with pytest.warns(errors.ConversionWarning, match="no weights were quantized"):
            tfq.convert(dense, mode="dynamic_range")

"""Scales and zero points: those of the converter, and what must hold of all."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hard_numbers import TINY, mild, ranges
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_worker import TensorFlow

import tfq
from tfq.errors import ArgumentError
from tfq.numerics import INTEGERS, dequantize, parameters, quantize

DTYPES = st.sampled_from(["int4", "int8", "uint8", "int16"])


@pytest.mark.parametrize(("dtype", "narrow"), [("int8", False), ("int8", True), ("int16", False)])
def test_scales_and_zero_points_are_the_converters(
    tensorflow: TensorFlow, tmp_path: Path, dtype: str, narrow: bool
) -> None:
    random = np.random.default_rng(0)
    sizes = 10 ** random.uniform(-5, 6, (200, 1))
    ends = (np.abs(random.normal(size=(200, 2))) * [-1, 1] * sizes).astype(np.float32).tolist()
    # Zero points that are ties.
    ends += [(-k - 0.5, steps - k - 0.5) for k in (0, 64, 127, 128, 200) for steps in (254, 255)]
    ends += [(-1.0, 1.0), (0.0, 6.0), (-3.0, 0.0)]
    bits = 16 if dtype == "int16" else 8
    (content,) = tensorflow([("converted", (list(map(tuple, ends)), bits, narrow), {})])
    (tmp_path / "model.tflite").write_bytes(content)
    model = tfq.load(tmp_path / "model.tflite")

    made_by = {each.outputs[0].index: each for each in model.operators}
    for output, (low, high) in zip(model.outputs, ends, strict=True):
        (tensor,) = made_by[output.index].inputs
        ours = parameters(low, high, dtype, narrow=narrow)
        assert tensor.dtype == dtype
        assert (ours.scales, ours.zero_points) == (
            tensor.quantization.scales,
            tensor.quantization.zero_points,
        )


@settings(max_examples=500, deadline=None)
@given(ranges, DTYPES, st.booleans(), st.booleans(), st.booleans())
def test_zero_and_both_ends_have_their_integers(
    ends: tuple[float, float], dtype: str, symmetric: bool, narrow: bool, power_of_two: bool
) -> None:
    low, high = ends
    options = {"symmetric": symmetric, "narrow": narrow, "power_of_two": power_of_two}
    found = parameters(low, high, dtype, **options)
    (scale,), (point,) = found.scales, found.zero_points

    assert TINY <= scale == np.float32(scale)
    assert found.limits[0] <= point <= found.limits[1]
    assert dequantize(np.array([point]), found).tolist() == [0.0]
    if symmetric:
        assert point == INTEGERS[dtype].middle
    if power_of_two:
        assert math.frexp(scale)[0] == 0.5
    # Rounding the zero point moves the ends by up to half a step, rounding the number by another.
    back = (quantize(np.float32(ends), found).astype(float) - point) * scale
    assert np.abs(back - ends).max() <= scale * (1 + 1e-5)


@settings(max_examples=200, deadline=None)
@given(mild)
def test_int8_and_uint8_are_the_same_but_for_128(ends: tuple[float, float]) -> None:
    signed, unsigned = (parameters(*ends, dtype) for dtype in ("int8", "uint8"))
    assert signed.scales == unsigned.scales
    assert signed.zero_points[0] + 128 == unsigned.zero_points[0]


def test_a_range_of_nothing_but_zero_has_a_scale() -> None:
    assert parameters(0.0, 0.0, "int8")[:3] == ("int8", (1.0,), (0,))
    assert parameters(0.0, 0.0, "uint8", symmetric=True)[:3] == ("uint8", (1.0,), (128,))


@pytest.mark.parametrize(
    ("low", "high", "options", "expected"),
    [
        (0.0, 255.0, {}, (1.0, -128)),
        (1.0, 255.0, {}, (1.0, -128)),
        (-128.0, 127.0, {"symmetric": True}, (1.0, 0)),
        (-127.0, 127.0, {"symmetric": True, "narrow": True}, (1.0, 0)),
        (-128.0, 0.0, {"symmetric": True, "power_of_two": True}, (1.0, 0)),
        (0.0, 128.0, {"symmetric": True, "power_of_two": True}, (2.0, 0)),
        (0.0, 6.0, {"power_of_two": True}, (2.0**-5, -128)),
        (0.0, 5e-324, {"power_of_two": True}, (TINY, -128)),
    ],
)
def test_scales_that_are_known(
    low: float, high: float, options: dict[str, bool], expected: tuple[float, int]
) -> None:
    found = parameters(low, high, "int8", **options)
    assert (found.scales, found.zero_points) == ((expected[0],), (expected[1],))


def test_channels_have_scales_of_their_own() -> None:
    low, high = np.float32([-1, -254]), np.float32([127, 254])
    found = parameters(low, high, "int8", symmetric=True, narrow=True, axis=3)
    assert found == ("int8", (1.0, 2.0), (0, 0), 3, True)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.0, -1.0, "a minimum below the maximum; got 1.0 to -1.0"),
        (math.nan, 1.0, "a range of float32 numbers; got nan to 1.0"),
        (0.0, math.inf, "a range of float32 numbers; got 0.0 to inf"),
        (-1e39, 0.0, "a range of float32 numbers; got -1e[+]39 to 0.0"),
        ([0.0, 0.0], [1.0], "one minimum and one maximum a channel"),
    ],
)
def test_what_is_no_range_is_refused(low: float, high: float, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        parameters(low, high, "int8")

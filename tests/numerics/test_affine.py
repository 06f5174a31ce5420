"""LiteRT's QUANTIZE and DEQUANTIZE, to the last bit."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from hard_numbers import TINY, same, seeds, values, whole
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from kernels import run

from tfq.errors import ArgumentError
from tfq.numerics import INTEGERS, Parameters, dequantize, fixed_point, quantize, requantize
from tfq.numerics import xnnpack as delegate

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="what C++ leaves undefined, others do otherwise"
)

# Scales as files have them, and as only broken ones do.
scales = st.one_of(
    st.sampled_from([2.0**-7, 1.0, 0.1, 1 / 255, TINY, 1e38]),
    st.floats(2.0**-20, 2.0**14, width=32),
    st.floats(TINY, 2.0**127, width=32),
)
PAIRS = [("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8")]
PAIRS += [("int8", "int16"), ("uint8", "int16"), ("int16", "int8"), ("int16", "int16")]
PAIRS += [("int16", "int32"), ("int32", "int8"), ("int32", "int16")]


@st.composite
def parameters(draw: st.DrawFn, dtypes: tuple[str, ...]) -> Parameters:
    dtype = draw(st.sampled_from(dtypes))
    kind = INTEGERS[dtype]
    return Parameters(dtype, (draw(scales),), (draw(st.integers(kind.low, kind.high)),))


def real_numbers(target: Parameters, seed: int) -> np.ndarray:
    """Ties and more, where the integers are, and numbers out of all proportion."""
    kind = INTEGERS[target.dtype]
    low, high = ((end - target.zero_points[0]) * target.scales[0] for end in (kind.low, kind.high))
    numbers = values(low, high, kind.high - kind.low, seed)
    return np.append(numbers, np.float32(np.nan))


@settings(max_examples=300, deadline=None)
@given(parameters(("int4", "int8", "uint8", "int16")), seeds)
@example(Parameters("int8", (1.0,), (-5,)), 0)
def test_quantize_is_the_reference_kernel(target: Parameters, seed: int) -> None:
    real = real_numbers(target, seed)
    same(quantize(real, target), run("QUANTIZE", real, None, target, "reference"))


@settings(max_examples=200, deadline=None)
@given(parameters(("int8", "uint8")), seeds)
def test_xnnpack_quantizes_as_it_does(target: Parameters, seed: int) -> None:
    real = real_numbers(target, seed)
    same(delegate.quantize(real, target), run("QUANTIZE", real, None, target, "xnnpack"))


@settings(max_examples=200, deadline=None)
@given(parameters(("int4", "int8", "uint8", "int16")), seeds)
def test_dequantize_is_the_kernel(source: Parameters, seed: int) -> None:
    kind = INTEGERS[source.dtype]
    if source.dtype == "int16":
        source = source._replace(zero_points=(0,))
    integers = whole(kind.low, kind.high, seed).astype(kind.storage)
    real = dequantize(integers, source)
    same(real, run("DEQUANTIZE", integers, source, None, "reference"))
    if source.dtype in ("int8", "uint8"):
        same(real, run("DEQUANTIZE", integers, source, None, "xnnpack"))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PAIRS), scales, st.floats(-35, 29.9), st.data(), seeds)
@example(("int8", "int8"), 1.0, 0.0, None, 0)
@example(("int8", "int8"), 1.0, -1.0, None, 0)
def test_requantize_is_the_reference_kernel(
    pair: tuple[str, str], scale: float, exponent: float, data: st.DataObject | None, seed: int
) -> None:
    other = scale / 2.0**exponent
    assume(TINY < other < 2.0**127)
    points = [0, 0]
    if data is not None and pair != ("int16", "int16"):
        kinds = [INTEGERS[dtype] for dtype in pair]
        points = [data.draw(st.integers(kind.low // 2, kind.high // 2)) for kind in kinds]
    source, target = (
        Parameters(dtype, (each,), (point,))
        for dtype, each, point in zip(pair, (scale, other), points, strict=True)
    )
    kind = INTEGERS[pair[0]]
    integers = whole(kind.low, kind.high, seed).astype(kind.storage)
    expected = run("QUANTIZE", integers, source, target, "reference")
    same(requantize(integers, source, target), expected)
    if (
        pair[0] == pair[1]
        and "8" in pair[0]
        and 2**-8 <= np.float32(scale) / np.float32(other) <= 2**7
    ):
        expected = run("QUANTIZE", integers, source, target, "xnnpack")
        same(delegate.requantize(integers, source, target), expected)


@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_channels_are_the_kernels_whatever_the_settings(
    dtype: str, axis: int, kernels: str
) -> None:
    random = np.random.default_rng(axis)
    kind, shape = INTEGERS[dtype], (3, 4, 5)
    count = shape[axis]
    points = [0] * count if dtype == "int16" else random.integers(kind.low, kind.high, count)
    some = tuple((10 ** random.uniform(-3, 2, count)).astype(np.float32).tolist())
    channels = Parameters(dtype, some, tuple(map(int, points)), axis)
    integers = random.integers(kind.low, kind.high, shape).astype(kind.storage)
    real = dequantize(integers, channels) + np.float32(some[0] / 2)

    same(quantize(real, channels), run("QUANTIZE", real, None, channels, kernels))
    if dtype != "int16":
        expected = run("DEQUANTIZE", integers, channels, None, kernels)
        same(dequantize(integers, channels), expected)


@pytest.mark.parametrize(
    ("dtype", "extreme"), [("int32", 2.0**31 - 1), ("int64", 2.0**63)], ids=["int32", "int64"]
)
def test_wide_types_are_limited_and_keep_every_digit(dtype: str, extreme: float) -> None:
    kind = INTEGERS[dtype]
    numbers = np.array([np.inf, -np.inf, extreme, -1e30, 16777217.0, 0.5, -0.5, 1.5])
    expected = [kind.high, kind.low, kind.high, kind.low, 16777217, 1, -1, 2]
    assert quantize(numbers, Parameters(dtype, (1.0,), (0,))).tolist() == expected
    with pytest.raises(ArgumentError, match="NaN"):
        quantize(np.array([np.nan]), Parameters(dtype, (1.0,), (0,)))


def test_a_narrow_range_leaves_out_the_lowest_integer() -> None:
    narrow = Parameters("int8", (1.0,), (0,), narrow=True)
    assert quantize(np.array([-200.0, 200.0]), narrow).tolist() == [-127, 127]


def test_a_multiplier_stands_for_its_number() -> None:
    assert fixed_point.multiplier(1.0) == (1 << 30, 1)
    assert fixed_point.multiplier(1 - 2.0**-33) == (1 << 30, 1)
    assert fixed_point.multiplier(2.0**-33) == (0, 0)


@pytest.mark.parametrize("ratio", [0.0, np.inf, np.nan, -1.0, 2.0**30])
def test_a_ratio_that_litert_leaves_undefined_is_refused(ratio: float) -> None:
    with pytest.raises(ArgumentError, match="expected a"):
        fixed_point.multiplier(ratio)


def test_what_has_no_kernel_is_refused() -> None:
    one, two = Parameters("int8", (1.0,), (0,)), Parameters("int8", (1.0, 1.0), (0, 0))
    zeros = np.zeros((2, 2), np.int8)
    for source, target in [(one, two), (two, one), (one, one._replace(dtype="int64"))]:
        with pytest.raises(ArgumentError, match="expected"):
            requantize(zeros, source, target)
    for source, target in [(one, two), (one, one._replace(dtype="uint8"))]:
        with pytest.raises(ArgumentError, match="expected"):
            delegate.requantize(zeros, source, target)
    with pytest.raises(ArgumentError, match="expected int8 or uint8"):
        delegate.quantize(zeros, one._replace(dtype="int16"))
    with pytest.raises(ArgumentError, match="axis below 2; got 2"):
        quantize(zeros, two._replace(axis=2))
    with pytest.raises(ArgumentError, match="got int3"):
        quantize(zeros, one._replace(dtype="int3"))

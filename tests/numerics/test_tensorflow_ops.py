"""`tf.quantization`, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hard_numbers import mild, ranges, same, seeds, values, whole
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensorflow_worker import STORAGE, TensorFlow

from tfq.errors import ArgumentError
from tfq.numerics import tensorflow_ops as ours

WAYS = [("MIN_COMBINED", "HALF_AWAY_FROM_ZERO"), ("MIN_FIRST", "HALF_AWAY_FROM_ZERO")]
WAYS += [("SCALED", "HALF_AWAY_FROM_ZERO"), ("SCALED", "HALF_TO_EVEN")]
WIDTHS = st.sampled_from([0.01, 0.0, 1e-4, 1.0])


def steps(dtype: str) -> int:
    limits = np.iinfo(STORAGE[dtype])
    return int(limits.max) - int(limits.min)


def all_ways(ends: tuple[Any, Any], seed: int, **more: Any) -> list[tuple[Any, Any]]:
    """The arguments of a call to quantize for each type, mode, rounding and narrowness."""
    return [
        (
            (values(*map(float, ends), min(steps(dtype), 65535), seed), *ends, dtype),
            {"mode": mode, "round_mode": rounding, "narrow_range": narrow, **more},
        )
        for dtype in STORAGE
        for mode, rounding in WAYS
        for narrow in (False, True)
    ]


@settings(max_examples=100, deadline=None)
@given(ranges, seeds, WIDTHS)
@example((-np.inf, np.inf), 0, 0.01)
@example((0.0, np.inf), 0, 0.0)
@example((1e-39, 1e-38), 0, 0.0)
def test_quantize_is_tensorflows(
    tensorflow: TensorFlow, ends: tuple[float, float], seed: int, width: float
) -> None:
    calls = all_ways(np.clip(ends, -1e38, 1e38).tolist(), seed, ensure_minimum_range=width)
    calls = [((call[0][0], *ends, call[0][3]), call[1]) for call in calls]
    answers = tensorflow([("quantize", *call) for call in calls])
    for (arguments, options), answer in zip(calls, answers, strict=True):
        for one, other in zip(ours.quantize(*arguments, **options), answer, strict=True):
            same(one, other)


@settings(max_examples=60, deadline=None)
@given(ranges, seeds, WIDTHS)
def test_quantize_is_tensorflows_with_onednn(
    workers: dict[bool, TensorFlow], ends: tuple[float, float], seed: int, width: float
) -> None:
    calls = all_ways(ends, seed, ensure_minimum_range=width)
    answers = workers[True]([("quantize", *call) for call in calls])
    for (arguments, options), answer in zip(calls, answers, strict=True):
        if isinstance(answer, str):
            # Of these oneDNN has no kernel, though TensorFlow asks for it.
            assert arguments[3] not in ("qint8", "quint8")
            assert "_MklQuantizeV2" in answer
            continue
        mine = ours.quantize(*arguments, **options, onednn=True)
        for one, other in zip(mine, answer, strict=True):
            same(one, other)


@settings(max_examples=30, deadline=None)
@given(st.lists(mild, min_size=2, max_size=4), st.integers(0, 2), seeds, st.booleans())
def test_quantize_has_ranges_along_an_axis(
    workers: dict[bool, TensorFlow],
    ends: list[tuple[float, float]],
    axis: int,
    seed: int,
    onednn: bool,
) -> None:
    lows, highs = np.float32(ends).T
    parts = [values(low, high, 255, seed, 4096).reshape(64, 64) for low, high in ends]
    stacked = np.stack(parts, axis=axis)
    calls = [
        (
            (stacked, lows, highs, dtype),
            {"mode": mode, "round_mode": rounding, "narrow_range": narrow, "axis": axis},
        )
        for dtype in STORAGE
        for mode, rounding in WAYS
        for narrow in (False, True)
        if mode != "MIN_FIRST"
    ]
    answers = workers[onednn]([("quantize", *call) for call in calls])
    for (arguments, options), answer in zip(calls, answers, strict=True):
        mine = ours.quantize(*arguments, **options, onednn=onednn)
        same(mine.output_min, answer[1])
        same(mine.output_max, answer[2])
        same(mine.output, answer[0])


def test_scalars_and_single_numbers_along_an_axis(tensorflow: TensorFlow) -> None:
    scalar, row = np.float32(0.7), np.float32([0.7, -3.0])
    lows, highs = np.float32([-1, -2]), np.float32([1, 2])
    along = {"axis": 0}
    calls = [
        ("quantize", (scalar, -1.0, 1.0, "qint8"), {}),
        ("quantize", (row, lows, highs, "qint8"), along),
        ("dequantize", (np.int8(3), -1.0, 1.0, "qint8"), {}),
        ("dequantize", (np.int8([3, 4]), lows, highs, "qint8"), along),
        ("fake_quant_with_min_max_vars", (scalar, -1.0, 1.0), {}),
        ("fake_quant_with_min_max_vars_per_channel", (row, lows, highs), {}),
    ]
    for (name, arguments, options), answer in zip(calls, tensorflow(calls), strict=True):
        found = getattr(ours, name)(*arguments, **options)
        same(*((found[0], answer[0]) if name == "quantize" else (found, answer)))


def test_numbers_that_are_none_go_the_way_of_groups(tensorflow: TensorFlow) -> None:
    nothing = np.full(64, np.nan, np.float32)
    calls = [((nothing, -1.0, 1.0, dtype), {"mode": mode}) for dtype in STORAGE for mode, _ in WAYS]
    answers = tensorflow([("quantize", *call) for call in calls])
    for (arguments, options), answer in zip(calls, answers, strict=True):
        same(ours.quantize(*arguments, **options).output, answer[0])


@pytest.mark.parametrize(
    "options",
    [
        {"min_range": 1.0, "max_range": -1.0},
        {"mode": "MIN_COMBINED", "round_mode": "HALF_TO_EVEN"},
        {"mode": "MIN_FIRST", "axis": 0},
        {"axis": 0},
        {"min_range": [0.0, 0.0, 0.0], "max_range": [1.0, 1.0, 1.0]},
        {"axis": 2, "min_range": [0.0], "max_range": [1.0]},
        {"mode": "MAX_FIRST"},
    ],
    ids=str,
)
def test_what_tensorflow_refuses_is_refused(
    tensorflow: TensorFlow, options: dict[str, Any]
) -> None:
    arguments = {"min_range": 0.0, "max_range": 1.0, **options}
    low, high = arguments.pop("min_range"), arguments.pop("max_range")
    zeros = np.zeros((3, 3), np.float32)
    (refusal,) = tensorflow([("quantize", (zeros, low, high, "qint8"), arguments)])
    assert isinstance(refusal, str)
    with pytest.raises(ArgumentError, match="expected"):
        ours.quantize(zeros, low, high, "qint8", **arguments)


@settings(max_examples=100, deadline=None)
@given(ranges, seeds)
def test_dequantize_is_tensorflows(
    tensorflow: TensorFlow, ends: tuple[float, float], seed: int
) -> None:
    calls = []
    for dtype, storage in STORAGE.items():
        limits = np.iinfo(storage)
        integers = whole(limits.min, limits.max, seed).astype(storage)
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for narrow in (False, True):
                options = {"mode": mode, "narrow_range": narrow}
                calls.append(((integers, *ends, dtype), options))
    answers = tensorflow([("dequantize", *call) for call in calls])
    for (arguments, options), answer in zip(calls, answers, strict=True):
        same(ours.dequantize(*arguments, **options), answer)


def test_dequantize_has_ranges_along_an_axis(tensorflow: TensorFlow) -> None:
    integers = whole(-128, 127, 0, 24).astype(np.int8).reshape(2, 3, 4)
    lows, highs = np.float32([-1, 0, -7]), np.float32([2, 6, -1])
    for mode in ("MIN_COMBINED", "SCALED"):
        arguments, options = (integers, lows, highs, "qint8"), {"mode": mode, "axis": 1}
        (answer,) = tensorflow([("dequantize", arguments, options)])
        same(ours.dequantize(*arguments, **options), answer)


@settings(max_examples=100, deadline=None)
@given(ranges, seeds, st.integers(2, 16), st.booleans(), st.booleans())
@example((-np.inf, np.inf), 0, 8, False, False)
@example((1.0, 1.0), 0, 8, False, False)
@example((np.nan, 1.0), 0, 8, False, False)
@example((-0.5, 254.5), 0, 8, False, False)
def test_fake_quantization_is_tensorflows(
    tensorflow: TensorFlow,
    ends: tuple[float, float],
    seed: int,
    bits: int,
    narrow: bool,
    swapped: bool,
) -> None:
    low, high = ends[::-1] if swapped else ends
    finite = np.clip(np.nan_to_num(ends), -1e38, 1e38).tolist()
    real = np.append(values(*finite, 2**bits - 1 - narrow, seed), np.float32(np.nan))
    channels = np.stack([real, real, real], axis=-1).reshape(1, -1, 3)
    options = {"num_bits": bits, "narrow_range": narrow}
    lows, highs = np.float32([low, -1, 0]), np.float32([high, 2, low])
    calls = [
        ("fake_quant_with_min_max_args", (real,), {"min": low, "max": high, **options}),
        ("fake_quant_with_min_max_vars", (real, low, high), options),
        ("fake_quant_with_min_max_vars_per_channel", (channels, lows, highs), options),
    ]
    for (name, arguments, keywords), answer in zip(calls, tensorflow(calls), strict=True):
        if isinstance(answer, str):
            assert "min has to be smaller than max" in answer
            with pytest.raises(ArgumentError, match="expected a minimum below the maximum"):
                getattr(ours, name)(*arguments, **keywords)
        else:
            same(getattr(ours, name)(*arguments, **keywords), answer)


@pytest.mark.parametrize("bits", [1, 17])
def test_fake_quantization_has_from_2_to_16_bits(tensorflow: TensorFlow, bits: int) -> None:
    zeros = np.zeros(3, np.float32)
    calls = [
        ("fake_quant_with_min_max_args", (zeros,), {"num_bits": bits}),
        ("fake_quant_with_min_max_vars", (zeros, -1.0, 1.0), {"num_bits": bits}),
    ]
    for (name, arguments, options), answer in zip(calls, tensorflow(calls), strict=True):
        assert "num_bits must be between 2 and 16" in answer
        with pytest.raises(ArgumentError, match="from 2 to 16 bits"):
            getattr(ours, name)(*arguments, **options)

"""Float to integer, as `tf.quantization.quantize` does it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import Array, as_int32, flushed, half_away, low_bits
from tfq.numerics.integers import INTEGERS, Integers
from tfq.numerics.tensorflow_ops.arguments import (
    check_mode,
    quantized_type,
    ranges,
    slices,
)
from tfq.numerics.tensorflow_ops.onednn import Step, onednn_step

Rounding = Callable[[Array], Array]
Result = tuple[Array, Any, Any]  # integers, and the range that was used

_LARGEST = np.finfo(np.float32).max
_BELOW_INT32 = np.float32(2147483520)


class Quantized(NamedTuple):
    """What `quantize` returns.

    Attributes:
        output: The integers, in int8, uint8, int16, uint16 or int32.
        output_min: The lowest real number of the range used, in float32; with an axis, of each
            slice.
        output_max: The highest.
    """

    output: Array
    output_min: Array
    output_max: Array


def quantize(
    values: Array,
    min_range: float | Array,
    max_range: float | Array,
    dtype: str,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    *,
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
    onednn: bool = False,
) -> Quantized:
    """Return what `tf.quantization.quantize` does.

    The range is widened to hold 0, and to `ensure_minimum_range` times its larger end (or times 1,
    if that is more): only upwards, from the minimum. With `steps = high - low` of the type:

    - MIN_COMBINED: the values are limited to the range; the minimum is subtracted, the rest
      multiplied by `steps / (max - min)`. For a signed type half the number of integers is
      subtracted and the result rounded, ties away from zero; for an unsigned one 0.5 is added and
      the result truncated.
    - MIN_FIRST: the values and the minimum are multiplied by `steps / (max - min)` and rounded,
      each for itself; then subtracted and limited. `narrow_range` plays no part.
    - SCALED: the factor is the lesser of `low / min` and `high / max` (with `narrow_range`, low is
      one higher), the range what then fits: the values are limited to it, multiplied and rounded.

    Args:
        values: Real numbers, of any shape.
        min_range: The lowest real number; with an axis, one for each slice.
        max_range: The highest.
        dtype: "qint8", "quint8", "qint16", "quint16" or "qint32".
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
        round_mode: "HALF_AWAY_FROM_ZERO", or, in SCALED mode, "HALF_TO_EVEN".
        narrow_range: Whether SCALED mode leaves out the lowest integer.
        axis: The dimension along which slices have a range of their own; from the first.
        ensure_minimum_range: The least width of the range, relative to its larger end.
        onednn: Whether to compute as TensorFlow does with its oneDNN kernels, which are in use by
            default on x86-64 with AVX512_VNNI, and never where TF_ENABLE_ONEDNN_OPTS=0. It makes a
            difference for 8 bits without axis or narrow range. In MIN_FIRST mode (quint8), the
            values and the minimum are multiplied, subtracted, and the difference rounded once, ties
            to even. In SCALED mode with HALF_TO_EVEN, the range is symmetric, and for qint8 the
            factor is 127.5 over its end. (Scalars, which oneDNN's kernel truncates, are not meant.)

    Returns:
        The integers, and the range that was used.

    Raises:
        ArgumentError: There is no such type, mode or axis; a minimum is above its maximum; the
            ranges are not one, or one for each slice; HALF_TO_EVEN or an axis in a mode that does
            not have it. TensorFlow refuses these too.
    """
    check_mode(mode, axis)
    if round_mode not in _ROUNDINGS or (round_mode == "HALF_TO_EVEN" and mode != "SCALED"):
        raise ArgumentError(f"expected a rounding that mode {mode} has; got {round_mode}")
    kind = quantized_type(dtype)
    if mode == "SCALED" and narrow_range:
        kind = kind._replace(low=kind.low + 1)
    step: Step = partial(_STEPS[mode], rounding=_ROUNDINGS[round_mode])
    if onednn and axis is None and not narrow_range:
        step = onednn_step(kind, mode, round_mode) or step
    parts = slices(flushed(np.asarray(values, np.float32)), axis)
    output = np.empty(np.shape(values), kind.storage)
    used = []
    with np.errstate(all="ignore"):
        ends = ranges(min_range, max_range, len(parts))
        for place, (part, (low, high)) in enumerate(zip(parts, ends, strict=True)):
            if high < low:
                raise ArgumentError(f"expected a minimum below the maximum; got {low} to {high}")
            whole, low, high = step(part, *_widened(low, high, ensure_minimum_range), kind)
            slices(output, axis)[place] = whole.astype(kind.storage)
            used.append((low, high))
    lows, highs = np.asarray(used, np.float32).reshape(-1, 2).T
    shape = () if axis is None else (-1,)
    return Quantized(output, lows.reshape(shape), highs.reshape(shape))


def _widened(low: Any, high: Any, least: float) -> tuple[Any, Any]:
    """Widen a range to hold zero and to have a width.

    The comparisons are those of C++'s min and max, of which NaN loses some and wins others.
    """
    below = low if low < 0 else np.float32(0)
    size = abs(high) if abs(low) < abs(high) else abs(low)
    epsilon = flushed((size if size > 1 else np.float32(1)) * np.float32(least))
    above = below + epsilon
    above = above if high < above else high
    return below, above if above > 0 else np.float32(0)


def _cast(values: Array, kind: Integers) -> Array:
    """Convert whole numbers; what does not fit goes the way of the instructions that do it."""
    if kind.storage == "int32":
        fits = np.abs(values) < 2.0**63
        return low_bits(np.where(fits, values, 0).astype(np.int64))
    whole = INTEGERS[kind.storage]
    limited: Array = np.clip(as_int32(values), whole.low, whole.high)
    return limited


def _min_combined(
    values: Array, low: Any, high: Any, kind: Integers, *, rounding: Rounding
) -> Result:
    width = np.float64(flushed(high - low))
    factor = np.float32((kind.high - kind.low) / width)
    above = flushed(np.maximum(np.minimum(values, high), low) - low)
    products = above * factor
    if kind.low < 0:
        return _cast(rounding(products + np.float32(kind.low)), kind), low, high
    return _cast(np.trunc(products + np.float32(0.5)), kind), low, high


def _min_first(values: Array, low: Any, high: Any, kind: Integers, *, rounding: Rounding) -> Result:
    width = np.float64(flushed(high - low))
    factor = np.float32(0 if low == high else (kind.high - kind.low) / width)
    shift = rounding(low * factor) - np.float32(kind.low)
    whole = rounding(values * factor) - shift
    # The highest int32 is not a float32; this is the one below it.
    limited = np.clip(whole, np.float32(kind.low), min(np.float32(kind.high), _BELOW_INT32))
    return as_int32(limited), low, high


def _scaled(values: Array, low: Any, high: Any, kind: Integers, *, rounding: Rounding) -> Result:
    factors = [
        flushed(np.float32(whole) / end) if flushed(np.float32(whole) * end) > 0 else _LARGEST
        for whole, end in ((kind.low, low), (kind.high, high))
    ]
    factor = factors[1] if factors[1] < factors[0] else factors[0]
    low, high = (flushed(np.float32(whole) / factor) for whole in (kind.low, kind.high))
    products = np.maximum(np.minimum(values, high), low) * factor
    return _cast(rounding(products), kind), low, high


_STEPS = {"MIN_COMBINED": _min_combined, "MIN_FIRST": _min_first, "SCALED": _scaled}
_ROUNDINGS: dict[str, Rounding] = {"HALF_AWAY_FROM_ZERO": half_away, "HALF_TO_EVEN": np.rint}

"""Integer to float, as `tf.quantization.dequantize` does it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfq.numerics.floats import Array, as_int32, flushed, half_away
from tfq.numerics.integers import Integers
from tfq.numerics.tensorflow_ops.arguments import check_mode, quantized_type, ranges, slices


def dequantize(
    values: Array,
    min_range: float | Array,
    max_range: float | Array,
    dtype: str,
    mode: str = "MIN_COMBINED",
    *,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Array:
    """Return what `tf.quantization.dequantize` does.

    The ranges are taken as they are: those that `quantize` returned.

    - MIN_COMBINED: for a signed type half the number of integers is added; the sum is multiplied by
      `(max - min) / steps` and the minimum added.
    - MIN_FIRST: the scale is `(max - min) / steps`, the minimum is rounded to a multiple of it, and
      `low * scale` subtracted from that; the result is added to `value * scale`.
    - SCALED: the value is multiplied by the larger of `min / low` and `max / high`; for an unsigned
      type by the latter. (TensorFlow's oneDNN kernels, where they are in use, do not have qint32
      here, and take the former with a low of 1 for quint8 with `narrow_range`.)

    Args:
        values: Integers, of any shape.
        min_range: The lowest real number; with an axis, one for each slice.
        max_range: The highest.
        dtype: "qint8", "quint8", "qint16", "quint16" or "qint32".
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
        narrow_range: Whether SCALED mode leaves out the lowest integer.
        axis: The dimension along which slices have a range of their own; from the first.

    Returns:
        The real numbers, in float32.

    Raises:
        ArgumentError: As for `quantize`, but for the order of the range.
    """
    check_mode(mode, axis)
    kind = quantized_type(dtype)
    if mode == "SCALED" and narrow_range:
        kind = kind._replace(low=kind.low + 1)
    parts = slices(np.asarray(values), axis)
    output = np.empty(np.shape(values), np.float32)
    with np.errstate(all="ignore"):
        ends = ranges(min_range, max_range, len(parts))
        for place, (part, (low, high)) in enumerate(zip(parts, ends, strict=True)):
            real = part.astype(np.float32)
            if mode == "SCALED" and axis is None:
                # TensorFlow converts once more, and so the highest int32 becomes the lowest.
                real = as_int32(real).astype(np.float32)
            slices(output, axis)[place] = flushed(_STEPS[mode](real, low, high, kind))
    return output


def _min_combined(values: Array, low: Any, high: Any, kind: Integers) -> Array:
    step = flushed(flushed(high - low) / np.float32(kind.high - kind.low))
    real: Array = flushed((values - np.float32(kind.low)) * step) + low
    return real


def _min_first(values: Array, low: Any, high: Any, kind: Integers) -> Array:
    width = np.float64(flushed(high - low))
    step = flushed(np.float32(width / (kind.high - kind.low)))
    start = low if low == high else flushed(half_away(low / step) * step)
    real: Array = (start - np.float32(kind.low) * step) + flushed(values * step)
    return real


def _scaled(values: Array, low: Any, high: Any, kind: Integers) -> Array:
    from_maximum = flushed(high / np.float32(kind.high))
    if kind.low >= 0:
        return values * from_maximum
    from_minimum = flushed(low / np.float32(kind.low))
    return values * (from_maximum if from_minimum < from_maximum else from_minimum)


_STEPS = {"MIN_COMBINED": _min_combined, "MIN_FIRST": _min_first, "SCALED": _scaled}

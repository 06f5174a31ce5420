"""Integer to float, as `tf.quantization.dequantize` does it."""

from __future__ import annotations

import numpy as np

from tfq.errors import ArgumentError


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
      type by the latter.

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
    _check_mode(mode, "HALF_AWAY_FROM_ZERO", axis)
    kind = _integers(dtype)
    whole = np.asarray(values)
    lows, highs = _ranges(min_range, max_range, whole, axis)
    output = np.empty(whole.shape, np.float32)
    with np.errstate(all="ignore"):
        for place, (low, high) in enumerate(zip(lows, highs, strict=True)):
            part = _slice(whole, axis, place).astype(np.float32)
            if mode == "SCALED":
                real = part * _scaled_step(low, high, kind, narrow_range)
            elif mode == "MIN_COMBINED":
                half = np.float32(-kind.low)
                step = _flushed((high - low) / np.float32(kind.high - kind.low))
                real = _flushed((part + half) * step) + low
            else:
                real = _from_min_first(part, low, high, kind)
            _slice(output, axis, place)[...] = _flushed(real)
    return output



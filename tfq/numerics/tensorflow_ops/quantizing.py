"""Float to integer, as `tf.quantization.quantize` does it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfq.errors import ArgumentError


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
    _check_mode(mode, round_mode, axis)
    kind = _integers(dtype)
    real = _flushed(np.asarray(values, np.float32))
    lows, highs = _ranges(min_range, max_range, real, axis)
    special = onednn and kind.storage in ("int8", "uint8") and axis is None and not narrow_range
    output = np.empty(real.shape, kind.storage)
    with np.errstate(all="ignore"):
        for place, (low, high) in enumerate(zip(lows, highs, strict=True)):
            if high < low:
                raise ArgumentError(f"expected a minimum below the maximum; got {low} to {high}")
            low, high = _widened(low, high, np.float32(ensure_minimum_range))
            part = _slice(real, axis, place)
            if special and mode == "MIN_FIRST" and kind.storage == "uint8":
                whole = _onednn_min_first(part, low, high)
            elif special and round_mode == "HALF_TO_EVEN":
                whole, low, high = _onednn_scaled(part, low, high, kind)
            elif mode == "MIN_COMBINED":
                whole = _min_combined(part, low, high, kind)
            elif mode == "MIN_FIRST":
                whole = _min_first(part, low, high, kind)
            else:
                whole, low, high = _scaled(part, low, high, kind, round_mode, narrow_range)
            _slice(output, axis, place)[...] = whole.astype(kind.storage)
            lows[place], highs[place] = low, high
    shape = () if axis is None else (-1,)
    return Quantized(output, lows.reshape(shape), highs.reshape(shape))


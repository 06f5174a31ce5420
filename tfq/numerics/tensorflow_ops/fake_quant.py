"""Floats put on the grid that integers would be on: the functions that training uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import Array, flushed, half_away
from tfq.numerics.tensorflow_ops.arguments import ranges, slices


def fake_quant_with_min_max_args(
    values: Array,
    min: float = -6.0,  # noqa: A002  (TensorFlow's name)
    max: float = 6.0,  # noqa: A002
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Array:
    """Return what `tf.quantization.fake_quant_with_min_max_args` does.

    The scale is `(max - min) / steps`, where steps is the number of integers less one. The zero
    point, `low - min / scale`, is limited to the integers and rounded, ties away from zero; it
    moves the range so that 0 is on the grid. The values are limited to that, less the minimum,
    times `steps / (max - min)` (not divided by the scale), less the zero point, plus 0.5, rounded
    down, times the scale. NaN stays NaN.

    Args:
        values: Real numbers, of any shape.
        min: The lowest real number.
        max: The highest.
        num_bits: From 2 to 16.
        narrow_range: Whether to leave out the lowest integer.

    Returns:
        Real numbers of the grid, in float32.

    Raises:
        ArgumentError: The minimum is not below the maximum (equal numbers among them; NaN), or
            there are too few or too many bits.
    """
    ((low, high),) = ranges(min, max, 1)
    if not low < high:
        raise ArgumentError(f"expected a minimum below the maximum; got {low} to {high}")
    return _on_grid(_real(values), low, high, _limits(num_bits, narrow_range))


def fake_quant_with_min_max_vars(
    values: Array,
    min: float,  # noqa: A002
    max: float,  # noqa: A002
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Array:
    """Return what `tf.quantization.fake_quant_with_min_max_vars` does.

    As `fake_quant_with_min_max_args`, but the values are divided by the scale. Where both ends are
    0, all results are 0. Other ranges without width give NaN, and ends in the wrong order whatever
    comes out: TensorFlow does not refuse them.

    Args:
        values: Real numbers, of any shape.
        min: The lowest real number.
        max: The highest.
        num_bits: From 2 to 16.
        narrow_range: Whether to leave out the lowest integer.

    Returns:
        Real numbers of the grid, in float32.

    Raises:
        ArgumentError: There are too few or too many bits.
    """
    ((low, high),) = ranges(min, max, 1)
    return _on_grid(_real(values), low, high, _limits(num_bits, narrow_range), divide=True)


def fake_quant_with_min_max_vars_per_channel(
    values: Array,
    min: Array,  # noqa: A002
    max: Array,  # noqa: A002
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Array:
    """Return what `tf.quantization.fake_quant_with_min_max_vars_per_channel` does.

    Each slice of the last dimension has a range. The values are multiplied, not divided, as in
    `fake_quant_with_min_max_args`; ranges without width are as in `fake_quant_with_min_max_vars`.

    Args:
        values: Real numbers, of one or more dimensions.
        min: The lowest real number of each channel.
        max: The highest.
        num_bits: From 2 to 16.
        narrow_range: Whether to leave out the lowest integer.

    Returns:
        Real numbers of the grid, in float32.

    Raises:
        ArgumentError: There is not one range a channel, or there are too few or too many bits.
    """
    real = _real(values)
    parts = slices(real, real.ndim - 1)
    output = np.empty_like(real)
    limits = _limits(num_bits, narrow_range)
    ends = ranges(min, max, len(parts))
    for place, (part, (low, high)) in enumerate(zip(parts, ends, strict=True)):
        output[..., place] = _on_grid(part, low, high, limits)
    return output


def _real(values: Array) -> Array:
    return np.asarray(flushed(np.asarray(values, np.float32)))


def _limits(bits: int, narrow: bool) -> tuple[np.float32, np.float32]:
    if not 2 <= bits <= 16:
        raise ArgumentError(f"expected from 2 to 16 bits; got {bits}")
    return np.float32(narrow), np.float32((1 << bits) - 1)


def _on_grid(
    values: Array,
    minimum: Any,
    maximum: Any,
    limits: tuple[np.float32, np.float32],
    *,
    divide: bool = False,
) -> Array:
    if minimum == 0 and maximum == 0:
        return np.zeros_like(values)
    low, high = limits
    with np.errstate(all="ignore"):
        width = flushed(maximum - minimum)
        scale = flushed(width / (high - low))
        inverse = flushed((high - low) / width)
        exact = low - minimum / scale
        # NaN goes through both comparisons, and becomes the integer 0.
        point = low if exact < low else high if exact > high else half_away(np.asarray(exact))
        point = np.nan_to_num(point)
        start, end = flushed((low - point) * scale), flushed((high - point) * scale)
        zero = np.floor(-start * inverse + np.float32(0.5))
        above = flushed(np.maximum(np.minimum(values, end), start) - start)
        steps = above / scale if divide else above * inverse
        grid: Array = flushed(np.floor(steps - zero + np.float32(0.5)) * scale)
    return grid

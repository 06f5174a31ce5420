"""Floats put on the grid that integers would be on: the functions that training uses."""

from __future__ import annotations

import numpy as np

from tfq.errors import ArgumentError


def fake_quant_with_min_max_args(
    values: Array,
    min: float = -6.0,  # noqa: A002  (TensorFlow's name)
    max: float = 6.0,  # noqa: A002
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Array:
    """Return what `tf.quantization.fake_quant_with_min_max_args` does.

    The scale is `(max - min) / steps`, where steps is the number of integers less one. The zero
    point, `low - min / scale`, is limited to the integers and rounded, ties away from zero; it moves
    the range so that 0 is on the grid. The values are limited to that, less the minimum, times
    `steps / (max - min)` (not divided by the scale), less the zero point, plus 0.5, rounded down,
    times the scale. NaN stays NaN.

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
    low, high = _flushed(np.float32(min)), _flushed(np.float32(max))
    if not low < high:
        raise ArgumentError(f"expected a minimum below the maximum; got {low} to {high}")
    return _fake_quantized(_float32(values), low, high, num_bits, narrow_range)


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
    low, high = _flushed(np.float32(min)), _flushed(np.float32(max))
    return _fake_quantized(_float32(values), low, high, num_bits, narrow_range, divide=True)


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
    real = _float32(values)
    lows, highs = _ranges(min, max, real, real.ndim - 1)
    output = np.empty_like(real)
    for channel, (low, high) in enumerate(zip(lows, highs, strict=True)):
        part = real[..., channel]
        output[..., channel] = _fake_quantized(part, low, high, num_bits, narrow_range)
    return output

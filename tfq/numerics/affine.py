"""Real numbers to integers and back, as LiteRT's QUANTIZE and DEQUANTIZE do it.

The rules are those of LiteRT's reference kernels (tflite/kernels/internal/reference/quantize.h,
requantize.h and dequantize.h), checked against LiteRT 2.3 and TensorFlow 2.21 on x86-64: what the
interpreter runs with BUILTIN_REF and what LiteRT Micro runs, and everywhere where there are
channels and where int4 is quantized. The interpreter has two more sets of kernels:

- XNNPACK, unless told not to, for some tensors: see `tfq.numerics.xnnpack`.
- Optimized ones for the rest. They multiply by the inverse of a scale and round ties to even, but
  follow the rule here for those left over from groups of eight values; 8 bits to 8 bits round
  otherwise; and DEQUANTIZE of up to 8 bits multiplies before it subtracts. These are at most one
  step, or one rounding of a float, away.
"""

from __future__ import annotations

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics import fixed_point
from tfq.numerics.floats import Array, as_int32, half_away, low_bits
from tfq.numerics.integers import integers
from tfq.numerics.parameters import Parameters, along_axis


def quantize(values: Array, parameters: Parameters) -> Array:
    """Return the integers that stand for real numbers.

    The values are divided by the scale in float32 and rounded, ties away from zero; the zero point
    is added and the sum limited to what the type holds. NaN, and what does not fit int32 before the
    zero point is added, becomes the lowest int32, and the addition may overflow: so +infinity gives
    the lowest integer, or with a negative zero point the highest. C++ leaves that undefined, and
    this is what x86-64 does; limit the values first where it matters.

    No kernel writes int32 or int64. Biases are such numbers, and float32 would not do for them:
    these types are computed in float64, and limited without overflow.

    Args:
        values: Real numbers, of any shape.
        parameters: What to quantize to; with one scale or one for each channel.

    Returns:
        The integers, in the type's own numpy type.

    Raises:
        ArgumentError: There is no such type or axis; NaN where int32 or int64 is asked for.
    """
    kind = integers(parameters.dtype)
    if kind.storage in ("int32", "int64"):
        return _wide(values, parameters)
    rank = np.ndim(values)
    scales = along_axis(parameters.scales, parameters, rank, np.float32)
    points = along_axis(parameters.zero_points, parameters, rank, np.int64)
    with np.errstate(all="ignore"):
        rounded = half_away(np.asarray(values, np.float32) / scales)
        sums = low_bits(as_int32(rounded) + points)
    return _limited(sums, parameters)


def dequantize(values: Array, parameters: Parameters) -> Array:
    """Return the real numbers that integers stand for.

    The zero point is subtracted without loss, and the product with the scale rounded once.

    Args:
        values: Integers, of any shape.
        parameters: How they stand for real numbers.

    Returns:
        The real numbers, in float32.

    Raises:
        ArgumentError: There is no such axis.
    """
    rank = np.ndim(values)
    # In float64 the product of a difference of 16 bits and a float32 number is exact.
    scales = along_axis(parameters.scales, parameters, rank, np.float32).astype(np.float64)
    points = along_axis(parameters.zero_points, parameters, rank, np.int64)
    with np.errstate(all="ignore"):
        real: Array = ((np.asarray(values, np.int64) - points) * scales).astype(np.float32)
    return real


def requantize(values: Array, source: Parameters, target: Parameters) -> Array:
    """Return the integers that stand for the same real numbers with other parameters.

    The ratio of the scales, in float64, becomes a multiplier and a shift (see `fixed_point`).
    LiteRT has kernels for 8 bits to 8 and int16, int16 to int8, int16 and int32, int32 to int8 and
    int16.

    Args:
        values: Integers, of any shape.
        source: How they stand for real numbers; with one scale.
        target: How the result must; with one scale.

    Returns:
        The integers, in the target's own numpy type.

    Raises:
        ArgumentError: There are channels, or a type of 64 bits; the ratio of the scales is not
            positive or too high.
    """
    if len(source.scales) != 1 or len(target.scales) != 1:
        raise ArgumentError("expected one scale to requantize from and to; got channels")
    if "int64" in (source.dtype, target.dtype):
        raise ArgumentError("expected types of at most 32 bits to requantize from and to")
    above, below = (float(np.float32(each.scales[0])) for each in (source, target))
    multiplier, shift = fixed_point.multiplier(above / below if below else 0.0)
    centred = low_bits(np.asarray(values, np.int64) - source.zero_points[0])
    scaled = fixed_point.multiply(centred, multiplier, shift)
    return _limited(low_bits(scaled + target.zero_points[0]), target)


def _wide(values: Array, parameters: Parameters) -> Array:
    """Quantize to a type that float32 numbers are too coarse for."""
    real = np.asarray(values, np.float64)
    if np.isnan(real).any():
        raise ArgumentError(f"expected numbers to quantize to {parameters.dtype}; got NaN")
    scales = along_axis(parameters.scales, parameters, real.ndim, np.float32).astype(np.float64)
    points = along_axis(parameters.zero_points, parameters, real.ndim, np.float64)
    low, high = parameters.limits
    with np.errstate(all="ignore"):
        sums = half_away(real / scales) + points
    # The highest int64 is not a float64, and the one next to it is too high.
    below = np.nextafter(float(high), 0) if high > 1 << 53 else high
    limited = np.clip(sums, low, below).astype(integers(parameters.dtype).storage)
    whole: Array = np.where(sums > below, high, limited).astype(limited.dtype)
    return whole


def _limited(values: Array, parameters: Parameters) -> Array:
    limited: Array = np.clip(values, *parameters.limits).astype(integers(parameters.dtype).storage)
    return limited

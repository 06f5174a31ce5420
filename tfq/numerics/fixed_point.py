"""Multiplying integers by a real number without floats, as LiteRT's kernels do.

The real number becomes a 32-bit multiplier and a shift when a model is loaded; running it takes
only integers. LiteRT's own are in tflite/kernels/internal/common.cc and quantization_util.cc. The
published builds round twice, and so does this; TFLITE_SINGLE_ROUNDING is another way, which whoever
builds LiteRT can choose.
"""

from __future__ import annotations

import math

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import Array, low_bits


def multiplier(real: float) -> tuple[int, int]:
    """Return a multiplier and a shift that stand for a real number.

    Args:
        real: A positive number, such as the ratio of two scales.

    Returns:
        `m` and `s` with `real ≈ m * 2 ** (s - 31)`, where m is from 2 ** 30 up to, not including,
        2 ** 31 (ties round away from zero); 0 and 0 for a number below about 2 ** -32.

    Raises:
        ArgumentError: The number is not positive, or its shift is above 30, which LiteRT leaves
            undefined.
    """
    if not (math.isfinite(real) and real > 0):
        raise ArgumentError(f"expected a positive number; got {real}")
    fraction, shift = math.frexp(real)
    rounded = math.floor(fraction * 2**31 + 0.5)
    if rounded == 1 << 31:
        rounded, shift = 1 << 30, shift + 1
    if shift > 30:
        raise ArgumentError(f"expected a number below 2 ** 30 to multiply by; got {real}")
    return (0, 0) if shift < -31 else (rounded, shift)


def multiply(integers: Array, multiplier: int, shift: int) -> Array:
    """Multiply int32 numbers by what a multiplier and a shift stand for.

    A shift to the left comes first, and overflows as int32 does. Then the upper half of the doubled
    product is rounded, ties up in value; then a shift to the right rounds it again, ties away from
    zero.

    Args:
        integers: Numbers that fit int32, in int64, of any shape.
        multiplier: From 0 up to, not including, 2 ** 31.
        shift: From -31 to 30.

    Returns:
        Numbers that fit int32, in int64.
    """
    product = low_bits(integers << max(shift, 0)) * multiplier
    doubled = (product + (1 << 30)) >> 31
    right = max(-shift, 0)
    mask = (1 << right) - 1
    ties = (mask >> 1) + (doubled < 0)
    rounded: Array = (doubled >> right) + ((doubled & mask) > ties).astype(np.int64)
    return rounded

"""Single steps of float arithmetic, as processors and C do them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SMALLEST_NORMAL = 2.0**-126  # of float32

_INT32_MIN = -(1 << 31)


def flushed(values: Any) -> Array:
    """Set to zero the float32 numbers below the normal ones, as processors do if told to.

    Args:
        values: float32 numbers, of any shape.
    """
    normal: Array = np.where(np.abs(values) < SMALLEST_NORMAL, np.float32(0), values)
    return normal


def half_away(values: Array) -> Array:
    """Round to the nearest integer, ties away from zero, as C's `round` does.

    Args:
        values: Floats, of any shape.

    Returns:
        Floats of the same type. The sum of a value and 0.5 would round once too often:
        0.49999997 + 0.5 is 1 in float32.
    """
    whole = np.trunc(values)
    rounded: Array = whole + np.copysign(np.abs(values - whole) >= 0.5, values).astype(values.dtype)
    return rounded


def as_int32(values: Array) -> Array:
    """Convert floats to int32 as x86-64 processors do, in int64.

    Args:
        values: Floats, of any shape.

    Returns:
        The whole part; the lowest int32 where a value is NaN or does not fit, which C++ leaves
        undefined.
    """
    fits = (values >= _INT32_MIN) & (values < 1 << 31)
    whole: Array = np.where(fits, values, _INT32_MIN).astype(np.int64)
    return whole


def low_bits(values: Array) -> Array:
    """Keep the low 32 bits of int64 values, as signed numbers: how int32 overflows."""
    low: Array = values.astype(np.int32).astype(np.int64)
    return low

"""The arguments that the functions of `tf.quantization` share."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import Array, flushed
from tfq.numerics.integers import INTEGERS, Integers

_TYPES = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}
_MODES = ("MIN_COMBINED", "MIN_FIRST", "SCALED")


def quantized_type(dtype: str) -> Integers:
    """Return the integers of one of TensorFlow's quantized types.

    Raises:
        ArgumentError: There is no such type.
    """
    if dtype not in _TYPES:
        raise ArgumentError(f"expected one of {', '.join(_TYPES)}; got {dtype}")
    return INTEGERS[_TYPES[dtype]]


def check_mode(mode: str, axis: int | None) -> None:
    """Check that there is such a mode, and that it has an axis if one is given.

    Raises:
        ArgumentError: It is not so.
    """
    if mode not in _MODES:
        raise ArgumentError(f"expected one of {', '.join(_MODES)}; got {mode}")
    if mode == "MIN_FIRST" and axis is not None:
        raise ArgumentError(f"expected no axis in mode MIN_FIRST; got {axis}")


def slices(values: Array, axis: int | None) -> Array:
    """Return a view of values with the slices along an axis as its first dimension.

    Args:
        values: Of any shape.
        axis: Along which each slice has a range of its own; None if there is one range for all.

    Raises:
        ArgumentError: There is no such axis.
    """
    if axis is None:
        return values[np.newaxis]
    if not 0 <= axis < values.ndim:
        raise ArgumentError(f"expected an axis below {values.ndim}; got {axis}")
    return np.moveaxis(values, axis, 0)


def ranges(minimum: Any, maximum: Any, count: int) -> list[tuple[np.float32, np.float32]]:
    """Return the ends of the range of each slice, in float32.

    Raises:
        ArgumentError: There are not as many as slices.
    """
    ends = [np.asarray(flushed(np.asarray(each, np.float32))) for each in (minimum, maximum)]
    if any(each.size != count or each.ndim > 1 for each in ends):
        raise ArgumentError(
            f"expected {count} ranges; got ends of shapes {ends[0].shape}, {ends[1].shape}"
        )
    return list(zip(ends[0].ravel(), ends[1].ravel(), strict=True))

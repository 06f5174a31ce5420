"""Quantization parameters as values, and constants under them: integers, real numbers, bytes."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Tensor

    Array = np.ndarray[Any, Any]

# The lowest and the highest integer of the types that are quantized to, and what stands for 0.0
# where positive and negative numbers have the same room.
LIMITS = {
    "int2": (-2, 1, 0),
    "int4": (-8, 7, 0),
    "int8": (-128, 127, 0),
    "int16": (-32768, 32767, 0),
    "int32": (-(1 << 31), (1 << 31) - 1, 0),
    "int64": (-(1 << 63), (1 << 63) - 1, 0),
    "uint4": (0, 15, 8),
    "uint8": (0, 255, 128),
}

# Far beyond what a model has, and far enough below what float32 holds.
_LARGEST_SCALE = 2.0**100


class Parameters(NamedTuple):
    """How integers stand for real numbers: `real = scale * (integer - zero_point)`.

    Attributes:
        dtype: The type of the integers.
        scales: One, or one for each channel.
        zero_points: One for each scale.
        axis: The dimension along which the channels lie.
    """

    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


def parameters(tensor: Tensor) -> Parameters | None:
    """Return those of a tensor.

    Returns:
        They; None if the tensor is not quantized to a type of `LIMITS`, is quantized in blocks, or
        has scales that are no numbers or do not fit its shape, as broken files do.
    """
    quantization = tensor.quantization
    if quantization is None or tensor.dtype not in LIMITS:
        return None
    if quantization.granularity == "blockwise":
        return None
    scales, axis = quantization.scales, quantization.quantized_dimension
    points = quantization.zero_points or (0,)
    if len(points) == 1:
        points *= len(scales)
    is_axis = 0 <= axis < len(tensor.shape)
    fits = len(scales) == 1 or (is_axis and len(scales) == tensor.shape[axis])
    if not fits or len(points) != len(scales) or not _are_usable(scales):
        return None
    return Parameters(tensor.dtype, scales, points, axis)


def _are_usable(scales: tuple[float, ...]) -> bool:
    return all(0 <= scale < _LARGEST_SCALE for scale in scales)


def shifted(old: Parameters, dtype: str) -> Parameters:
    """Return the parameters by which another type of as many bits stands for the same numbers."""
    shift = LIMITS[dtype][0] - LIMITS[old.dtype][0]
    points = tuple([point + shift for point in old.zero_points])
    return old._replace(dtype=dtype, zero_points=points)


def float32(number: float) -> float:
    """Round to what a file holds; a number too large for it becomes infinite."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.inf


def next_power_of_two(scale: float) -> float:
    """Return the smallest power of two that is not below a positive scale."""
    mantissa, exponent = math.frexp(scale)
    return math.ldexp(1.0, exponent - 1 if mantissa == 0.5 else exponent)


def largest(dtype: str) -> int:
    """Return the largest distance from the middle that a symmetric weight may have.

    The range is narrow, -127 to 127: kernels rely on it where they sum pairs of products
    (https://ai.google.dev/edge/litert/models/quantization_spec, "Symmetric vs asymmetric").
    """
    _, high, middle = LIMITS[dtype]
    return high - middle


def real_values(tensor: Tensor) -> Array | None:
    """Return the real numbers that a quantized constant stands for, in float64.

    Args:
        tensor: A constant; quantized per tensor, per channel, or in blocks whose scales are a
            tensor of the same number of dimensions.

    Returns:
        The numbers; None if how it is quantized is not understood.
    """
    import numpy as np

    quantization = tensor.quantization
    if quantization is None or tensor.dtype not in LIMITS:
        return None
    known = parameters(tensor)
    if known is not None:
        return dequantized(tensor.numpy(), known)
    shape = _blocks(tensor)
    if shape is None:
        return None
    scales = _spread(quantization.scales, shape, tensor.shape)
    points = quantization.zero_points
    offsets = _spread(points, shape, tensor.shape) if points else np.zeros(())
    return (tensor.numpy().astype(np.float64) - offsets) * scales


def dequantized(integers: Array, parameters: Parameters) -> Array:
    """Return the real numbers that integers stand for, in float64."""
    import numpy as np

    rank = integers.ndim
    points = broadcast(parameters.zero_points, parameters.axis, rank)
    return (integers.astype(np.float64) - points) * broadcast(
        parameters.scales, parameters.axis, rank
    )


def quantized(values: Array, parameters: Parameters, *, narrow: bool = False) -> Array:
    """Return the integers that stand for real numbers, as near as the type allows.

    Args:
        values: Real numbers.
        parameters: What to quantize to.
        narrow: Whether to leave out the lowest integer, as weights do.
    """
    import numpy as np

    low, high, middle = LIMITS[parameters.dtype]
    if narrow:
        low = 2 * middle - high
    rank = values.ndim
    scales = broadcast(parameters.scales, parameters.axis, rank)
    # A scale of zero, which broken files have, means that all is zero.
    divisors = np.where(scales == 0, 1.0, scales)
    points = broadcast(parameters.zero_points, parameters.axis, rank)
    integers: Array = np.clip(np.rint(values / divisors) + points, low, high)
    return integers


def broadcast(numbers: tuple[float, ...] | Array, axis: int, rank: int) -> Array:
    """Lay one number a channel along an axis; a single one fits everywhere."""
    import numpy as np

    array = np.asarray(numbers, dtype=np.float64)
    if array.size == 1:
        return array.reshape(())
    return array.reshape([-1 if each == axis else 1 for each in range(rank)])


def encoded(integers: Array, dtype: str) -> bytes:
    """Return integers as they stand in a file."""
    import numpy as np

    bits = {"int2": 2, "int4": 4, "uint4": 4}.get(dtype)
    if bits is None:
        return integers.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    each = 8 // bits
    low_bits = integers.astype(np.int64).ravel() & ((1 << bits) - 1)
    padded = np.pad(low_bits, (0, -low_bits.size % each)).reshape(-1, each)
    # The lowest bits of a byte come first.
    packed: bytes = (padded << np.arange(0, 8, bits)).sum(axis=1).astype(np.uint8).tobytes()
    return packed


def _blocks(tensor: Tensor) -> tuple[int, ...] | None:
    """Return the shape of the scales of blockwise quantization, if it divides the tensor's."""
    details = tensor.table["quantization"]["details"]
    if details is None:
        return None
    shape = tensor.subgraph.tensors[details["scales"]].shape
    divides = len(shape) == len(tensor.shape) and all(
        part > 0 and whole % part == 0 for whole, part in zip(tensor.shape, shape, strict=True)
    )
    return shape if divides else None


def _spread(numbers: tuple[float, ...], shape: tuple[int, ...], whole: tuple[int, ...]) -> Array:
    """Give each value the number of its block."""
    import numpy as np

    array = np.asarray(numbers, dtype=np.float64).reshape(shape)
    for axis, (part, size) in enumerate(zip(shape, whole, strict=True)):
        array = np.repeat(array, size // part, axis=axis)
    return array

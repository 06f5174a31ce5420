"""From the bytes of a tensor to values: a NumPy array, or a plain tuple without NumPy."""

from __future__ import annotations

import math
import struct

from tfq.errors import Error, InvalidModelError, MissingDependencyError
from tfq.model.sparse import densify
from tfq.ops.dtypes import DTYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model.tensor import Tensor


def array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return the data of a constant tensor; see `Tensor.numpy`."""
    import numpy as np

    data = tensor.data
    if tensor.dtype == "string":
        return _strings(tensor, data)
    width = _width(tensor)
    sparsity = tensor.sparsity
    count = _checked_count(tensor, data) if sparsity is None else len(data) * 8 // width
    name = DTYPES[tensor.dtype].numpy
    if name is not None:
        values = np.frombuffer(data, dtype=name, count=count)
    elif width < 8:
        values = _unpack(np.frombuffer(data, dtype="u1"), width, tensor.dtype)[:count]
    elif tensor.dtype == "bfloat16":
        # The upper half of a float32.
        values = (np.frombuffer(data, dtype="<u2", count=count).astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(data, dtype="u1").view(_float8(tensor))
    if sparsity is not None:
        _check_shape(tensor)
        values = densify(tensor, sparsity, values)
    return _reshape(values, tensor)


def values(tensor: Tensor) -> tuple[Any, ...]:
    """Return the data of a constant tensor as one flat tuple of numbers.

    Args:
        tensor: A constant tensor of numbers, such as the scales of blockwise quantization.

    Returns:
        Its values in row-major order.

    Raises:
        InvalidModelError: If its data do not fit its shape.
        Error: If they are of a kind that tfq cannot read.
    """
    if tensor.dtype not in DTYPES or tensor.dtype == "string":
        raise InvalidModelError(f"{tensor.place}: expected numbers, got {tensor.dtype}")
    letter = DTYPES[tensor.dtype].letter
    if letter is None or tensor.sparsity is not None:
        return tuple(array(tensor).ravel().tolist())
    data = tensor.data
    return struct.unpack(f"<{_checked_count(tensor, data)}{letter}", data)


def _width(tensor: Tensor) -> int:
    """Return the bits of a value."""
    width = DTYPES[tensor.dtype].bits if tensor.dtype in DTYPES else None
    if width is None:
        raise Error(f"{tensor.place}: values of type {tensor.dtype} cannot be read")
    return width


def _check_shape(tensor: Tensor) -> None:
    if any(size < 0 for size in tensor.shape):
        raise InvalidModelError(f"{tensor.place}: is constant, got the open shape {tensor.shape}")


def _checked_count(tensor: Tensor, data: memoryview) -> int:
    """Return how many values the shape promises, after a look at whether the data hold them."""
    width = _width(tensor)
    _check_shape(tensor)
    count = math.prod(tensor.shape)
    expected = (count * width + 7) // 8
    if expected != len(data):
        raise InvalidModelError(
            f"{tensor.place}: {tensor.dtype} of shape {tensor.shape} takes {expected} bytes,"
            f" got {len(data)}"
        )
    return count


def _unpack(packed: np.ndarray[Any, Any], width: int, dtype: str) -> np.ndarray[Any, Any]:
    """Unpack values of 2 or 4 bits, the lowest bits of a byte first, into a byte each."""
    import numpy as np

    shifts = np.arange(0, 8, width, dtype="u1")
    unsigned = ((packed[:, None] >> shifts) & ((1 << width) - 1)).reshape(-1)
    if dtype.startswith("u"):
        return unsigned
    # The sign is the highest bit: up to the top of the byte, and back with copies of it.
    return (unsigned << (8 - width)).view("i1") >> (8 - width)


def _strings(tensor: Tensor, data: memoryview) -> np.ndarray[Any, Any]:
    """Read a vector of strings: their number, where each begins and the last ends, the bytes."""
    import numpy as np

    count = struct.unpack_from("<i", data)[0] if len(data) >= 4 else 0
    header = 4 * (count + 2)
    if count < 0 or (header > len(data) and data):
        raise InvalidModelError(
            f"{tensor.place}: says it holds {count} strings in {len(data)} bytes"
        )
    offsets = struct.unpack_from(f"<{count + 1}i", data, 4) if count else ()
    if list(offsets) != sorted(offsets) or any(not 0 <= at <= len(data) for at in offsets):
        raise InvalidModelError(f"{tensor.place}: its strings lie outside its {len(data)} bytes")
    if count != math.prod(tensor.shape) or any(size < 0 for size in tensor.shape):
        raise InvalidModelError(
            f"{tensor.place}: expected strings of shape {tensor.shape}, got {count}"
        )
    strings = np.empty(count, dtype=object)
    for index in range(count):
        strings[index] = bytes(data[offsets[index] : offsets[index + 1]])
    return _reshape(strings, tensor)


def _reshape(values: np.ndarray[Any, Any], tensor: Tensor) -> np.ndarray[Any, Any]:
    try:
        return values.reshape(tensor.shape)
    except ValueError as error:
        # More dimensions than NumPy takes.
        raise InvalidModelError(f"{tensor.place}: cannot be an array: {error}") from None


def _float8(tensor: Tensor) -> Any:
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise MissingDependencyError(
            f"{tensor.place}: {tensor.dtype} values need a package: pip install ml_dtypes"
        ) from None
    return getattr(ml_dtypes, tensor.dtype)

"""How much a tensor holds."""

from __future__ import annotations

import math

from tfq.ops.dtypes import bits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Tensor

# NumPy takes 64 dimensions, no kernel takes more than 8; more only a broken file has.
MOST_DIMENSIONS = 64


def product(sizes: tuple[int, ...]) -> int:
    """Multiply the sizes of dimensions; an open one (negative) counts 0, so do far too many."""
    if len(sizes) > MOST_DIMENSIONS:
        return 0
    return math.prod([max(size, 0) for size in sizes])


def elements(tensor: Tensor | None) -> int:
    """Count the values of a tensor as its shape states them; 0 for an absent one."""
    return product(tensor.shape) if tensor is not None else 0


def unpacked_bytes(tensor: Tensor) -> int:
    """Count the bytes that the values of a tensor take in memory.

    Args:
        tensor: Any tensor. A dimension that is free at run time counts as the file states it.

    Returns:
        The number; 0 for strings and resources, whose size no file tells.
    """
    return (elements(tensor) * (bits(tensor.dtype) or 0) + 7) // 8

"""Sparse constants: from the values that a file stores to all of a tensor's values.

A sparse tensor is a tree. Each of its levels walks along one dimension of the tensor, or along one
dimension inside of blocks: either over all indices (dense), or over those that are listed for each
node of the level before (compressed, as in CSR matrices). The leaves are the stored values. See the
TACO papers (https://arxiv.org/abs/1804.10112) and `SparsityParameters` in LiteRT's schema.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.errors import InvalidModelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.format import Table
    from tfq.model.tensor import Tensor

# A small file can promise a huge tensor of zeros. A real one leaves out some tens of zeros for each
# value that it stores.
_ZEROS_PER_BYTE = 256
_FLOOR_ELEMENTS = 1 << 24


class _Level(NamedTuple):
    """One level of the tree: how many indices it has, and what a step along it means."""

    table: Table
    size: int
    stride: int


def densify(tensor: Tensor, sparsity: Table, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Put stored values where they belong, among zeros.

    Args:
        tensor: A sparse constant.
        sparsity: Its `SparsityParameters`.
        stored: What the file holds for it, one-dimensional.

    Returns:
        All values in row-major order, one-dimensional.

    Raises:
        InvalidModelError: If the parameters do not describe those values of a tensor of that
            shape, or describe more zeros than a file of this kind holds.
    """
    import numpy as np

    count = math.prod(tensor.shape)
    if count > max(_FLOOR_ELEMENTS, _ZEROS_PER_BYTE * len(tensor.data)):
        raise _broken(tensor, f"{len(tensor.data)} bytes stand for {count} values")
    places = np.zeros(1, dtype=np.int64)
    for number, level in enumerate(_levels(tensor, sparsity)):
        places = _walk(tensor, level, places, number)
        if len(places) > count:
            raise _broken(tensor, f"level {number} has more places than the tensor")
    if len(places) > len(stored):
        raise _broken(tensor, f"there are {len(places)} places, but {len(stored)} values")
    values = np.zeros(count, dtype=stored.dtype)
    values[places] = stored[: len(places)]
    return values


def _levels(tensor: Tensor, sparsity: Table) -> list[_Level]:
    """Return the levels of the tree from its root on."""
    shape, rank = tensor.shape, len(tensor.shape)
    order = sparsity["traversal_order"] or ()
    blocked = sparsity["block_map"] or ()
    tables = sparsity["dim_metadata"] or ()
    if sorted(order) != list(range(rank + len(blocked))) or len(tables) != len(order):
        raise _broken(
            tensor, f"it walks along {order} of {rank} dimensions, {len(blocked)} blocked"
        )
    sizes = [
        *shape,
        *(tables[order.index(rank + block)]["dense_size"] for block in range(len(blocked))),
    ]
    strides = [math.prod(shape[axis + 1 :]) for axis in range(rank)]
    for block, axis in enumerate(blocked):
        size = sizes[rank + block]
        if not 0 <= axis < rank or size <= 0 or sizes[axis] % size:
            raise _broken(tensor, f"blocks of {size} along dimension {axis} do not fit {shape}")
        # A step along the dimension now is one from block to block, along the block from value
        # to value.
        strides.append(strides[axis])
        strides[axis] *= size
        sizes[axis] //= size
    return [
        _Level(table, sizes[axis], strides[axis]) for axis, table in zip(order, tables, strict=True)
    ]


def _walk(
    tensor: Tensor, level: _Level, places: np.ndarray[Any, Any], number: int
) -> np.ndarray[Any, Any]:
    """Return where the nodes of a level stand, from where those of the level before stand."""
    import numpy as np

    if level.table["format"] == 0:
        if level.table["dense_size"] != level.size:
            raise _broken(tensor, f"level {number} has not all {level.size} indices")
        steps = level.stride * np.arange(level.size, dtype=np.int64)
        if len(places) * len(steps) > math.prod(tensor.shape):
            raise _broken(tensor, f"level {number} has more places than the tensor")
        return (places[:, None] + steps).reshape(-1)
    segments, indices = (
        np.asarray(_numbers(level.table, name), dtype=np.int64)
        for name in ("array_segments", "array_indices")
    )
    counts = np.diff(segments)
    if (
        len(segments) != len(places) + 1
        or segments[0] != 0
        or segments[-1] != len(indices)
        or (counts < 0).any()
    ):
        raise _broken(tensor, f"the segments of level {number} do not fit its indices")
    if len(indices) and not 0 <= indices.min() <= indices.max() < level.size:
        raise _broken(tensor, f"level {number} has an index outside of {level.size}")
    return np.repeat(places, counts) + level.stride * indices


def _numbers(table: Table, name: str) -> Any:
    vector = table[name]
    return (vector["values"] if vector is not None else None) or ()


def _broken(tensor: Tensor, what: str) -> InvalidModelError:
    return InvalidModelError(f"{tensor.place}: its sparsity is broken: {what}")

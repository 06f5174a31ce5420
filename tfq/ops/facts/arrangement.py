"""Facts about how data are moved, resized and reduced, by their sizes along axes."""

from __future__ import annotations

import math

from tfq.ops.facts.feature_maps import parameters
from tfq.ops.facts.options import axes
from tfq.ops.facts.places import constant, data, result, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator

_LETTERS = "HWC"


def _input_shape(op: Operator) -> tuple[int, ...]:
    tensor = data(op)
    return tensor.shape if tensor is not None else ()


def inner_sizes(op: Operator) -> tuple[int, ...]:
    """The sizes of the three innermost dimensions of the input, or of as many as it has."""
    return _input_shape(op)[-3:]


def input_batch(op: Operator) -> int:
    """The product of all but the three innermost dimensions of the input."""
    return math.prod(_input_shape(op)[:-3])


def input_plane(op: Operator) -> int:
    """Height times width of the input: its second and third innermost dimensions."""
    return math.prod(_input_shape(op)[-3:-1])


def input_rows(op: Operator) -> int:
    """Batch times height of the input: the product of all but its two innermost dimensions."""
    return math.prod(_input_shape(op)[:-2])


def most_without_two(op: Operator) -> int:
    """The largest product of all but two dimensions of the input."""
    return math.prod(sorted(_input_shape(op))[2:])


def axis_order(op: Operator) -> str | None:
    """How TRANSPOSE orders the three innermost dimensions, as in "NWHC"; "other" if it moves more.

    "NHWC" is how they were, so nothing moves.
    """
    permutation = constant(op, 1) if op.name == "TRANSPOSE" else None
    if permutation is None:
        return None
    rank, inner = len(permutation), min(len(permutation), len(_LETTERS))
    if permutation[: rank - inner] != tuple(range(rank - inner)):
        return "other"
    letters = _LETTERS[-inner:] if inner else ""
    moved = "".join(letters[axis - (rank - inner)] for axis in permutation[rank - inner :])
    return "N" + _LETTERS[: len(_LETTERS) - inner] + moved


def strided_axes(op: Operator) -> tuple[int, ...] | None:
    """The axes along which STRIDED_SLICE has another stride than 1, from the end: -1 is depth."""
    strides = constant(op, 3) if op.name == "STRIDED_SLICE" else None
    if strides is None:
        return None
    rank = len(_input_shape(op))
    return tuple([axis - rank for axis, stride in enumerate(strides) if stride != 1])


def resize_factor_height(op: Operator) -> float | None:
    """How many times higher a resize operator makes its input, with corners aligned if it does."""
    return _resize_factor(op, 1)


def resize_factor_width(op: Operator) -> float | None:
    """How many times wider a resize operator makes its input, with corners aligned if it does."""
    return _resize_factor(op, 2)


def resize_factors(op: Operator) -> tuple[float, ...]:
    """The factors of a resize operator along height and width."""
    found = (resize_factor_height(op), resize_factor_width(op))
    return tuple([each for each in found if each is not None])


def resize_factor_power_of_two(op: Operator) -> bool:
    """Whether both factors of a resize operator are powers of two: 1, 2, 4 and so on."""
    return all(
        each >= 1 and math.frexp(each)[0] == 0.5  # 0.5 is the mantissa of every power of two
        for each in resize_factors(op)
    )


def _resize_factor(op: Operator, axis: int) -> float | None:
    before, after = size(data(op), axis), size(result(op), axis)
    if not before or after is None:
        return None
    if op.options.get("align_corners") and before > 1:
        return (after - 1) / (before - 1)
    return after / before


def reduced_sizes(op: Operator) -> tuple[int, ...]:
    """The sizes of the dimensions that a reduction reduces."""
    shape = _input_shape(op)
    return tuple([shape[axis] for axis in axes(op) or () if axis < len(shape)])


def reduces_depth(op: Operator) -> bool:
    """Whether a reduction reduces the innermost dimension, and that is larger than 1."""
    shape = _input_shape(op)
    return bool(shape) and shape[-1] > 1 and len(shape) - 1 in (axes(op) or ())


def inner_dimensions(op: Operator) -> int:
    """How many of the three innermost dimensions of the input are larger than 1."""
    return sum(each != 1 for each in inner_sizes(op))


def multiplied_depth(op: Operator) -> int | None:
    """How many products BATCH_MATMUL and FULLY_CONNECTED sum up for one value of the output."""
    shape = _input_shape(op)
    if not shape:
        return None
    if op.name == "BATCH_MATMUL" and op.options.get("adj_x"):
        return shape[-2] if len(shape) > 1 else None
    return shape[-1]


def split_count_fits(op: Operator) -> bool:
    """Whether SPLIT and SPLIT_V state as many pieces as there are outputs."""
    count: int = op.options.get("num_splits", len(op.outputs))
    return count == len(op.outputs)


def gathers_after_batch(op: Operator) -> bool:
    """Whether GATHER gathers along the first axis that is no batch of it."""
    options = op.options
    axis, rank = options.get("axis", 0), len(_input_shape(op))
    return bool(options.get("batch_dims", 0) == (axis % rank if rank else axis))


def indices_distinct(op: Operator) -> bool | None:
    """Whether SCATTER_ND writes each place but once."""
    found = parameters(op)
    if op.name != "SCATTER_ND" or not found or not found[0].is_constant:
        return None
    values = found[0].values
    depth = found[0].shape[-1] if found[0].shape else 1
    rows = [values[at : at + depth] for at in range(0, len(values), depth or 1)]
    return len(set(rows)) == len(rows)


def index_depth(op: Operator) -> int | None:
    """How many numbers each index of SCATTER_ND has."""
    found = parameters(op)
    if op.name != "SCATTER_ND" or not found or not found[0].shape:
        return None
    return found[0].shape[-1]


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        axis_order,
        gathers_after_batch,
        index_depth,
        indices_distinct,
        inner_dimensions,
        inner_sizes,
        input_batch,
        input_plane,
        input_rows,
        most_without_two,
        multiplied_depth,
        reduced_sizes,
        reduces_depth,
        resize_factor_height,
        resize_factor_power_of_two,
        resize_factor_width,
        resize_factors,
        split_count_fits,
        strided_axes,
    )
}

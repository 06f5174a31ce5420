"""Facts about options, axes, paddings and sizes."""

from __future__ import annotations

import math

from tfq.ops.facts.places import constant, data, result, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator, Tensor


def fused_activation(op: Operator) -> str | None:
    """The activation that is part of the operator: "NONE", "RELU", "RELU6" and so on."""
    return op.options.get("fused_activation_function")


def padding(op: Operator) -> str | None:
    """The padding: "SAME" or "VALID"."""
    return op.options.get("padding")


def alpha(op: Operator) -> float | None:
    """The slope of LEAKY_RELU."""
    return op.options.get("alpha")


def weights_format(op: Operator) -> str | None:
    """How the weights of FULLY_CONNECTED are laid out: "DEFAULT" or shuffled."""
    return op.options.get("weights_format")


def keep_dims(op: Operator) -> bool | None:
    """Whether a reduction keeps the dimensions that it reduces."""
    return op.options.get("keep_dims")


def block_size(op: Operator) -> int | None:
    """The block size of DEPTH_TO_SPACE and SPACE_TO_DEPTH."""
    return op.options.get("block_size")


def block_fits(op: Operator) -> bool:
    """Whether the blocks of DEPTH_TO_SPACE fill the depth, those of SPACE_TO_DEPTH the plane."""
    tensor, block = data(op), block_size(op)
    if tensor is None or len(tensor.shape) != 4 or not block:
        return False
    if op.name == "DEPTH_TO_SPACE":
        return tensor.shape[3] % (block * block) == 0
    return tensor.shape[1] % block == 0 and tensor.shape[2] % block == 0


def align_corners(op: Operator) -> bool | None:
    """Whether a resize operator aligns the corners."""
    return op.options.get("align_corners")


def half_pixel_centers(op: Operator) -> bool | None:
    """Whether a resize operator counts from the centers of pixels."""
    return op.options.get("half_pixel_centers")


def axes(op: Operator) -> tuple[int, ...] | None:
    """The axes that an operator works along, counted from 0."""
    rank = _rank(op)
    if op.name in ("CONCATENATION", "PACK", "UNPACK", "GATHER"):
        found: tuple[int, ...] | None = (op.options.get("axis", 0),)
    elif op.name == "SPLIT":
        found = constant(op, 0)
    elif op.name in ("SPLIT_V", "ARG_MIN", "ARG_MAX", "REVERSE_V2") or op.name in _REDUCTIONS:
        found = constant(op, 2 if op.name == "SPLIT_V" else 1)
    elif op.name in ("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"):
        found = (-1,)
    else:
        found = None
    return tuple([axis % rank for axis in found]) if found is not None and rank else None


def axes_from_end(op: Operator) -> tuple[int, ...] | None:
    """The axes that an operator works along, counted from the end: -1 is the depth."""
    found, rank = axes(op), _rank(op)
    return tuple([axis - rank for axis in found]) if found is not None else None


_REDUCTIONS = frozenset(
    [
        "MEAN",
        "REDUCE_ALL",
        "REDUCE_ANY",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "SUM",
    ]
)


def _rank(op: Operator) -> int:
    tensor = result(op) if op.name == "PACK" else data(op)
    return len(tensor.shape) if tensor is not None else 0


_PADS = frozenset({"MIRROR_PAD", "PAD", "PADV2"})


def _paddings(op: Operator) -> list[tuple[int, int]]:
    values = (constant(op, 1) or ()) if op.name in _PADS else ()
    return list(zip(values[::2], values[1::2], strict=False))


def pads_batch(op: Operator) -> bool:
    """Whether padding makes the batch larger."""
    rows = _paddings(op)
    return len(rows) == 4 and any(rows[0])


def pads_depth(op: Operator) -> bool:
    """Whether padding adds channels."""
    rows = _paddings(op)
    return bool(rows) and any(rows[-1])


def pad_sizes(op: Operator) -> tuple[int, ...]:
    """How much is padded at each side of each dimension."""
    return tuple([each for row in _paddings(op) for each in row])


def slice_strides(op: Operator) -> tuple[int, ...] | None:
    """The strides of STRIDED_SLICE."""
    return constant(op, 3) if op.name == "STRIDED_SLICE" else None


def ellipsis_mask(op: Operator) -> int | None:
    """The ellipsis mask of STRIDED_SLICE."""
    return op.options.get("ellipsis_mask")


def new_axis_mask(op: Operator) -> int | None:
    """The new-axis mask of STRIDED_SLICE."""
    return op.options.get("new_axis_mask")


def squeezes_leading(op: Operator) -> bool:
    """Whether SQUEEZE takes away no dimension but leading ones."""
    given, made = data(op), result(op)
    return given is not None and made is not None and _without_ones(given) == _without_ones(made)


def _without_ones(tensor: Tensor) -> tuple[int, ...]:
    """The shape from the first dimension on that is not 1."""
    first = next((at for at, each in enumerate(tensor.shape) if each != 1), len(tensor.shape))
    return tensor.shape[first:]


def reduced_values(op: Operator) -> float | None:
    """How many values of the input a reduction turns into one."""
    given, made = data(op), result(op)
    if op.name not in _REDUCTIONS or given is None or made is None or not math.prod(made.shape):
        return None
    return math.prod(given.shape) / math.prod(made.shape)


def resize_doubles(op: Operator) -> bool:
    """Whether a resize operator makes 2n or 2n - 1 of a height of n, and likewise the width."""
    given, made = data(op), result(op)
    for axis in (1, 2):
        before, after = size(given, axis), size(made, axis)
        if before is None or after not in (2 * before, 2 * before - 1):
            return False
    return True


def resize_ratio(op: Operator) -> tuple[float, ...]:
    """Output height by input height, and output width by input width."""
    given, made = data(op), result(op)
    pairs = [(size(given, axis), size(made, axis)) for axis in (1, 2)]
    return tuple([after / before for before, after in pairs if before and after is not None])


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        align_corners,
        alpha,
        axes,
        axes_from_end,
        block_fits,
        block_size,
        ellipsis_mask,
        fused_activation,
        half_pixel_centers,
        keep_dims,
        new_axis_mask,
        pad_sizes,
        padding,
        pads_batch,
        pads_depth,
        reduced_values,
        resize_doubles,
        resize_ratio,
        slice_strides,
        squeezes_leading,
        weights_format,
    )
}

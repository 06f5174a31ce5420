"""Facts about weights, biases and indices: their layout and the values that they hold."""

from __future__ import annotations

import math

from tfq.ops import roles
from tfq.ops.facts.kernels import (
    dilation_height,
    dilation_width,
    kernel_height,
    kernel_width,
    stride_height,
    stride_width,
)
from tfq.ops.facts.places import data, result, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator


def adds_padding(op: Operator) -> bool | None:
    """Whether padding SAME adds any rows or columns; never with VALID."""
    kind = op.options.get("padding")
    if kind is None:
        return None
    ways = (
        (1, kernel_height(op), stride_height(op), dilation_height(op)),
        (2, kernel_width(op), stride_width(op), dilation_width(op)),
    )
    return kind == "SAME" and any(_is_padded(op, *way) for way in ways)


def _is_padded(
    op: Operator, axis: int, kernel: int | None, stride: int | None, dilation: int | None
) -> bool:
    given, made = size(data(op), axis), size(result(op), axis)
    if given is None or made is None or kernel is None or stride is None:
        return False
    return (made - 1) * stride + (kernel - 1) * (dilation or 1) + 1 > given


def transposed_size_fits(op: Operator) -> bool | None:
    """Whether TRANSPOSE_CONV makes the input times the stride, and with VALID the kernel's rest."""
    given, made = data(op), result(op)
    if op.name != "TRANSPOSE_CONV":
        return None
    ways = ((1, kernel_height(op), stride_height(op)), (2, kernel_width(op), stride_width(op)))
    for axis, kernel, stride in ways:
        before, after = size(given, axis), size(made, axis)
        if before is None or after is None or kernel is None or stride is None:
            return None
        rest = max(kernel - stride, 0) if op.options.get("padding") == "VALID" else 0
        if after != before * stride + rest:
            return False
    return True


def weights_middle_sizes(op: Operator) -> tuple[int, ...]:
    """The sizes of all but the first and last dimension of the weights."""
    tensor = op.weights
    return tensor.shape[1:-1] if tensor is not None else ()


def weights_sum(op: Operator) -> int | None:
    """The largest sum of the magnitudes of the weights that make one channel of the output.

    It looks at each weight: ask for `weights_per_output` first.
    """
    tensor = op.weights
    axis = roles.channel_axis(op)
    if tensor is None or axis is None or not tensor.is_constant:
        return None
    import numpy as np

    values = np.moveaxis(tensor.numpy(), axis, 0).astype(np.int64)
    points = tensor.quantization.zero_points if tensor.quantization is not None else ()
    middles = np.array(points or (0,), np.int64)
    rows = values.reshape(values.shape[0], -1) - middles[:, None]
    return int(np.abs(rows).sum(axis=1).max(initial=0))


def weights_scales(op: Operator) -> int | None:
    """How many scales the weights have; 0 if they are not quantized."""
    tensor = op.weights
    if tensor is None:
        return None
    return len(tensor.quantization.scales) if tensor.quantization is not None else 0


def index_type(op: Operator) -> str | None:
    """The type of the positions from which GATHER and GATHER_ND take."""
    if op.name not in ("GATHER", "GATHER_ND") or len(op.inputs) < 2 or op.inputs[1] is None:
        return None
    return op.inputs[1].dtype


def axis_stored(op: Operator) -> bool | None:
    """Whether the axis of SPLIT or SPLIT_V stands in the file."""
    place = {"SPLIT": 0, "SPLIT_V": 2}.get(op.name)
    if place is None or place >= len(op.inputs):
        return None
    tensor = op.inputs[place]
    return tensor is not None and tensor.is_constant


def bias_along_channels(op: Operator) -> bool | None:
    """Whether all dimensions of the bias but the last are 1."""
    tensor = op.bias
    return math.prod(tensor.shape[:-1]) == 1 if tensor is not None else None


def largest_bias(op: Operator) -> int | None:
    """The largest bias; None if the file does not hold it."""
    tensor = op.bias
    if tensor is None or not tensor.is_constant or not tensor.dtype.startswith("int"):
        return None
    return max(tensor.values, default=None)


def recurrent_extras(op: Operator) -> tuple[str, ...]:
    """What an LSTM has beyond gates: coupled gates, peepholes, projection, normalization."""
    if not op.name.endswith("SEQUENCE_LSTM"):
        return ()
    has = [tensor is not None for tensor in op.inputs]
    found = {
        "coupled gates": not has[1] if len(has) > 1 else False,
        "peepholes": any(has[9:12]),
        "projection": any(has[16:18]),
        "normalization": any(has[20:24]),
    }
    return tuple([name for name, present in found.items() if present])


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        adds_padding,
        axis_stored,
        bias_along_channels,
        index_type,
        largest_bias,
        recurrent_extras,
        transposed_size_fits,
        weights_middle_sizes,
        weights_scales,
        weights_sum,
    )
}

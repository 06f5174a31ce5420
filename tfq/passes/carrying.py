"""How operators carry the scales of channels: from what they read to what they make.

Each function here is asked about one operator of a kind. It joins the channels that must be scaled
alike and returns True, or returns False where the operator needs the numbers as they are.
"""

from __future__ import annotations

import math

from tfq import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Operator, Tensor
    from tfq.passes.channels import Channels

    Array = np.ndarray[Any, Any]

LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
# One input decides, and each channel of the output comes from the same channel of it.
_CHANNEL_BY_CHANNEL = frozenset(
    [
        "ABS",
        "AVERAGE_POOL_2D",
        "LEAKY_RELU",
        "MAX_POOL_2D",
        "NEG",
        "PRELU",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
    ]
)
# Larger numbers could leave float32 when they are scaled.
_LARGEST = 1e30


def is_float_constant(tensor: Tensor) -> bool:
    """Say whether a tensor is a float32 constant in the model's file."""
    return tensor.is_constant and tensor.dtype == "float32" and not tensor.is_external


def _is_scalable(tensor: Tensor) -> bool:
    """Say whether a tensor is a constant whose values stay finite with any scale."""
    import numpy as np

    return is_float_constant(tensor) and bool((np.abs(tensor.numpy()) < _LARGEST).all())


def _layer(channels: Channels, operator: Operator) -> bool:
    """A convolution or dense layer: it takes scales and makes scales."""
    weights, bias = ops.weights(operator), ops.bias(operator)
    data = operator.inputs[2 if operator.name == "TRANSPOSE_CONV" else 0]
    if weights is None or data is None or data.is_constant:
        return False
    for constant in (weights, bias):
        if constant is not None and not (_is_scalable(constant) and _is_for_layers(constant)):
            return False
    made = channels.nodes(operator.outputs[0])
    takes = _taken(operator, weights, channels.nodes(data), made)
    if takes is None or (bias is not None and bias.shape != (len(made),)):
        return False
    channels.add_layer(operator, weights, bias, takes, made)
    return True


def _taken(operator: Operator, weights: Tensor, given: Array, made: Array) -> Array | None:
    """Return the channel that each input channel of the weights multiplies."""
    import numpy as np

    if not len(given):
        return None
    if operator.name == "DEPTHWISE_CONV_2D":
        inside = np.repeat(given, len(made) // len(given))
        return inside if weights.shape[-1:] == (len(made),) == (len(inside),) else None
    if weights.shape[:1] != (len(made),):
        return None
    size = weights.shape[-1]
    # A dense layer flattens what it reads: channels repeat.
    flattens = operator.name == "FULLY_CONNECTED" and size % len(given) == 0
    return np.resize(given, size) if size == len(given) or flattens else None


def _is_for_layers(constant: Tensor) -> bool:
    """Say whether only layers read a constant: others would get the scaled one, too."""
    readers_are = all(
        each.name in LAYERS and constant is not each.inputs[0] for each in constant.consumers
    )
    return readers_are and constant not in constant.subgraph.outputs


def _same(channels: Channels, operator: Operator) -> bool:
    """Each channel of the output comes from the same channel of the input."""
    data, *others = operator.inputs
    if data is None or any(_is_variable(each) for each in others):
        return False
    return channels.same(data, operator.outputs[0])


def _is_variable(tensor: Tensor | None) -> bool:
    return tensor is not None and not tensor.is_constant and tensor.dtype == "float32"


def _reduction(channels: Channels, operator: Operator) -> bool:
    """Channels stay apart as long as they are not what is reduced."""
    data, axes = operator.inputs[0], operator.inputs[1]
    if data is None or axes is None or not axes.is_constant or not data.shape:
        return False
    rank = len(data.shape)
    if any(axis % rank == rank - 1 for axis in axes.values):
        return False
    return channels.same(data, operator.outputs[0])


def _reshape(channels: Channels, operator: Operator) -> bool:
    """Channels are where they were, or repeat: flattening lays them one after the other."""
    import numpy as np

    data = operator.inputs[0]
    if data is None:
        return False
    given, made = channels.nodes(data), channels.nodes(operator.outputs[0])
    small, large = sorted((given, made), key=len)
    if not len(small) or len(large) % len(small):
        return False
    channels.join(np.resize(small, len(large)), large)
    return True


def _blocks(channels: Channels, operator: Operator) -> bool:
    """Height and width are cut into blocks, or put together again; with zeros around."""
    data, *others = operator.inputs
    if data is None or any(each is None or not each.is_constant for each in others):
        return False
    if others[0] is None or len(others[0].values) > len(data.shape) - 2:
        return False
    return channels.same(data, operator.outputs[0])


def _transpose(channels: Channels, operator: Operator) -> bool:
    """The channels stay innermost."""
    data, order = operator.inputs
    if data is None or order is None or not order.is_constant:
        return False
    if order.values[-1:] != (len(data.shape) - 1,):
        return False
    return channels.same(data, operator.outputs[0])


def _pad(channels: Channels, operator: Operator) -> bool:
    """Zeros around each channel, or channels of zeros: those have any scale. Or mirrored values."""
    data, sizes, *fillers = operator.inputs
    if data is None or sizes is None or not sizes.is_constant or len(sizes.values) < 2:
        return False
    for filler in fillers:
        if filler is None or not filler.is_constant:
            return False
        if any(value and not math.isinf(value) for value in filler.values):
            return False
    before, behind = sizes.values[-2:]
    if operator.name == "MIRROR_PAD" and (before or behind):
        return False
    given, made = channels.nodes(data), channels.nodes(operator.outputs[0])
    if min(before, behind) < 0 or before + len(given) + behind != len(made):
        return False
    channels.join(given, made[before : before + len(given)])
    return True


def _total(channels: Channels, operator: Operator) -> bool:
    """A sum, or a choice of the larger: all have one scale; a constant is scaled with it."""
    made = operator.outputs[0]
    for tensor in operator.inputs:
        if tensor is None:
            return False
        if tensor.is_constant:
            if not _is_shift(tensor, made):
                return False
            channels.add_shift(tensor, made)
        elif not channels.same(tensor, made):
            return False
    return True


def _is_shift(tensor: Tensor, made: Tensor) -> bool:
    """Say whether a constant has one value for each channel, and is there for one operator."""
    if len(tensor.consumers) != 1 or tensor in tensor.subgraph.outputs:
        return False
    size = made.shape[-1] if made.shape else 1
    shaped = tensor.shape[-1:] == (size,) and all(each == 1 for each in tensor.shape[:-1])
    return shaped and _is_scalable(tensor)


def _product(channels: Channels, operator: Operator) -> bool:
    """One factor carries the scale; the other is a constant, or kept as it is."""
    first, second = operator.inputs
    if first is None or second is None or first is second:
        return False
    carriers = [first] if operator.name == "DIV" else [first, second]
    size = operator.outputs[0].shape[-1:]
    carriers = [each for each in carriers if not each.is_constant and each.shape[-1:] == size]
    if not carriers:
        return False
    # A gate, as in squeeze and excitation, comes from a function such as LOGISTIC.
    carrier = max(carriers, key=lambda each: (_can_carry(each), math.prod(each.shape)))
    channels.hold(second if carrier is first else first)
    return channels.same(carrier, operator.outputs[0])


def _can_carry(tensor: Tensor) -> bool:
    return tensor.producer is not None and tensor.producer.name in CARRIERS


def _concatenation(channels: Channels, operator: Operator) -> bool:
    parts = [each for each in operator.inputs if each is not None]
    if any(each.is_constant for each in parts):
        return False
    return _laid_out(channels, operator.outputs[0], parts, operator.options.get("axis", 0))


def _pack(channels: Channels, operator: Operator) -> bool:
    """Tensors become slices of one with a dimension more."""
    parts = [each for each in operator.inputs if each is not None]
    return _stacked(channels, operator.outputs[0], parts, operator.options.get("axis", 0))


def _unpack(channels: Channels, operator: Operator) -> bool:
    data = operator.inputs[0]
    if data is None:
        return False
    return _stacked(channels, data, operator.outputs, operator.options.get("axis", 0))


def _stacked(channels: Channels, whole: Tensor, parts: Sequence[Tensor], axis: int) -> bool:
    rank = len(whole.shape)
    if rank < 2 or axis % rank == rank - 1 or any(each.is_constant for each in parts):
        return False
    return all(channels.same(each, whole) for each in parts)


def _split(channels: Channels, operator: Operator) -> bool:
    axis, data = operator.inputs[0], operator.inputs[1]
    if operator.name == "SPLIT_V":
        data, _, axis = operator.inputs
    if data is None or axis is None or not axis.is_constant:
        return False
    return _laid_out(channels, data, operator.outputs, axis.values[0])


def _laid_out(channels: Channels, whole: Tensor, parts: Sequence[Tensor], axis: int) -> bool:
    """Along the channels parts stand one after the other; along other axes they are the same."""
    import numpy as np

    rank = len(whole.shape)
    if not rank:
        return False
    if axis % rank != rank - 1:
        return all(channels.same(each, whole) for each in parts)
    given = np.concatenate([channels.nodes(each) for each in parts])
    nodes = channels.nodes(whole)
    if len(given) != len(nodes):
        return False
    channels.join(given, nodes)
    return True


def _slice(channels: Channels, operator: Operator) -> bool:
    data, begin = operator.inputs[0], operator.inputs[1]
    if data is None or begin is None or not begin.is_constant or not begin.values:
        return False
    made, start = channels.nodes(operator.outputs[0]), begin.values[-1]
    return _chosen(channels, channels.nodes(data)[start : start + len(made)], made)


def _strided_slice(channels: Channels, operator: Operator) -> bool:
    """Some of the channels, or all of them at some places."""
    data, *numbers = operator.inputs
    if data is None or any(each is None or not each.is_constant for each in numbers):
        return False
    options, last = operator.options, len(data.shape) - 1
    unusual = ("ellipsis_mask", "new_axis_mask", "offset")
    if any(options.get(each) for each in unusual):
        return False
    if options.get("shrink_axis_mask", 0) >> last & 1:
        return False
    given, made = channels.nodes(data), channels.nodes(operator.outputs[0])
    begin, end, strides = (each.values for each in numbers if each is not None)
    if len(begin) <= last:
        return _chosen(channels, given, made)
    start = None if options.get("begin_mask", 0) >> last & 1 else begin[last]
    stop = None if options.get("end_mask", 0) >> last & 1 else end[last]
    return _chosen(channels, given[start : stop : strides[last]], made)


def _chosen(channels: Channels, given: Array, made: Array) -> bool:
    if len(given) != len(made):
        return False
    channels.join(given, made)
    return True


CARRIERS: dict[str, Callable[[Channels, Operator], bool]] = {
    **dict.fromkeys(LAYERS, _layer),
    **dict.fromkeys(_CHANNEL_BY_CHANNEL, _same),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"), _reduction),
    # Blocks become channels of their own, all after one another, or the other way round.
    **dict.fromkeys(("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), _reshape),
    **dict.fromkeys(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"), _reshape),
    **dict.fromkeys(("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"), _blocks),
    **dict.fromkeys(("MIRROR_PAD", "PAD", "PADV2"), _pad),
    **dict.fromkeys(("ADD", "MAXIMUM", "MINIMUM", "SUB"), _total),
    **dict.fromkeys(("DIV", "MUL"), _product),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    "CONCATENATION": _concatenation,
    "PACK": _pack,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}

"""High biases: what a channel never falls below moves into the bias of the next layers."""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.passes.biased_layers import own_bias
from tfq.passes.carrying import LAYERS, is_float_constant
from tfq.passes.changes import Change, Changes, operator_place
from tfq.passes.channels import activation
from tfq.passes.ranges import activation_keys
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Subgraph, Tensor
    from tfq.passes.statistics import Extremes

    Array = np.ndarray[Any, Any]

_READERS = LAYERS - {"TRANSPOSE_CONV"}
# Each makes c + f(x) of c + x where nothing is negative. Pooling leaves out what it pads.
_PASSING = frozenset(
    [
        "ABS",
        "AVERAGE_POOL_2D",
        "EXPAND_DIMS",
        "LEAKY_RELU",
        "MAX_POOL_2D",
        "MEAN",
        "PRELU",
        "RELU",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SQUEEZE",
    ]
)
_FLATTENING = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})


def absorb_bias(model: Model, extremes: Mapping[str, Extremes]) -> tuple[Model, Changes]:
    """Move what channels never fall below to the bias of the layers that read them.

    If a channel is at least c > 0, relu(W₁x + b₁) = relu(W₁x + b₁ - c) + c, and the next layer
    takes W₂c in its own bias b₂ (Nagel et al., Data-Free Quantization through Weight Equalization
    and Bias Correction, 2019, https://arxiv.org/abs/1906.04721, section 4.1.2). The integers then
    cover only what varies. The paper derives c from BatchNorm statistics; a `.tflite` has none, so
    c is the smallest value seen: the float outputs are the same on those data.

    1. From CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED with NONE or RELU.
    2. Into CONV_2D and DEPTHWISE_CONV_2D that pad nothing, and FULLY_CONNECTED. A bias is made
       where there is none, and one that others read, too, becomes one of its own.
    3. Through RELU, LEAKY_RELU, PRELU and ABS; pooling, MEAN over height and width, RESIZE; RESHAPE
       and flattening.

    Left alone:

    4. Channels that an output of the model, or any other operator, reads.
    5. TRANSPOSE_CONV without a bias, and layers whose weights are no float32 constants.

    Args:
        model: A float model.
        extremes: The smallest and largest value of each channel of what `absorb_bias_needs` lists.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    import numpy as np

    changed: list[Change] = []
    moved: dict[Operator, Array] = {}
    keys = activation_keys(model.subgraphs[0])
    for flow in _flows(model.subgraphs[0]):
        made = flow.maker.outputs[0]
        seen = extremes.get(keys[made])
        if seen is None or len(seen.lows) != made.shape[-1]:
            continue
        lows = seen.lows.astype(np.float64)
        floor = np.where((lows > 0) & np.isfinite(lows), lows, 0.0)
        if not floor.any():
            continue
        moved[flow.maker] = moved.get(flow.maker, 0.0) - floor
        for reader in flow.readers:
            moved[reader] = moved.get(reader, 0.0) + _constant_output(reader, floor)
        what = f"{np.count_nonzero(floor)} channels lowered by up to {floor.max():.3g}"
        changed.append(Change(operator_place(flow.maker), what))
    if not changed:
        return model, Changes("absorb_bias")
    rewrite = Rewrite(model)
    for operator, difference in moved.items():
        _add_to_bias(rewrite, operator, difference)
    return rewrite.finish(), Changes("absorb_bias", tuple(changed))


def absorb_bias_needs(model: Model) -> list[Tensor]:
    """List the activations whose extremes `absorb_bias` wants.

    Args:
        model: A float model.

    Returns:
        Tensors of the first subgraph; empty if there is nothing to absorb.
    """
    return [flow.maker.outputs[0] for flow in _flows(model.subgraphs[0])]


class _Flow(NamedTuple):
    """A layer, and all the layers that read what it makes."""

    maker: Operator
    readers: tuple[Operator, ...]


def _flows(subgraph: Subgraph) -> list[_Flow]:
    found = []
    for operator in subgraph.operators:
        if not _is_layer(operator) or activation(operator) not in ("NONE", "RELU"):
            continue
        if operator.name == "TRANSPOSE_CONV" and ops.bias(operator) is None:
            continue
        readers = _readers(operator.outputs[0])
        if readers:
            found.append(_Flow(operator, readers))
    return found


def _is_layer(operator: Operator) -> bool:
    """Say whether an operator is a layer whose constants are all known."""
    weights, bias, axis = ops.weights(operator), ops.bias(operator), ops.channel_axis(operator)
    if operator.name not in LAYERS or weights is None or axis is None:
        return False
    size = weights.shape[axis : axis + 1]
    if bias is not None and (bias.shape != size or not is_float_constant(bias)):
        return False
    fits = operator.outputs[0].shape_signature[-1:] == size
    return fits and is_float_constant(weights)


def _readers(made: Tensor) -> tuple[Operator, ...]:
    """Return the layers that read a tensor, if all that reads it can take a constant more."""
    found: dict[Operator, None] = {}
    ways, seen = [made], {made}
    while ways:
        tensor = ways.pop()
        if tensor in tensor.subgraph.outputs or tensor.is_variable:
            return ()
        for operator in tensor.consumers:
            if _takes_constant(operator, tensor):
                found[operator] = None
            elif _passes_constant(operator, tensor) and operator.outputs[0] not in seen:
                seen.add(operator.outputs[0])
                ways.append(operator.outputs[0])
            else:
                return ()
    return tuple(found)


def _passes_constant(operator: Operator, tensor: Tensor) -> bool:
    """Say whether what is added to each channel is added to the same channel of the output."""
    if operator.name not in _PASSING or activation(operator) not in ("NONE", "RELU"):
        return False
    data, *others = operator.inputs
    if data is not tensor or any(each is None or not each.is_constant for each in others):
        return False
    given, made = tensor.shape_signature[-1:], operator.outputs[0].shape_signature[-1:]
    if operator.name in _FLATTENING and given and made:
        return 0 < given[0] <= made[0] and made[0] % given[0] == 0
    rank = len(tensor.shape)
    if operator.name == "MEAN":
        axes = others[0].values if others and others[0] is not None else ()
        return given == made and all(axis % rank != rank - 1 for axis in axes)
    return given == made and rank > 0


def _takes_constant(operator: Operator, tensor: Tensor) -> bool:
    """Say whether a constant in each input channel is one in each output channel."""
    if operator.name not in _READERS or not _is_layer(operator):
        return False
    weights = ops.weights(operator)
    given = tensor.shape_signature[-1] if tensor.shape else 0
    if weights is None or operator.inputs.count(tensor) != 1 or operator.inputs[0] is not tensor:
        return False
    size = weights.shape[-1]
    if given <= 0 or size % given:
        return False
    if operator.name == "FULLY_CONNECTED":
        return True
    fits = size == given or operator.name == "DEPTHWISE_CONV_2D"
    return fits and (
        operator.options.get("padding") == "VALID" or _fills(operator, tensor, weights)
    )


def _fills(operator: Operator, tensor: Tensor, weights: Tensor) -> bool:
    """Say whether padding SAME adds nothing: the windows end where the plane ends.

    The sum of both paddings is (⌈size / stride⌉ - 1)·stride + (kernel - 1)·dilation + 1 - size
    (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
    """
    options = operator.options
    for axis, letter in ((1, "h"), (2, "w")):
        size, kernel = tensor.shape_signature[axis], weights.shape[axis]
        stride = options.get(f"stride_{letter}", 0)
        dilation = options.get(f"dilation_{letter}_factor", 1)
        if kernel == 1:
            continue
        if size <= 0 or stride <= 0:
            return False
        if (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 > size:
            return False
    return True


def _constant_output(operator: Operator, floor: Array) -> Array:
    """Return what a layer makes of a constant in each channel, without its bias."""
    import numpy as np

    weights = ops.weights(operator)
    if weights is None:
        return np.zeros(1)
    values = weights.numpy().astype(np.float64)
    if operator.name == "DEPTHWISE_CONV_2D":
        data = operator.inputs[0]
        size = data.shape[-1] if data is not None else 1
        inside = np.repeat(np.resize(floor, size), values.shape[-1] // size)
        made: Array = values.sum(axis=(0, 1, 2)) * inside
        return made
    sums = values.reshape(values.shape[0], -1, values.shape[-1]).sum(axis=1)
    product: Array = sums @ np.resize(floor, values.shape[-1])
    return product


def _add_to_bias(rewrite: Rewrite, operator: Operator, difference: Array) -> None:
    import numpy as np

    bias = ops.bias(operator)
    values = (difference + (bias.numpy() if bias is not None else 0.0)).astype(np.dtype("<f4"))
    rewrite.set_data(own_bias(rewrite, operator), values.tobytes())

"""Cross-layer equalization: channels of like range, without changing what a model computes."""

from __future__ import annotations

from tfq.passes.changes import Change, Changes, tensor_place
from tfq.passes.channels import Channels, Layer
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor

    Array = np.ndarray[Any, Any]

_MOST_ROUNDS = 50
# Scales that still move by less than this (1 %) gain nothing.
_CONVERGED = 0.01
# A channel a thousand times smaller than the others is noise, whatever scale it gets.
_LARGEST_SCALE = 1e4


def equalize(
    model: Model, *, unclipped: frozenset[Operator] = frozenset()
) -> tuple[Model, Changes]:
    """Scale the channels between layers so that weights have like ranges on both sides.

    For a channel whose weights reach r₁ in the layer that makes it and r₂ in those that read it,
    the scale is √(r₁ / r₂): both then reach √(r₁·r₂) (Nagel et al., Data-Free Quantization through
    Weight Equalization and Bias Correction, 2019, https://arxiv.org/abs/1906.04721, section 4.1).
    Layers that lie in chains settle after some rounds.

    1. CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED, with NONE or RELU between
       them, fused or not; LEAKY_RELU and PRELU.
    2. Through pooling, PAD with zeros, RESIZE, MEAN over height and width, RESHAPE and flattening,
       products with constants.
    3. Through ADD, SUB, MAXIMUM and MINIMUM, where all that is added can carry the same scale, and
       CONCATENATION, part by part. Constants that are added are scaled with the channels.
    4. Layers that share weights are scaled alike.
    5. RELU6 only where the caller says that it never clips (`unclipped`): it becomes RELU.

    Left alone:

    6. Channels that reach an input or output of the model, or an operator not named here, and
       layers whose weights are not float32 constants: see `float_weights`.

    Args:
        model: A float model.
        unclipped: Operators with a fused RELU6 that may become RELU.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed. Its float outputs are
        those of `model` but for the rounding of float32.
    """
    rewrite = Rewrite(model)
    changed: list[Change] = []
    for subgraph in model.subgraphs:
        channels = Channels(subgraph, unclipped=unclipped)
        scales = _scales(channels)
        if scales is not None:
            changed += _apply(rewrite, channels, scales)
    if not changed:
        return model, Changes("equalize")
    _unclip(rewrite, unclipped)
    return rewrite.finish(), Changes("equalize", tuple(changed))


def _scales(channels: Channels) -> Array | None:
    """Find the scale of each label; None if there is nothing to scale."""
    import numpy as np

    if not channels.groups:
        return None
    reach = [_reach(layer) for layer in channels.layers]
    scales = np.ones(len(channels.fixed))
    members = [_members(channels, group) for group in channels.groups]
    for _ in range(_MOST_ROUNDS):
        moved = 0.0
        for group, (makers, readers) in zip(channels.groups, members, strict=True):
            made, read = np.zeros(len(scales)), np.zeros(len(scales))
            for index in makers:
                layer = channels.layers[index]
                np.maximum.at(made, layer.makes, _ranges(reach[index], layer, scales, axis=1))
            for index in readers:
                layer = channels.layers[index]
                np.maximum.at(read, layer.takes, _ranges(reach[index], layer, scales, axis=0))
            alive = (made[group] > 0) & (read[group] > 0)
            step = np.where(alive, made[group], 1.0) / np.where(alive, read[group], 1.0)
            step = np.sqrt(step)
            limited = np.clip(scales[group] * step, 1 / _LARGEST_SCALE, _LARGEST_SCALE)
            moved = max(moved, float(np.abs(np.log(limited / scales[group])).max()))
            scales[group] = limited
        if moved < _CONVERGED:
            break
    return scales if np.any(scales != 1) else None


def _members(channels: Channels, group: Array) -> tuple[list[int], list[int]]:
    """Return the layers that make channels of a group, and those that read them."""
    import numpy as np

    layers = list(enumerate(channels.layers))
    makers = [index for index, layer in layers if np.isin(layer.makes, group).any()]
    readers = [index for index, layer in layers if np.isin(layer.takes, group).any()]
    return makers, readers


def _reach(layer: Layer) -> Array:
    """Return the largest weight of each pair of output and input channel; depthwise: of each."""
    import numpy as np

    weights = np.abs(layer.weights.numpy().astype(np.float64))
    is_depthwise = layer.operator.name == "DEPTHWISE_CONV_2D"
    shape = (1, -1) if is_depthwise else (weights.shape[0], -1)
    reach: Array = weights.reshape(*shape, weights.shape[-1]).max(axis=1)
    return reach[0] if is_depthwise else reach


def _ranges(reach: Array, layer: Layer, scales: Array, axis: int) -> Array:
    """Return the largest scaled weight for each channel along the other axis."""
    takes, makes = scales[layer.takes], scales[layer.makes]
    if reach.ndim == 1:
        return reach * takes / makes
    ranges: Array = (reach * takes / makes[:, None]).max(axis=axis)
    return ranges


def _apply(rewrite: Rewrite, channels: Channels, scales: Array) -> list[Change]:
    """Write the scaled constants, each once though several operators share it."""
    new: dict[Tensor, Array] = {}
    changed = []
    for layer in channels.layers:
        takes, makes = scales[layer.takes], scales[layer.makes]
        if layer.bias is not None and (makes != 1).any():
            new[layer.bias] = layer.bias.numpy() / makes
        if layer.weights in new or ((takes == 1).all() and (makes == 1).all()):
            continue
        weights = layer.weights.numpy().astype("f8")
        if layer.operator.name == "DEPTHWISE_CONV_2D":
            new[layer.weights] = weights * takes / makes
        else:
            shape = (-1, *[1] * (weights.ndim - 1))
            new[layer.weights] = weights * takes / makes.reshape(shape)
        changed.append(Change(tensor_place(layer.weights), _described(takes, makes)))
    for shift in channels.shifts:
        new[shift.tensor] = shift.tensor.numpy() / scales[shift.labels]
    for tensor, values in new.items():
        rewrite.set_data(rewrite.view(tensor), values.astype("<f4").tobytes())
    return changed


def _described(takes: Array, makes: Array) -> str:
    sides = [("inputs", takes), ("outputs", 1 / makes)]
    words = [
        f"{name} by {each.min():.3g} to {each.max():.3g}"
        for name, each in sides
        if (each != 1).any()
    ]
    return f"scaled: {', '.join(words)}"


def _unclip(rewrite: Rewrite, operators: frozenset[Operator]) -> None:
    """Turn RELU6 into RELU."""
    for operator in operators:
        options = rewrite.operator(operator)["builtin_options"]
        options["fused_activation_function"] = _RELU


# ActivationFunctionType in LiteRT's schema.
_RELU = 1

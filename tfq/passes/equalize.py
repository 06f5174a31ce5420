"""Cross-layer equalization: channels of like range, without changing what a model computes."""

from __future__ import annotations

from typing import NamedTuple

from tfq.passes.changes import Change, Changes, tensor_place
from tfq.passes.channels import Channels, is_clipping
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Model, Tensor
    from tfq.passes.channels import ScaledLayer
    from tfq.passes.statistics import Extremes

    Array = np.ndarray[Any, Any]

_MOST_ROUNDS = 50
# Scales that still move by less than this (1 %) gain nothing.
_CONVERGED = 0.01
# A channel a thousand times smaller than the others is noise, whatever scale it gets.
_LARGEST_SCALE = 1e4


def equalize(model: Model, extremes: Mapping[str, Extremes] | None = None) -> tuple[Model, Changes]:
    """Scale the channels between layers so that weights have like ranges on both sides.

    For a channel whose weights reach r₁ in the layer that makes it and r₂ in those that read it,
    each as a share of the largest weight of its layer, the scale is √(r₁ / r₂): both then reach
    √(r₁·r₂) (Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction,
    2019, https://arxiv.org/abs/1906.04721, section 4.1). The paper takes the weights themselves,
    which is the same for two layers, but not where some channels are fixed or several layers make
    one activation. Layers that lie in chains settle after some rounds.

    1. CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED, with NONE or RELU between
       them, fused or not; LEAKY_RELU, PRELU, ABS and NEG.
    2. Through pooling, RESIZE, MEAN and other reductions over height and width, RESHAPE and
       flattening, TRANSPOSE that leaves the channels innermost, blocks (SPACE_TO_DEPTH,
       SPACE_TO_BATCH_ND and their inverses), and PAD with zeros, of channels, too.
    3. Through slices and SPLIT, of channels, too; PACK, UNPACK, and CONCATENATION part by part.
    4. Through products with constants, and with gates, which stay as they are.
    5. Through ADD, SUB, MAXIMUM and MINIMUM, where all that is added can carry the same scale.
       Constants that are added are scaled with the channels.
    6. Layers that share weights are scaled alike.
    7. RELU6, RELU_N1_TO_1 and RELU_0_TO_1, fused or not, channel by channel: one that was seen to
       come less than half as far as the limit is scaled, up to there.

    Left alone:

    8. Channels that reach an input or output of the model, or an operator not named here.
    9. Channels that come near the limit of such an activation function; without `extremes` all.
    10. Layers whose weights are not float32 constants (see `float_weights`), or beyond 1e30.

    Args:
        model: A float model.
        extremes: The smallest and largest value of each channel of what `equalize_needs` lists.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed. Its float outputs are
        those of `model` but for the rounding of float32, on other data than those of `extremes` as
        long as channels below half of what an activation clips at become at most twice as large.
    """
    rewrite = Rewrite(model)
    changed: list[Change] = []
    for subgraph in model.subgraphs:
        # Only the first one is observed; names of others might be the same.
        channels = Channels(subgraph, extremes if subgraph.index == 0 else None)
        scales = _scales(channels)
        if scales is not None:
            changed += _apply(rewrite, channels, scales)
    if not changed:
        return model, Changes("equalize")
    return rewrite.finish(), Changes("equalize", tuple(changed))


def equalize_needs(model: Model) -> list[Tensor]:
    """List the activations whose extremes `equalize` wants: those that may be clipped.

    Args:
        model: A float model.

    Returns:
        Tensors of the first subgraph; empty if it needs no data.
    """
    return [
        operator.outputs[0]
        for operator in model.subgraphs[0].operators
        if is_clipping(operator) and operator.outputs[0].dtype == "float32"
    ]


class _Reach(NamedTuple):
    """How far the weights of a layer reach.

    Attributes:
        weights: The largest one of each pair of labels that it makes and takes; of a depthwise
            convolution, of each channel.
        makes: The label of each row; depthwise: of each channel.
        takes: The label of each column; depthwise: of each channel.
    """

    weights: Array
    makes: Array
    takes: Array

    def shares(self, scales: Array, *, made: bool) -> tuple[Array, Array]:
        """Return labels that the layer makes, or takes, and how far each reaches with scales.

        That is a share of the largest weight: what counts is how much of the integers it gets.
        """
        takes, makes = scales[self.takes], scales[self.makes]
        if self.weights.ndim == 1:
            ranges = self.weights * (takes / makes)
        elif made:
            ranges = (self.weights * takes).max(axis=1) / makes
        else:
            ranges = (self.weights / makes[:, None]).max(axis=0) * takes
        return self.makes if made else self.takes, ranges / (ranges.max() or 1.0)


def _scales(channels: Channels) -> Array | None:
    """Find the scale of each label; None if there is nothing to scale."""
    import numpy as np

    if not channels.groups:
        return None
    reach = [_reach(layer) for layer in channels.layers]
    members = [_members(reach, group) for group in channels.groups]
    scales = np.ones(len(channels.fixed))
    lowest = np.maximum(channels.lowest, 1 / _LARGEST_SCALE)
    for _ in range(_MOST_ROUNDS):
        moved = 0.0
        for group, (makers, readers) in zip(channels.groups, members, strict=True):
            made, read = np.zeros(len(scales)), np.zeros(len(scales))
            for each in makers:
                np.maximum.at(made, *each.shares(scales, made=True))
            for each in readers:
                np.maximum.at(read, *each.shares(scales, made=False))
            alive = (made[group] > 0) & (read[group] > 0)
            step = np.where(alive, made[group], 1.0) / np.where(alive, read[group], 1.0)
            # Channels that a layer both takes and makes pull each other: half of the way.
            mutual = any(each is other for each in makers for other in readers)
            step = step ** (0.25 if mutual else 0.5)
            limited = np.clip(scales[group] * step, lowest[group], _LARGEST_SCALE)
            moved = max(moved, float(np.abs(np.log(limited / scales[group])).max()))
            scales[group] = limited
        if moved < _CONVERGED:
            break
    # As float32 both sides of a channel get the very same number.
    rounded: Array = scales.astype(np.float32)
    return rounded if np.any(rounded != 1) else None


def _members(reach: list[_Reach], group: Array) -> tuple[list[_Reach], list[_Reach]]:
    """Return the layers that make channels of a group, and those that read them."""
    import numpy as np

    makers = [each for each in reach if np.isin(each.makes, group).any()]
    readers = [each for each in reach if np.isin(each.takes, group).any()]
    return makers, readers


def _reach(layer: ScaledLayer) -> _Reach:
    """Measure the weights of a layer."""
    import numpy as np

    weights = np.abs(layer.weights.numpy())
    is_depthwise = layer.operator.name == "DEPTHWISE_CONV_2D"
    shape = (1, -1) if is_depthwise else (weights.shape[0], -1)
    reach: Array = weights.reshape(*shape, weights.shape[-1]).max(axis=1, initial=0.0)
    if is_depthwise:
        return _Reach(reach[0].astype(np.float64), layer.makes, layer.takes)
    takes, order = np.unique(layer.takes), np.argsort(layer.takes, kind="stable")
    if len(takes) < len(order):
        # A flattened channel comes many times.
        starts = np.searchsorted(layer.takes[order], takes)
        reach = np.maximum.reduceat(reach[:, order], starts, axis=1)
        return _Reach(reach.astype(np.float64), layer.makes, takes)
    return _Reach(reach.astype(np.float64), layer.makes, layer.takes)


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
        weights = layer.weights.numpy()
        if layer.operator.name == "DEPTHWISE_CONV_2D":
            new[layer.weights] = weights * (takes / makes)
        else:
            shape = (-1, *[1] * (weights.ndim - 1))
            new[layer.weights] = weights * takes / makes.reshape(shape)
        changed.append(Change(tensor_place(layer.weights), _described(takes, makes)))
    for shift in channels.shifts:
        if (scales[shift.labels] != 1).any():
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

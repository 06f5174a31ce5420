"""Channels of like range before training begins, without changing what the model computes.

The same rule as `tfq.passes.equalize`, for Keras layers: training alone does not find its way where
one scale must do for channels that differ a hundredfold.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np

from tfq.qat.graph import Call, Graph, Value
from tfq.qat.rules import activation_name
from tfq.qat.weighted import QuantizedWeights

_layers = keras.layers
_MOST_ROUNDS = 50
_CONVERGED = 0.01
_LARGEST_SCALE = 1e4
# f(s·x) = s·f(x) for each channel and s > 0.
_CARRIERS = (
    _layers.Add,
    _layers.AveragePooling1D,
    _layers.AveragePooling2D,
    _layers.Dropout,
    _layers.GlobalAveragePooling1D,
    _layers.GlobalAveragePooling2D,
    _layers.GlobalMaxPooling1D,
    _layers.GlobalMaxPooling2D,
    _layers.Identity,
    _layers.LeakyReLU,
    _layers.MaxPooling1D,
    _layers.MaxPooling2D,
    _layers.Subtract,
    _layers.UpSampling1D,
    _layers.UpSampling2D,
    _layers.ZeroPadding1D,
    _layers.ZeroPadding2D,
)
# By the class of a layer, the axes of its kernel for input and output channels.
_AXES = {
    _layers.Conv1D: (-2, -1),
    _layers.Conv2D: (-2, -1),
    _layers.Conv2DTranspose: (-1, -2),
    _layers.Dense: (-2, -1),
}
_DEPTHWISE = (_layers.DepthwiseConv1D, _layers.DepthwiseConv2D)


class _Channels:
    """The channels of values that must be scaled alike.

    Attributes:
        fixed: Whether something needs the numbers as they are.
        scales: What each channel is divided by.
    """

    def __init__(self) -> None:
        self.fixed = False
        self.scales: Any = None
        self._parent: _Channels | None = None

    def root(self) -> _Channels:
        found = self
        while found._parent is not None:
            found = found._parent
        return found

    def join(self, other: _Channels) -> None:
        mine, theirs = self.root(), other.root()
        if mine is not theirs:
            theirs._parent = mine
            mine.fixed = mine.fixed or theirs.fixed


class _Reach:
    """A layer between channels, and how far its weights reach."""

    def __init__(self, layer: QuantizedWeights, takes: _Channels, makes: _Channels) -> None:
        self.layer, self.takes, self.makes = layer, takes.root(), makes.root()
        weights = np.abs(np.asarray(layer.folded("kernel"), np.float64))
        self.is_depthwise = isinstance(layer.layer, _DEPTHWISE)
        if self.is_depthwise:
            top = weights.max(axis=tuple(range(weights.ndim - 2)))
            self.times = top.shape[1]
            self.weights = top.reshape(-1)
        else:
            first, second = _AXES[type(layer.layer)]
            moved = np.moveaxis(weights, (first, second), (-2, -1))
            self.weights = moved.max(axis=tuple(range(weights.ndim - 2)))

    @property
    def sizes(self) -> tuple[int, int]:
        """How many channels it takes, and how many it makes."""
        if self.is_depthwise:
            return self.weights.size // self.times, self.weights.size
        takes, makes = self.weights.shape
        return takes, makes

    def shares(self, *, made: bool) -> Any:
        """Return how far each channel reaches with the scales, as a share of the largest weight."""
        takes, makes = self.takes.scales, self.makes.scales
        if self.is_depthwise:
            reach = self.weights * np.repeat(takes, self.times) / makes
            reach = reach if made else reach.reshape(-1, self.times).max(axis=1)
        elif made:
            reach = (self.weights * takes[:, None]).max(axis=0) / makes
        else:
            reach = (self.weights / makes).max(axis=1) * takes
        return reach / (reach.max() or 1.0)

    def apply(self) -> None:
        """Scale the weights; with normalization, what that multiplies and adds."""
        takes, makes = self.takes.scales, self.makes.scales
        kernel, norm = self.layer.layer.kernel, self.layer.norm
        values = np.asarray(kernel)
        if self.is_depthwise:
            values = values * takes[:, None]
            outward = makes.reshape(-1, self.times)
        else:
            first, second = _AXES[type(self.layer.layer)]
            values = values * _along(takes, first, values.ndim)
            outward = _along(makes, second, values.ndim)
        if norm is None:
            kernel.assign(values / outward)
            if getattr(self.layer.layer, "bias", None) is not None:
                self.layer.layer.bias.assign(np.asarray(self.layer.layer.bias) / makes)
            return
        kernel.assign(values)
        for each in (norm.gamma, norm.beta):
            each.assign(np.asarray(each) / makes)


def equalize(graph: Graph) -> None:
    """Scale the channels between layers so that weights have like ranges on both sides.

    Args:
        graph: A model of new layers, whose weights are changed.
    """
    reaches = _reaches(graph)
    between = [
        (group, [each for each in reaches if each.makes is group], readers)
        for group in _groups(reaches)
        if not group.fixed and (readers := [each for each in reaches if each.takes is group])
    ]
    for _ in range(_MOST_ROUNDS):
        moved = [_step(*each) for each in between if each[1]]
        if max(moved, default=0.0) < _CONVERGED:
            break
    for each in reaches:
        each.apply()


def _groups(reaches: list[_Reach]) -> list[_Channels]:
    both = [group for each in reaches for group in (each.takes, each.makes)]
    return list({id(each): each for each in both}.values())


def _step(group: _Channels, makers: list[_Reach], readers: list[_Reach]) -> float:
    """Bring both sides of some channels nearer; return how far they moved."""
    sides = (
        [each.shares(made=True) for each in makers],
        [each.shares(made=False) for each in readers],
    )
    made, read = (np.max(side, axis=0) for side in sides)
    alive = (made > 0) & (read > 0)
    step = np.where(alive, made, 1.0) / np.where(alive, read, 1.0)
    scales = np.clip(group.scales * np.sqrt(step), 1 / _LARGEST_SCALE, _LARGEST_SCALE)
    moved = float(np.abs(np.log(scales / group.scales)).max())
    group.scales = scales
    return moved


def _reaches(graph: Graph) -> list[_Reach]:
    """Find the layers that take up scales, and the channels between them."""
    known: dict[Value, _Channels] = {}

    def channels(value: Value) -> _Channels:
        return known.setdefault(value, _Channels()).root()

    calls = Counter(call.layer for call in graph.calls)
    pairs = []
    for call in graph.calls:
        values = [*call.values, *call.outputs.values()]
        if _is_scalable(call.layer) and calls[call.layer] == 1:
            pairs.append((call.layer, channels(call.values[0]), channels(call.output)))
        elif _carries(call):
            for value in values[1:]:
                channels(values[0]).join(channels(value))
        else:
            for value in values:
                channels(value).fixed = True
    for value in keras.tree.flatten((graph.inputs, graph.outputs)):
        channels(value).fixed = True
    found = [_Reach(layer, takes, makes) for layer, takes, makes in pairs]
    for each in found:
        each.takes.scales, each.makes.scales = (np.ones(size) for size in each.sizes)
    return found


def _is_scalable(layer: Any) -> bool:
    if not isinstance(layer, QuantizedWeights) or not layer.layer.trainable:
        return False
    norm = layer.norm
    if norm is not None and not (norm.scale and norm.center and norm.trainable):
        return False
    if isinstance(layer.layer, _DEPTHWISE):
        return True
    return type(layer.layer) in _AXES and getattr(layer.layer, "groups", 1) == 1


def _carries(call: Call) -> bool:
    """Say whether scales of channels go through a call."""
    values, layer = [*call.values, *call.outputs.values()], call.layer
    if len({each.shape[-1] for each in values}) > 1:
        return False
    if isinstance(layer, _layers.ReLU):
        return layer.max_value is None and layer.threshold == 0
    if isinstance(layer, _layers.Activation):
        return activation_name(layer.activation) in ("relu", "linear", "leaky_relu")
    return type(layer) in _CARRIERS or type(layer).__name__ == "Relu"


def _along(numbers: Any, axis: int, rank: int) -> Any:
    return numbers.reshape([-1 if each == axis % rank else 1 for each in range(rank)])

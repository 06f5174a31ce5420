"""Which channels of a float model can be scaled, and which must be scaled alike.

If a convolution makes a channel half as large, and all that reads the channel takes it twice, the
model computes the same. That goes through every operator f with f(s·x) = s·f(x) for s > 0, channel
by channel. Here the channels of all activations get labels: channels with one label must have one
scale, and a label is fixed (its scale is 1) where an operator, an input or an output of the model
needs the numbers as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from tfq.passes.carrying import CARRIERS
from tfq.passes.ranges import activation_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Operator, Subgraph, Tensor
    from tfq.passes.statistics import Extremes

    Array = np.ndarray[Any, Any]

_HOMOGENEOUS = frozenset({"NONE", "RELU"})
# How far from zero what they make can come. They commute with scales where nothing is clipped.
_LIMITS = {"RELU6": 6.0, "RELU_0_TO_1": 1.0, "RELU_N1_TO_1": 1.0}
# Other data may make a channel twice as large as it was seen, without being clipped. With this,
# MediaPipe's hand models, calibrated on 24 photographs, compute the same on others up to rounding;
# its pose models, on photographs without people, change by up to 3 % of an output.
_MARGIN = 2.0


class ScaledLayer(NamedTuple):
    """An operator whose weights can take up scales.

    Attributes:
        operator: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or FULLY_CONNECTED.
        weights: Its weights.
        bias: Its bias, or None.
        takes: The label of each input channel of the weights.
        makes: The label of each output channel.
    """

    operator: Operator
    weights: Tensor
    bias: Tensor | None
    takes: Array
    makes: Array


class Shift(NamedTuple):
    """A constant that is added to channels, and scaled with them.

    Attributes:
        tensor: The constant, one value a channel.
        labels: The label of each.
    """

    tensor: Tensor
    labels: Array


class Channels:
    """The channels of one subgraph, with their labels.

    Attributes:
        layers: The operators that take up scales.
        shifts: The constants that are scaled with channels.
        fixed: By label, whether its scale is 1.
        lowest: By label, the smallest scale with which nothing is clipped; 0 if nothing could be.
        groups: Labels that belong together, as those of one activation, in running order: each is
            an array of labels that are not fixed.
    """

    def __init__(self, subgraph: Subgraph, extremes: Mapping[str, Extremes] | None = None) -> None:
        """Label the channels.

        Args:
            subgraph: Of a float model whose constants are unpacked.
            extremes: The smallest and largest value of each channel of what `clipped` names, by
                the keys of `activation_keys`. Without them whatever may be clipped is fixed.
        """
        import numpy as np

        self.subgraph = subgraph
        self._extremes = extremes or {}
        self._keys = activation_keys(subgraph)
        self._start: dict[Tensor, int] = {}
        self._count = 0
        self._pairs: list[tuple[Array, Array]] = []
        self._held: list[Array] = []
        self._bounds: list[tuple[Array, Array]] = []
        self._unscalable: set[Tensor] = set()
        self.layers: list[ScaledLayer] = []
        self.shifts: list[Shift] = []
        for tensor in (*subgraph.inputs, *subgraph.outputs):
            self.hold(tensor)
        for tensor in subgraph.tensors:
            if tensor.is_variable:
                self.hold(tensor)
        for operator in subgraph.operators:
            self._visit(operator)
        for layer in self.layers:
            if layer.weights in self._unscalable or layer.bias in self._unscalable:
                self._held += [layer.takes, layer.makes]
        self._label(np.zeros(self._count, dtype=bool), np.zeros(self._count))

    def nodes(self, tensor: Tensor) -> Array:
        """Return the numbers of a tensor's channels: its innermost dimension."""
        import numpy as np

        size = tensor.shape[-1] if tensor.shape else 1
        if tensor not in self._start:
            self._start[tensor] = self._count
            self._count += size
        start = self._start[tensor]
        return np.arange(start, start + size)

    def hold(self, tensor: Tensor | None) -> None:
        """Keep a tensor as it is."""
        if tensor is not None and not tensor.is_constant:
            self._held.append(self.nodes(tensor))

    def join(self, first: Array, second: Array) -> None:
        """Scale channels alike, given by their numbers."""
        self._pairs.append((first, second))

    def same(self, first: Tensor, second: Tensor) -> bool:
        """Scale the channels of two tensors alike, if they have as many."""
        one, other = self.nodes(first), self.nodes(second)
        if len(one) != len(other):
            return False
        self.join(one, other)
        return True

    def add_layer(
        self, operator: Operator, weights: Tensor, bias: Tensor | None, takes: Array, makes: Array
    ) -> None:
        """Add an operator whose weights take up scales; constants it shares are scaled once."""
        for other in self.layers:
            if other.weights is weights:
                self.join(other.takes, takes)
                self.join(other.makes, makes)
            elif bias is not None and other.bias is bias:
                self.join(other.makes, makes)
        self.layers.append(ScaledLayer(operator, weights, bias, takes, makes))

    def add_shift(self, constant: Tensor, made: Tensor) -> None:
        """Add a constant that is scaled with the channels of a tensor."""
        self.shifts.append(Shift(constant, self.nodes(made)))

    def _visit(self, operator: Operator) -> None:
        carries = CARRIERS.get(operator.name)
        floats = all(each.dtype == "float32" for each in operator.outputs)
        tensors = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
        is_open = any(min(each.shape_signature[-1:], default=0) < 0 for each in tensors)
        if carries is None or is_open or not floats or not carries(self, operator):
            for tensor in tensors:
                self.hold(tensor)
            self._unscalable.update(tensors)
        elif is_clipping(operator):
            self._bound(operator.outputs[0], _LIMITS[activation(operator)])
        elif activation(operator) not in _HOMOGENEOUS:
            self.hold(operator.outputs[0])

    def _bound(self, made: Tensor, limit: float) -> None:
        """Let channels grow as long as they stay below a limit; hold those that come near it."""
        import numpy as np

        seen, nodes = self._extremes.get(self._keys[made]), self.nodes(made)
        if seen is None or not len(seen.lows) == len(seen.highs) == len(nodes):
            self._held.append(nodes)
            return
        top = np.maximum(np.abs(seen.lows), np.abs(seen.highs)).astype(np.float64)
        is_below = _MARGIN * top < limit
        self._held.append(nodes[~is_below])
        self._bounds.append((nodes[is_below], _MARGIN * top[is_below] / limit))

    def _label(self, fixed: Array, lowest: Array) -> None:
        import numpy as np

        labels = _connected(self._count, self._pairs)
        for nodes in self._held:
            fixed[labels[nodes]] = True
        for nodes, bounds in self._bounds:
            np.maximum.at(lowest, labels[nodes], bounds)
        self.fixed, self.lowest = fixed, lowest
        self.layers = [
            each._replace(takes=labels[each.takes], makes=labels[each.makes])
            for each in self.layers
        ]
        self.shifts = [each._replace(labels=labels[each.labels]) for each in self.shifts]
        self.groups: list[Array] = []
        seen = fixed.copy()
        for layer in self.layers:
            found = np.unique(layer.makes)
            found = found[~seen[found]]
            seen[found] = True
            if found.size:
                self.groups.append(found)


def activation(operator: Operator) -> str:
    """Return the activation function of an operator: a fused one, or the operator itself."""
    if operator.name in _LIMITS:
        return operator.name
    fused: str = operator.options.get("fused_activation_function", "NONE")
    return fused


def is_clipping(operator: Operator) -> bool:
    """Say whether an operator cuts off what is larger than some limit."""
    return activation(operator) in _LIMITS


def _connected(count: int, pairs: list[tuple[Array, Array]]) -> Array:
    """Give nodes that are connected by pairs one label: the smallest number among them."""
    import numpy as np

    labels = np.arange(count)
    changed = True
    while changed:
        changed = False
        # Forth and back, so that a chain is done in one round.
        for first, second in (*pairs, *reversed(pairs)):
            lower = np.minimum(labels[first], labels[second])
            if not (np.array_equal(labels[first], lower) and np.array_equal(labels[second], lower)):
                np.minimum.at(labels, first, lower)
                np.minimum.at(labels, second, lower)
                changed = True
    return labels

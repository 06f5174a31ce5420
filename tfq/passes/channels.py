"""Which channels of a float model can be scaled, and which must be scaled alike.

If a convolution makes a channel half as large, and all that reads the channel takes it twice, the
model computes the same. That goes through every operator f with f(s·x) = s·f(x) for s > 0, channel
by channel. Here the channels of all activations get labels: channels with one label must have one
scale, and a label is fixed (its scale is 1) where an operator, an input or an output of the model
needs the numbers as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Operator, Subgraph, Tensor

    Array = np.ndarray[Any, Any]

HOMOGENEOUS_ACTIVATIONS = frozenset({"NONE", "RELU"})
# One input decides, and each channel of the output comes from the same channel of it.
_CHANNEL_BY_CHANNEL = frozenset(
    [
        "AVERAGE_POOL_2D",
        "LEAKY_RELU",
        "MAX_POOL_2D",
        "PRELU",
        "RELU",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
    ]
)
_REDUCTIONS = frozenset({"MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"})
_RESHAPES = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})
_PADS = frozenset({"MIRROR_PAD", "PAD"})
_SUMS = frozenset({"ADD", "MAXIMUM", "MINIMUM", "SUB"})


class Layer(NamedTuple):
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
        groups: Labels that belong together, as those of one activation, in running order: each is
            an array of labels that are not fixed.
    """

    def __init__(self, subgraph: Subgraph, *, unclipped: frozenset[Operator] = frozenset()) -> None:
        """Label the channels.

        Args:
            subgraph: Of a float model whose constants are unpacked.
            unclipped: Operators with a fused RELU6 that counts as RELU.
        """
        import numpy as np

        self._subgraph = subgraph
        self._unclipped = unclipped
        self._start: dict[Tensor, int] = {}
        self._count = 0
        self._pairs: list[tuple[Array, Array]] = []
        self._held: list[Array] = []
        self.layers: list[Layer] = []
        self.shifts: list[Shift] = []
        for tensor in (*subgraph.inputs, *subgraph.outputs):
            self._hold(tensor)
        for tensor in subgraph.tensors:
            if tensor.is_variable:
                self._hold(tensor)
        for operator in subgraph.operators:
            self._visit(operator)
        labels = _connected(self._count, self._pairs)
        self.fixed = np.zeros(self._count, dtype=bool)
        for nodes in self._held:
            self.fixed[labels[nodes]] = True
        self.layers = [
            each._replace(takes=labels[each.takes], makes=labels[each.makes])
            for each in self.layers
        ]
        self.shifts = [each._replace(labels=labels[each.labels]) for each in self.shifts]
        self.groups = self._grouped(labels)

    def _grouped(self, labels: Array) -> list[Array]:
        import numpy as np

        groups, seen = [], np.zeros(self._count, dtype=bool)
        for layer in self.layers:
            found = np.unique(layer.makes)
            found = found[~self.fixed[found] & ~seen[found]]
            seen[found] = True
            if found.size:
                groups.append(found)
        return groups

    def _nodes(self, tensor: Tensor) -> Array:
        """Return the numbers of a tensor's channels: its innermost dimension."""
        import numpy as np

        size = tensor.shape[-1] if tensor.shape else 1
        if tensor not in self._start:
            self._start[tensor] = self._count
            self._count += size
        start = self._start[tensor]
        return np.arange(start, start + size)

    def _hold(self, tensor: Tensor | None) -> None:
        if tensor is not None and not tensor.is_constant:
            self._held.append(self._nodes(tensor))

    def _hold_all(self, operator: Operator) -> None:
        for tensor in (*operator.inputs, *operator.outputs):
            self._hold(tensor)

    def _join(self, first: Array, second: Array) -> None:
        self._pairs.append((first, second))

    def _visit(self, operator: Operator) -> None:
        present = [tensor for tensor in operator.inputs if tensor is not None]
        floats = all(each.dtype == "float32" for each in (*present[:1], *operator.outputs))
        clipped = not self._is_homogeneous(operator)
        for output in operator.outputs:
            if clipped:
                self._hold(output)
        handler = _HANDLERS.get(operator.name, Channels.nothing)
        if not floats or len(operator.outputs) != 1 or not handler(self, operator):
            self._hold_all(operator)

    def _is_homogeneous(self, operator: Operator) -> bool:
        activation = operator.options.get("fused_activation_function", "NONE")
        if activation == "RELU6" and operator in self._unclipped:
            return True
        return activation in HOMOGENEOUS_ACTIVATIONS

    def nothing(self, operator: Operator) -> bool:
        """An operator that is not known to carry scales."""
        del operator
        return False

    def layer(self, operator: Operator) -> bool:
        """A convolution or dense layer: it takes scales and makes scales."""
        import numpy as np

        weights, bias = ops.weights(operator), ops.bias(operator)
        data = operator.inputs[2 if operator.name == "TRANSPOSE_CONV" else 0]
        if weights is None or data is None or not _is_float_constant(weights):
            return False
        if data.is_constant or (bias is not None and not _is_float_constant(bias)):
            return False
        if not all(self._is_for_layers(each) for each in (weights, bias) if each is not None):
            return False
        given, made = self._nodes(data), self._nodes(operator.outputs[0])
        if operator.name == "DEPTHWISE_CONV_2D":
            inside = np.repeat(given, len(made) // len(given)) if len(given) else given
            fits = weights.shape[-1:] == (len(made),) == (len(inside),)
        else:
            # A dense layer flattens what it reads: channels repeat.
            size = weights.shape[-1] if weights.shape else 0
            inside = np.resize(given, size) if len(given) else given
            flattens = operator.name == "FULLY_CONNECTED" and size % max(len(given), 1) == 0
            fits = weights.shape[:1] == (len(made),) and (size == len(given) or flattens)
        if not fits or (bias is not None and bias.shape != (len(made),)):
            return False
        for other in self.layers:
            # Weights that several layers share are scaled once.
            if other.weights is weights or (bias is not None and other.bias is bias):
                if len(other.makes) != len(made) or len(other.takes) != len(inside):
                    return False
                self._join(other.makes, made)
                self._join(other.takes, inside)
        self.layers.append(Layer(operator, weights, bias, inside, made))
        return True

    def _is_for_layers(self, constant: Tensor) -> bool:
        """Say whether only layers read a constant: others would get the scaled one, too."""
        readers_are = all(
            _HANDLERS.get(each.name) is Channels.layer and constant is not each.inputs[0]
            for each in constant.consumers
        )
        return readers_are and constant not in self._subgraph.outputs

    def same(self, operator: Operator) -> bool:
        """Each channel of the output comes from the same channel of the input."""
        data = operator.inputs[0]
        others = [each for each in operator.inputs[1:] if each is not None]
        if data is None or not all(each.is_constant for each in others):
            return False
        return self._same(data, operator.outputs[0])

    def _same(self, data: Tensor, made: Tensor) -> bool:
        given, nodes = self._nodes(data), self._nodes(made)
        if len(given) != len(nodes):
            return False
        self._join(given, nodes)
        return True

    def reduction(self, operator: Operator) -> bool:
        """Channels stay apart as long as they are not what is reduced."""
        data, axes = operator.inputs[0], operator.inputs[1]
        if data is None or axes is None or not axes.is_constant:
            return False
        rank = len(data.shape)
        if any(axis % rank == rank - 1 for axis in axes.values):
            return False
        return self._same(data, operator.outputs[0])

    def reshape(self, operator: Operator) -> bool:
        """Channels are where they were, or repeat: flattening lays them one after the other."""
        import numpy as np

        data = operator.inputs[0]
        if data is None:
            return False
        given, made = self._nodes(data), self._nodes(operator.outputs[0])
        small, large = sorted((given, made), key=len)
        if not len(small) or len(large) % len(small):
            return False
        self._join(np.resize(small, len(large)), large)
        return True

    def pad(self, operator: Operator) -> bool:
        """Zeros, or mirrored values, around each channel."""
        return not ops.facts.fact(operator, "pads_depth") and self.same(operator)

    def total(self, operator: Operator) -> bool:
        """A sum, or a choice of the larger: all have one scale; a constant is scaled with it."""
        made = operator.outputs[0]
        for tensor in operator.inputs:
            if tensor is None:
                return False
            if not tensor.is_constant:
                if tensor.shape != made.shape or not self._same(tensor, made):
                    return False
            elif not self._shift(tensor, made):
                return False
        return True

    def _shift(self, tensor: Tensor, made: Tensor) -> bool:
        size = made.shape[-1] if made.shape else 1
        shaped = tensor.shape[-1:] == (size,) and all(each == 1 for each in tensor.shape[:-1])
        if not shaped or len(tensor.consumers) != 1 or not _is_float_constant(tensor):
            return False
        self.shifts.append(Shift(tensor, self._nodes(made)))
        return True

    def product(self, operator: Operator) -> bool:
        """A product with a constant."""
        variable = [each for each in operator.inputs if each is not None and not each.is_constant]
        made = operator.outputs[0]
        if len(variable) != 1 or len(operator.inputs) != 2 or variable[0].shape != made.shape:
            return False
        return self._same(variable[0], made)

    def concatenation(self, operator: Operator) -> bool:
        """Along the channels they stand one after the other; along other axes they are the same."""
        made = operator.outputs[0]
        parts = [each for each in operator.inputs if each is not None]
        if any(each.is_constant for each in parts):
            return False
        rank = len(made.shape)
        if operator.options["axis"] % max(rank, 1) != rank - 1:
            return all(self._same(each, made) for each in parts)
        nodes, start = self._nodes(made), 0
        if sum(len(self._nodes(each)) for each in parts) != len(nodes):
            return False
        for each in parts:
            given = self._nodes(each)
            self._join(given, nodes[start : start + len(given)])
            start += len(given)
        return True


def _is_float_constant(tensor: Tensor) -> bool:
    return tensor.is_constant and tensor.dtype == "float32" and not tensor.is_external


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


_HANDLERS = {
    **dict.fromkeys(
        ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"), Channels.layer
    ),
    **dict.fromkeys(_CHANNEL_BY_CHANNEL, Channels.same),
    **dict.fromkeys(_REDUCTIONS, Channels.reduction),
    **dict.fromkeys(_RESHAPES, Channels.reshape),
    **dict.fromkeys(_PADS, Channels.pad),
    **dict.fromkeys(_SUMS, Channels.total),
    "CONCATENATION": Channels.concatenation,
    "MUL": Channels.product,
}

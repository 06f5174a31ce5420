"""Which values share a scale on the device, and where each is quantized."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras

from tfq.passes.parameters import LIMITS
from tfq.passes.scales import Scheme
from tfq.qat.graph import Call, Graph, Value
from tfq.qat.rules import Rule

# The kernels of these do a RELU behind them, too.
_FUSING = ("Add", "Multiply", "Rescaling", "Subtract")
_FUSING_POOLS = ("AveragePool", "AveragePooling2D", "MaxPool", "MaxPooling2D")
_SHARING = ("moves", "averages", "blends")


@dataclass(eq=False)
class Group:
    """Values that share a scale.

    Attributes:
        name: Of the first layer that makes one of them.
        sites: At how many places they are looked at.
        fixed: The operator that prescribes the scale; empty if none does.
    """

    name: str
    sites: int = 0
    fixed: str = ""
    _parent: Group | None = field(default=None, repr=False)

    def root(self) -> Group:
        """Return the group that this one has become part of."""
        group = self
        while group._parent is not None:
            group = group._parent
        return group

    def join(self, other: Group) -> None:
        """Make one of two groups."""
        mine, theirs = self.root(), other.root()
        if mine is not theirs:
            theirs._parent = mine
            mine.fixed = mine.fixed or theirs.fixed


@dataclass(frozen=True)
class Site:
    """One place where a value is quantized.

    Attributes:
        group: Whose quantizer does it.
        is_seen: Whether the range of the value counts.
        averages: Whether it is what average pooling makes.
        after_float: Whether what makes it stays in float.
    """

    group: Group
    is_seen: bool = True
    averages: bool = False
    after_float: bool = False


class Sites:
    """The places of a model where values are quantized.

    Attributes:
        outputs: By value, how it is quantized where it is made.
        inputs: By call and value, how it is quantized once more for that call.
    """

    def __init__(self, graph: Graph, rules: dict[Any, Rule]) -> None:
        """Look at a graph.

        Args:
            graph: The model, its weights quantized, without normalization.
            rules: The rule of each layer.
        """
        self.outputs: dict[Value, Site] = {}
        self.inputs: dict[tuple[int, Value], Site] = {}
        self._graph, self._rules = graph, rules
        self._readers = graph.readers()
        self._makers = {value: call for call in graph.calls for value in call.outputs.values()}
        self._groups: dict[Value, Group] = {}
        for value, name in zip(keras.tree.flatten(graph.inputs), graph.input_names, strict=True):
            if _is_float(value):
                self._own(value, name)
        for place, call in enumerate(graph.calls):
            if _is_float(call.output):
                self._visit(place, call)

    def _own(self, value: Value, name: str, **options: Any) -> None:
        group = self._groups[value] = Group(name, fixed=options.pop("fixed", ""))
        self.outputs[value] = Site(group, **options)

    def _visit(self, place: int, call: Call) -> None:
        known, name = self._rules[call.layer], call.layer.name
        inputs = [each for each in dict.fromkeys(call.values) if each in self._groups]
        is_shared = known.kind in _SHARING or self._is_done_by_pooling(call)
        if known.kind == "floats" or (is_shared and not inputs):
            for number, value in enumerate(call.outputs.values()):
                if _is_float(value):
                    self._own(value, f"{name}_{number}" if number else name, after_float=True)
        elif is_shared:
            self._share(place, call, inputs)
        elif known.kind == "passes":
            if inputs:
                self._groups[call.output] = self._groups[inputs[0]]
        elif known.kind == "fixed":
            self._own(call.output, name, fixed=known.fixed)
        elif not self._is_clipped_later(call):
            self._own(call.output, name)

    def _share(self, place: int, call: Call, inputs: list[Value]) -> None:
        """Give inputs and outputs one scale; with several inputs a prescribed one cannot be it."""
        group = Group(call.layer.name)
        is_several = len(call.values) > 1
        for value in inputs:
            if is_several and self._groups[value].root().fixed:
                self.inputs[place, value] = Site(group)
            else:
                self._groups[value].join(group)
        for value in call.outputs.values():
            if _is_float(value):
                self._groups[value] = group
                kind = self._rules[call.layer].kind
                if kind != "moves":
                    self.outputs[value] = Site(group, is_seen=False, averages=kind == "averages")

    def _is_done_by_pooling(self, call: Call) -> bool:
        """Say whether a RELU is done by the kernel of the pooling before it, with its scale."""
        if self._rules[call.layer].kind != "clips":
            return False
        (value,) = call.values
        before = self._makers.get(value)
        is_pool = before is not None and type(before.layer).__name__ in _FUSING_POOLS
        is_alone = len(self._readers[value]) == 1 and not self._graph.is_output(value)
        return is_pool and is_alone

    def _is_clipped_later(self, call: Call) -> bool:
        """Say whether the kernel of a layer also does the RELU that follows."""
        known = self._rules[call.layer]
        if not known.weights and type(call.layer).__name__ not in _FUSING:
            return False
        value = call.output
        while not self._graph.is_output(value):
            readers = self._readers.get(value, [])
            if len(readers) != 1:
                return False
            kind = self._rules[readers[0].layer].kind
            if kind != "passes":
                return kind == "clips"
            value = readers[0].output
        return False


def prescribed_ends(operator: str, scheme: Scheme) -> tuple[float, float] | None:
    """Return the real numbers of the lowest and the highest integer that an operator prescribes.

    Args:
        operator: Its name, such as `"SOFTMAX"`.
        scheme: How to quantize.

    Returns:
        The ends; None if it prescribes nothing for this type.
    """
    from tfq.ops.table import OPERATIONS

    row = OPERATIONS[operator].fixed.get(scheme.activations)
    if row is None:
        return None
    low, high, _ = LIMITS[scheme.activations]
    return row.scale * (low - row.zero_point), row.scale * (high - row.zero_point)


def _is_float(value: Value) -> bool:
    return value.dtype == "float32"

"""The values that a subgraph computes: activations that only differ in type are one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tfq import ops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Operator, Subgraph, Tensor

# What converters fold into the layer before it.
_SHIFTS = frozenset({"ADD", "DIV", "MUL", "SUB"})


def is_fixed(tensor: Tensor) -> bool:
    """Say whether a tensor has the same value in every run: a constant, or unpacked from one."""
    return ops.stored(tensor).is_constant


class Values:
    """One subgraph, its tensors gathered into values: each is known by its first tensor."""

    def __init__(self, graph: Subgraph) -> None:
        """Gather them."""
        self.graph = graph
        self.value: dict[Tensor, Tensor] = {}
        for tensor in self._activations():
            source = _before_crossing(tensor)
            known = self.value.get(source, source) if source is not None else tensor
            self.value.setdefault(tensor, known)
        self.members: dict[Tensor, list[Tensor]] = {}
        for tensor, value in self.value.items():
            self.members.setdefault(value, []).append(tensor)
        self.operators = [each for each in graph.operators if self._computes(each)]
        self.readers: dict[Tensor, list[Operator]] = {}
        for operator in self.operators:
            for value in dict.fromkeys(self.inputs(operator)):
                self.readers.setdefault(value, []).append(operator)

    def _activations(self) -> Iterator[Tensor]:
        """All in the order in which they are made, so that a source comes before its copies."""
        yield from dict.fromkeys(self.graph.inputs)
        for operator in self.graph.operators:
            yield from (each for each in operator.outputs if not is_fixed(each))

    def _computes(self, operator: Operator) -> bool:
        """Say whether an operator is more than a change of type."""
        made = operator.outputs
        return bool(made) and all(self.value.get(each) is each for each in made)

    def inputs(self, operator: Operator) -> list[Tensor]:
        """The values that an operator reads, in order."""
        present = [each for each in operator.inputs if each is not None]
        return [self.value[each] for each in present if each in self.value]

    def named(self) -> dict[str, Tensor]:
        """The values by names that no other value has."""
        names = [
            (name, value)
            for value, members in self.members.items()
            for name in {each.name for each in members}
        ]
        counts = Counter(name for name, _ in names)
        return {name: value for name, value in names if name and counts[name] == 1}

    def shifts(self, value: Tensor) -> list[Tensor]:
        """The values behind one that only products and sums with constants make, in order."""
        found: list[Tensor] = []
        while True:
            readers = self.readers.get(value, ())
            if len(readers) != 1 or readers[0].name not in _SHIFTS or fused(readers[0]) != "NONE":
                return found
            if len(self.inputs(readers[0])) != 1 or value in self.graph.outputs:
                return found
            value = readers[0].outputs[0]
            found.append(value)

    def reader(self, value: Tensor, name: str) -> Operator | None:
        """The only operator of a name that reads a value and nothing else."""
        found = [
            each
            for each in self.readers.get(value, ())
            if each.name == name and len(self.inputs(each)) == 1
        ]
        return found[0] if len(found) == 1 else None


def fused(operator: Operator) -> str:
    """The name of the activation function inside an operator; NONE without one."""
    name: str = operator.options.get("fused_activation_function") or "NONE"
    return name


def _before_crossing(tensor: Tensor) -> Tensor | None:
    """Return the tensor of which one is a copy in another type or scale."""
    operator = tensor.producer
    source = next(iter(operator.inputs), None) if operator is not None else None
    if operator is None or source is None or is_fixed(source):
        return None
    if operator.name in ("QUANTIZE", "DEQUANTIZE"):
        return source
    if operator.name == "CAST" and {source.dtype, tensor.dtype} <= ops.FLOATS:
        return source
    return _before_widening(operator, source)


def _before_widening(operator: Operator, cast: Tensor) -> Tensor | None:
    """Return the int8 tensor that CAST and ADD brought to int16, as LiteRT's QUANTIZE cannot."""
    if operator.name != "ADD" or cast.dtype != "int16" or fused(operator) != "NONE":
        return None
    caster = cast.producer
    source = next(iter(caster.inputs), None) if caster is not None else None
    if caster is None or source is None or caster.name != "CAST" or source.dtype != "int8":
        return None
    shift = operator.inputs[-1]
    is_shift = shift is not None and shift.is_constant and shift.shape in ((), (1,))
    return source if is_shift else None

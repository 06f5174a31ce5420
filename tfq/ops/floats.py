"""The parts of a model that compute in floating point: where floats enter, and where they leave."""

from __future__ import annotations

from typing import NamedTuple

from tfq.ops.boundaries import boundary
from tfq.ops.constants import stored, unpacks_constant
from tfq.ops.dtypes import FLOATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.model import Model, Operator, Subgraph, Tensor


class Island(NamedTuple):
    """Operators of one subgraph that float activations connect.

    Attributes:
        operators: All of them, in the order in which they run; at least one. The DEQUANTIZE by
            which floats enter and the QUANTIZE by which they leave are among them.
        entries: The float tensors that floats begin with: inputs of the subgraph, and what an
            operator gives that takes no float activation (DEQUANTIZE, CAST, EMBEDDING_LOOKUP).
        exits: The float tensors that floats end with: outputs of the subgraph, and what an
            operator takes that gives no floats (QUANTIZE, CAST, ARG_MAX).
    """

    operators: tuple[Operator, ...]
    entries: tuple[Tensor, ...]
    exits: tuple[Tensor, ...]


def islands(model: Model) -> tuple[Island, ...]:
    """Find the parts of a model that compute in floating point.

    Every operator whose compute is not `integer` is in exactly one island, hybrid and float16 ones
    too, for their activations are floats. There are two exceptions: operators that only unpack
    constants, and the QUANTIZE and DEQUANTIZE at the model's own inputs and outputs (`boundary`)
    where no other operator touches their floats. A model all in floats is one island, or one for
    each of its unconnected parts; a subgraph that is called has islands of its own.

    Args:
        model: Any model.

    Returns:
        The islands by subgraph, then by their first operator.
    """
    edges = boundary(model)
    return tuple(
        [
            island
            for subgraph in model.subgraphs
            for island in _islands(subgraph)
            if not edges.issuperset(island.operators)
        ]
    )


def _islands(subgraph: Subgraph) -> list[Island]:
    groups = _Groups()
    members = []
    for operator in subgraph.operators:
        if operator.compute != "integer" and not unpacks_constant(operator):
            takes, gives = _activations(operator.inputs), _activations(operator.outputs)
            members.append((operator, takes, gives))
            groups.join([-1 - operator.index, *[tensor.index for tensor in (*takes, *gives)]])
    entries, exits = set(subgraph.inputs), set(subgraph.outputs)
    found: dict[int, tuple[list[Operator], dict[Tensor, None]]] = {}
    for operator, takes, gives in members:
        if not takes:
            entries.update(gives)
        if not gives:
            exits.update(takes)
        operators, tensors = found.setdefault(groups.root(-1 - operator.index), ([], {}))
        operators.append(operator)
        tensors.update(dict.fromkeys((*takes, *gives)))
    return [
        Island(
            tuple(operators),
            tuple([tensor for tensor in tensors if tensor in entries]),
            tuple([tensor for tensor in tensors if tensor in exits]),
        )
        for operators, tensors in found.values()
    ]


def _activations(tensors: Iterable[Tensor | None]) -> list[Tensor]:
    """Pick the tensors of floats that come into being while the model runs."""
    present = [tensor for tensor in tensors if tensor is not None and tensor.dtype in FLOATS]
    return [tensor for tensor in present if not stored(tensor).is_constant]


class _Groups:
    """Numbers that belong together (a union-find): operators count down from -1, tensors up."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def root(self, number: int) -> int:
        """Return the number that stands for the whole group."""
        parents = self._parents
        while (parent := parents.setdefault(number, number)) != number:
            # Halving the way keeps later searches short.
            parents[number] = parents[parent]
            number = parent
        return number

    def join(self, numbers: list[int]) -> None:
        """Make one group of the groups of some numbers."""
        for number in numbers[1:]:
            self._parents[self.root(number)] = self.root(numbers[0])

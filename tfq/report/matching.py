"""Which operator and tensor of one model is which of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfq.report.alignment import align

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.model import Operator, Subgraph, Tensor


class Matching(NamedTuple):
    """What two subgraphs have in common.

    Attributes:
        operators: Pairs, in the order in which they run.
        removed_operators: Those of the first subgraph without a partner.
        added_operators: Those of the second without one.
        tensors: Pairs: tensor of the first → tensor of the second.
        removed_tensors: As for operators.
        added_tensors: As for operators.
    """

    operators: list[tuple[Operator, Operator]]
    removed_operators: list[Operator]
    added_operators: list[Operator]
    tensors: dict[Tensor, Tensor]
    removed_tensors: list[Tensor]
    added_tensors: list[Tensor]


def match(first: Subgraph, second: Subgraph) -> Matching:
    """Find what is the same in two subgraphs, though its details may differ.

    1. Operators of the same name are paired in order; among equals the names of outputs decide.
    2. Tensors are paired where they stand in the same place: among the inputs and outputs of the
       subgraphs, then among the outputs, then the other tensors of paired operators.
    3. Of the rest, tensors are paired by name.

    Args:
        first: One subgraph.
        second: The other.

    Returns:
        The pairs, and what is left over on both sides.
    """
    names = [[operator.name for operator in each.operators] for each in (first, second)]
    outputs = [
        [
            (operator.name, *(tensor.name for tensor in operator.outputs))
            for operator in each.operators
        ]
        for each in (first, second)
    ]
    places = align(names[0], names[1], anchors=(outputs[0], outputs[1]))
    operators = [(first.operators[i], second.operators[j]) for i, j in places]
    left, right = {i for i, _ in places}, {j for _, j in places}
    tensors = _tensors(first, second, operators)
    partners = set(tensors.values())
    return Matching(
        operators,
        [operator for operator in first.operators if operator.index not in left],
        [operator for operator in second.operators if operator.index not in right],
        tensors,
        [tensor for tensor in first.tensors if tensor not in tensors],
        [tensor for tensor in second.tensors if tensor not in partners],
    )


def _tensors(
    first: Subgraph, second: Subgraph, operators: Sequence[tuple[Operator, Operator]]
) -> dict[Tensor, Tensor]:
    pairs = _Pairs()
    pairs.by_place(first.inputs, second.inputs)
    for a, b in operators:
        pairs.by_place(a.outputs, b.outputs)
    for a, b in operators:
        pairs.by_place(a.inputs, b.inputs)
        pairs.by_place(a.intermediates, b.intermediates)
    pairs.by_place(first.outputs, second.outputs)
    pairs.by_name(first.tensors, second.tensors)
    return pairs.found


class _Pairs:
    """Pairs of tensors: the first that is found for a tensor counts."""

    def __init__(self) -> None:
        self.found: dict[Tensor, Tensor] = {}
        self.taken: set[Tensor] = set()

    def by_place(self, first: Iterable[Tensor | None], second: Iterable[Tensor | None]) -> None:
        for a, b in zip(first, second, strict=False):
            if a is not None and b is not None and a not in self.found and b not in self.taken:
                self.found[a] = b
                self.taken.add(b)

    def by_name(self, first: Iterable[Tensor], second: Sequence[Tensor]) -> None:
        """Pair those that are left over; where several share a name, or have none, in order."""
        names: dict[str, list[Tensor]] = {}
        for b in reversed(second):
            if b not in self.taken:
                names.setdefault(b.name, []).append(b)
        for a in first:
            if a not in self.found and names.get(a.name):
                self.by_place([a], [names[a.name].pop()])

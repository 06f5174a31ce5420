"""Numbers for the operators and tensors of all subgraphs, one after the other."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tfq.model import Model, Operator, Tensor


class Places(NamedTuple):
    """Where each subgraph's operators and tensors begin; in the first they keep their indices.

    Attributes:
        operators: By subgraph the number of its first operator.
        tensors: By subgraph the number of its first tensor.
    """

    operators: tuple[int, ...]
    tensors: tuple[int, ...]

    @classmethod
    def of(cls, model: Model) -> Places:
        """Number what is in a model."""
        operators = (len(each.operators) for each in model.subgraphs)
        tensors = (len(each.tensors) for each in model.subgraphs)
        return cls(
            tuple(accumulate(operators, initial=0))[:-1], tuple(accumulate(tensors, initial=0))[:-1]
        )

    def operator(self, operator: Operator | None) -> int | None:
        """The number of an operator; None for None."""
        if operator is None:
            return None
        return self.operators[operator.subgraph.index] + operator.index

    def tensor(self, tensor: Tensor | None) -> int | None:
        """The number of a tensor; None for one that is left out."""
        return None if tensor is None else self.tensors[tensor.subgraph.index] + tensor.index

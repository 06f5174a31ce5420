"""Which activations of a float model will share a scale once it computes in integers."""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.passes.integer_kernels import is_float
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import Parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfq.model import Operator, Tensor


class Node(NamedTuple):
    """A tensor as operators of one type see it.

    Attributes:
        tensor: The tensor.
        dtype: The type of its integers.
        reader: The only operator that sees it so; None if all of the type do.
    """

    tensor: Tensor
    dtype: str
    reader: Operator | None = None


class Groups:
    """Nodes that must have one scale, as integer kernels hand them on.

    Attributes:
        nodes: (operator, tensor) → how an operator sees a float that it reads, but for weights and
            biases.
    """

    def __init__(self, types: Mapping[Operator, str]) -> None:
        """Look at operators that will compute in integers.

        Args:
            types: The type of their activations, by operator, in running order.
        """
        self._parent: dict[Node, Node] = {}
        self._fixed: dict[Node, Parameters] = {}
        self.nodes: dict[tuple[Operator, Tensor], Node] = {}
        for operator, dtype in types.items():
            self._visit(operator, dtype)

    def members(self) -> list[list[Node]]:
        """Return the groups, each in the order in which its nodes were met."""
        found: dict[Node, list[Node]] = {}
        for node in self._parent:
            found.setdefault(self._root(node), []).append(node)
        return list(found.values())

    def fixed(self, node: Node) -> Parameters | None:
        """Return the parameters that an operator prescribes for a node's group."""
        return self._fixed.get(self._root(node))

    def _visit(self, operator: Operator, dtype: str) -> None:
        row = ops.operation(operator)
        results = [Node(each, dtype) for each in operator.outputs if is_float(each)]
        for node in results:
            self._root(node)
        if dtype in row.fixed and results:
            scale, point = row.fixed[dtype]
            self._fixed[self._root(results[0])] = Parameters(dtype, (scale,), (point,))
        layer = operator.name in BIASED
        floats = [
            (place in row.shares and dtype not in row.rescales and bool(results), tensor)
            for place, tensor in enumerate(operator.inputs)
            if tensor is not None and is_float(tensor)
            if not layer or place == BIASED[operator.name]
        ]
        several = sum(shares for shares, _ in floats) > 1
        for shares, tensor in floats:
            node = Node(tensor, dtype, operator if tensor.is_constant else None)
            # What has a prescribed scale is rescaled where others must have the same.
            if shares and several and self.fixed(node) is not None:
                node = Node(tensor, dtype, operator)
            self.nodes[operator, tensor] = node
            self._root(node)
            if shares:
                self._join(node, results[0])
        if any(shares for shares, _ in floats):
            for node in results[1:]:
                self._join(node, results[0])

    def _root(self, node: Node) -> Node:
        parent = self._parent.setdefault(node, node)
        while parent is not self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        return parent

    def _join(self, first: Node, second: Node) -> None:
        one, other = self._root(first), self._root(second)
        if one is not other:
            self._parent[other] = one
            if other in self._fixed:
                self._fixed[one] = self._fixed.pop(other)

"""Which activations of a float model will share a scale once it computes in integers."""

from __future__ import annotations

from tfq import ops
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import Parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Subgraph, Tensor


class Groups:
    """Activations that must have one scale, as integer kernels hand them on.

    Attributes:
        crossings: (operator, tensor) → a member of the group that the operator wants the tensor in,
            where the tensor has prescribed parameters of its own.
    """

    def __init__(self, graph: Subgraph, integer: set[Operator], dtype: str) -> None:
        """Look at the operators that will compute in integers of a type, in running order."""
        self._parent: dict[Tensor, Tensor] = {}
        self._fixed: dict[Tensor, Parameters] = {}
        self.crossings: dict[tuple[Operator, Tensor], Tensor] = {}
        for operator in graph.operators:
            if operator in integer:
                self._visit(operator, dtype)

    def members(self) -> list[list[Tensor]]:
        """Return the groups, each in the order in which its members were met."""
        found: dict[Tensor, list[Tensor]] = {}
        for tensor in self._parent:
            found.setdefault(self._root(tensor), []).append(tensor)
        return list(found.values())

    def fixed(self, tensor: Tensor) -> Parameters | None:
        """Return the parameters that an operator prescribes for a tensor's group."""
        return self._fixed.get(self._root(tensor))

    def _visit(self, operator: Operator, dtype: str) -> None:
        row = ops.operation(operator)
        floats = [
            (place, tensor)
            for place, tensor in enumerate(operator.inputs)
            if tensor is not None and is_float(tensor)
        ]
        results = [tensor for tensor in operator.outputs if is_float(tensor)]
        weights = set(ops.all_weights(operator)) if operator.name in BIASED else set()
        for _, tensor in floats:
            if not tensor.is_constant and tensor not in weights:
                self._root(tensor)
        for tensor in results:
            self._root(tensor)
        if dtype in row.fixed and results:
            scale, point = row.fixed[dtype]
            self._fixed[self._root(results[0])] = Parameters(dtype, (scale,), (point,))
        if dtype in row.rescales or not results:
            return
        shared = [tensor for place, tensor in floats if place in row.shares]
        several = len(shared) > 1
        for tensor in shared:
            if several and not tensor.is_constant and self.fixed(tensor) is not None:
                self.crossings[operator, tensor] = results[0]
            else:
                self._join(tensor, results[0])
        if shared:
            for tensor in results[1:]:
                self._join(tensor, results[0])

    def _root(self, tensor: Tensor) -> Tensor:
        parent = self._parent.setdefault(tensor, tensor)
        while parent is not self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        return parent

    def _join(self, first: Tensor, second: Tensor) -> None:
        one, other = self._root(first), self._root(second)
        if one is not other:
            self._parent[other] = one
            if other in self._fixed:
                self._fixed[one] = self._fixed.pop(other)


def is_float(tensor: Tensor) -> bool:
    """Say whether a tensor holds the floats that quantization replaces."""
    return tensor.dtype == "float32"

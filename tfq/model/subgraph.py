"""A subgraph: tensors, and the operators between them in the order in which they run."""

from __future__ import annotations

from tfq.model.lazy import lazy
from tfq.model.operator import Operator
from tfq.model.tensor import Tensor
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format import Table
    from tfq.model.model import Model


class Subgraph(View):
    """One subgraph of a model; the first is what runs, others are branches, loops and signatures.

    Attributes:
        model: Where it belongs.
        index: Its place among the subgraphs of the model.
    """

    model: Model
    index: int

    def __init__(self, table: Table, model: Model, index: int) -> None:
        """View the subgraph `index` of `model`."""
        vars(self).update(table=table, model=model, index=index)

    @lazy
    def name(self) -> str:
        """Its name; empty if it has none."""
        return self.table["name"] or ""

    @lazy
    def tensors(self) -> tuple[Tensor, ...]:
        """All its tensors, by index."""
        tables = self.table["tensors"] or ()
        return tuple([Tensor(table, self, index) for index, table in enumerate(tables)])

    @lazy
    def operators(self) -> tuple[Operator, ...]:
        """Its operators, in the order in which they run."""
        tables = self.table["operators"] or ()
        return tuple([Operator(table, self, index) for index, table in enumerate(tables)])

    @lazy
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that are given to it."""
        return self._tensors("inputs")

    @lazy
    def outputs(self) -> tuple[Tensor, ...]:
        """The tensors that it gives back."""
        return self._tensors("outputs")

    @lazy
    def links(self) -> Links:
        """Which operator writes a tensor and which read it."""
        return Links(self.operators)

    @property
    def place(self) -> str:
        """Where it stands, for messages: file and index."""
        return f"{self.model.name}: subgraph {self.index}"

    def __repr__(self) -> str:
        """Return index, name and the numbers of operators and tensors."""
        name = f" {self.name!r}" if self.name else ""
        counts = f"{len(self.operators)} operators, {len(self.tensors)} tensors"
        return f"<Subgraph {self.index}{name}: {counts}>"

    def _tensors(self, field: str) -> tuple[Tensor, ...]:
        tensors = self.tensors
        return tuple([tensors[index] for index in self.table[field] or () if index >= 0])


class Links:
    """Who writes and who reads each tensor of a subgraph.

    Attributes:
        producers: Tensor index → the operator that writes it, the first if there are several.
        consumers: Tensor index → the operators that read it, each once.
    """

    __slots__ = ("consumers", "producers")

    def __init__(self, operators: tuple[Operator, ...]) -> None:
        """Walk all operators once."""
        self.producers: dict[int, Operator] = {}
        readers: dict[int, list[Operator]] = {}
        for operator in operators:
            for tensor in operator.outputs:
                self.producers.setdefault(tensor.index, operator)
            for index in {tensor.index for tensor in operator.inputs if tensor is not None}:
                readers.setdefault(index, []).append(operator)
        self.consumers = {index: tuple(found) for index, found in readers.items()}

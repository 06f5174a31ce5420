"""A signature: the names by which a caller hands tensors to a subgraph."""

from __future__ import annotations

from tfq.model.lazy import lazy
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format import Table
    from tfq.model.model import Model
    from tfq.model.subgraph import Subgraph
    from tfq.model.tensor import Tensor


class Signature(View):
    """One signature of a model."""

    _model: Model

    def __init__(self, table: Table, model: Model) -> None:
        """View one signature of `model`."""
        vars(self).update(table=table, _model=model)

    @lazy
    def name(self) -> str:
        """Its key, such as `"serving_default"`."""
        return self.table["signature_key"] or ""

    @lazy
    def subgraph(self) -> Subgraph:
        """The subgraph that it calls."""
        index: int = self.table["subgraph_index"]
        return self._model.subgraphs[index]

    @lazy
    def inputs(self) -> dict[str, Tensor]:
        """The tensors that a caller gives, by name."""
        return self._tensors("inputs")

    @lazy
    def outputs(self) -> dict[str, Tensor]:
        """The tensors that a caller gets, by name."""
        return self._tensors("outputs")

    def __repr__(self) -> str:
        """Return its name and those of its inputs and outputs."""
        return f"<Signature {self.name!r}: {', '.join(self.inputs)} → {', '.join(self.outputs)}>"

    def _tensors(self, field: str) -> dict[str, Tensor]:
        tensors = self.subgraph.tensors
        entries = self.table[field] or ()
        return {entry["name"] or "": tensors[entry["tensor_index"]] for entry in entries}

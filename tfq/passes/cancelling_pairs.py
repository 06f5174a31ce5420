"""QUANTIZE and DEQUANTIZE that undo each other."""

from __future__ import annotations

from tfq.passes.changes import Change, Changes, operator_place
from tfq.passes.parameters import parameters, shifted
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Subgraph, Tensor

_BYTES = frozenset({"int8", "uint8"})


def cancelling_pairs(model: Model) -> tuple[Model, Changes]:
    """Remove QUANTIZE and DEQUANTIZE operators that together change no integer.

    1. QUANTIZE to the type, scale and zero point that its input has already.
    2. DEQUANTIZE, then QUANTIZE back to the same type, scale and zero point. The DEQUANTIZE stays
       if others read its floats.
    3. QUANTIZE from int8 to uint8 of the same numbers (or the other way round), then QUANTIZE or
       DEQUANTIZE: the second reads what the first one read.
    4. Chains of these.

    Left alone:

    5. QUANTIZE, then DEQUANTIZE: it rounds, which may be what it is for.
    6. QUANTIZE between different scales: it rounds, too.
    7. A pair that connects an input of the model, or a constant, with an output.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    changed: list[Change] = []
    while True:
        # One step of each chain at a time: what is removed changes who reads what.
        rewrite = Rewrite(model)
        found = [
            change for subgraph in model.subgraphs for change in _Round(rewrite, subgraph).run()
        ]
        if not found:
            return model, Changes("cancelling_pairs", tuple(changed))
        changed += found
        model = rewrite.finish()


class _Round:
    """One look at all operators of a subgraph, whose views stay as they were meanwhile."""

    def __init__(self, rewrite: Rewrite, subgraph: Subgraph) -> None:
        self.rewrite = rewrite
        self.subgraph = subgraph
        # Tensors whose readers or writers are no longer those that their views show.
        self.touched: set[Tensor] = set()

    def run(self) -> list[Change]:
        changes = []
        for operator in self.subgraph.operators:
            if operator.name in ("QUANTIZE", "DEQUANTIZE") and operator.inputs and operator.outputs:
                what = self._shorten(operator)
                if what:
                    changes.append(Change(operator_place(operator), what))
        return changes

    def _shorten(self, operator: Operator) -> str:
        source, given = operator.inputs[0], operator.outputs[0]
        if source is None:
            return ""
        first = source.producer
        before = first.inputs[0] if first is not None and first.inputs else None
        if not self.touched.isdisjoint({source, given, before}):
            return ""
        if operator.name == "QUANTIZE":
            if _alike(source, given):
                return self._merge(operator, source, given, "changes nothing: removed")
            if first is not None and first.name == "DEQUANTIZE" and before is not None:
                if _alike(before, given):
                    place = f"undoes {operator_place(first)}: removed"
                    return self._merge(operator, before, given, place)
                return ""
        if first is not None and first.name == "QUANTIZE" and before is not None:
            return self._skip(operator, source, before)
        return ""

    def _merge(self, operator: Operator, kept: Tensor, gone: Tensor, what: str) -> str:
        """Let readers of one tensor read another that holds the same integers."""
        rewrite, subgraph = self.rewrite, self.subgraph
        index = subgraph.index
        if gone in subgraph.outputs:
            is_ours = kept.producer is not None and not kept.is_variable
            if not is_ours or kept in subgraph.outputs:
                return ""
            # The output keeps its tensor, as callers know it by name.
            rewrite.write_to(index, kept.index, gone.index)
            rewrite.read_from(index, kept.index, gone.index)
        else:
            rewrite.read_from(index, gone.index, kept.index)
        rewrite.remove(index, rewrite.operator(operator))
        source = operator.inputs[0]
        self.touched.update({kept, gone})
        if source is not None and source is not kept:
            self.touched.add(source)
            self._drop_writer(source, operator)
        return what

    def _skip(self, operator: Operator, source: Tensor, before: Tensor) -> str:
        """Read before a shift by 128, if that leaves the shift without readers."""
        old, new = parameters(before), parameters(source)
        if old is None or new is None or not {old.dtype, new.dtype} <= _BYTES:
            return ""
        is_shift = old.dtype != new.dtype and shifted(old, new.dtype) == new
        if not is_shift or source in self.subgraph.outputs or source.consumers != (operator,):
            return ""
        rewrite = self.rewrite
        rewrite.read(rewrite.operator(operator), source.index, before.index)
        self.touched.update({before, source, operator.outputs[0]})
        self._drop_writer(source, operator)
        return "reads what stands before a shift by 128, which is removed"

    def _drop_writer(self, tensor: Tensor, reader: Operator) -> None:
        """Remove the DEQUANTIZE or QUANTIZE of which only an operator read that no longer does."""
        writer = tensor.producer
        is_dead = tensor.consumers == (reader,) and tensor not in self.subgraph.outputs
        if writer is not None and is_dead and writer.name in ("QUANTIZE", "DEQUANTIZE"):
            self.rewrite.remove(self.subgraph.index, self.rewrite.operator(writer))


def _alike(one: Tensor, other: Tensor) -> bool:
    first = parameters(one)
    return first is not None and first[:3] == (parameters(other) or ())[:3]

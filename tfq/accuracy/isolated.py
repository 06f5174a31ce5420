"""Every operator of a model on its own: fed with given values, not with what others computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.counterparts import is_fixed
from tfq.format import Draft
from tfq.model import Model

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np

    from tfq.model import Operator, Subgraph, Tensor

    Array = np.ndarray[Any, Any]

# What stands for something that lasts beyond a run, or has no numbers that could be set.
_STATES = frozenset({"resource", "variant", "string"})


class Exploded(NamedTuple):
    """A model whose operators are not connected.

    Attributes:
        model: It; its tensors have the indices that they had.
        inputs: By name, the activation that each of its inputs stands for.
        operators: Those of the original that it has.
    """

    model: Model
    inputs: dict[str, Tensor]
    operators: tuple[Operator, ...]


def explode(model: Model, known: Collection[Tensor]) -> Exploded | None:
    """Take a model's operators apart, so that one run computes each from values that are set.

    1. An activation that operators read becomes an input of the model, with its type and
       quantization.
    2. Operators that unpack constants, or compute from constants alone, stay connected.

    Left out are

    3. operators that read activations that are not known;
    4. custom operators and those with a state or with subgraphs: variables, hash tables, LSTMs,
       loops.

    Args:
        model: Any model; its first subgraph is taken apart.
        known: The activations for which there are values, in the shape that the file states.

    Returns:
        The model; None if there is no operator left.
    """
    graph = model.subgraphs[0]
    fixed = _fixed(graph)
    kept = [each for each in graph.operators if _is_pure(each) and _can_run(each, fixed, known)]
    alone = tuple([each for each in kept if not all(made in fixed for made in each.outputs)])
    if not alone:
        return None
    draft = model.draft()
    table = draft["subgraphs"][graph.index]
    drafts = list(table["operators"])
    read = dict.fromkeys(each for operator in kept for each in _given(operator, fixed))
    places = {tensor: _add_input(table["tensors"], tensor) for tensor in read}
    moved = {tensor.index: place for tensor, place in places.items()}
    for operator in kept:
        inputs = drafts[operator.index]["inputs"] or ()
        drafts[operator.index]["inputs"] = [moved.get(each, each) for each in inputs]
    table["operators"] = [drafts[each.index] for each in kept]
    table["inputs"] = list(places.values())
    # One is enough, as all tensors are kept; the smallest is the cheapest.
    table["outputs"] = [min(alone, key=_size).outputs[0].index]
    draft["signature_defs"] = None
    names = {_name(tensor): tensor for tensor in places}
    return Exploded(Model.from_draft(draft), names, alone)


def _fixed(graph: Subgraph) -> set[Tensor]:
    """Return the tensors that hold the same in every run."""
    found = {tensor for tensor in graph.tensors if is_fixed(tensor)}
    for operator in graph.operators:
        inputs = [each for each in operator.inputs if each is not None]
        if inputs and all(each in found for each in inputs):
            found.update(operator.outputs)
    return found


def _is_pure(operator: Operator) -> bool:
    """Say whether an operator computes its outputs from its inputs and nothing else."""
    touched = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
    return not (
        operator.is_custom
        or not operator.outputs
        or ops.called_subgraphs(operator)
        or any(each.is_variable or each.dtype in _STATES for each in touched)
    )


def _can_run(operator: Operator, fixed: set[Tensor], known: Collection[Tensor]) -> bool:
    given = _given(operator, fixed)
    if not given:
        return all(each in fixed for each in operator.outputs)
    return all(each in known for each in given)


def _given(operator: Operator, fixed: set[Tensor]) -> list[Tensor]:
    return [each for each in operator.inputs if each is not None and each not in fixed]


def _add_input(tensors: list[Draft], tensor: Tensor) -> int:
    like = tensors[tensor.index]
    fields = {field: like[field] for field in ("shape", "type", "quantization") if field in like}
    tensors.append(Draft("Tensor", name=_name(tensor), **fields))
    return len(tensors) - 1


def _name(tensor: Tensor) -> str:
    return f"given_{tensor.index}"


def _size(operator: Operator) -> int:
    size = 1
    for each in operator.outputs[0].shape:
        size *= max(each, 1)
    return size

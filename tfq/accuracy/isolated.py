"""Every operator of a model on its own: fed with given values, not with what others computed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.values import is_fixed
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
    3. So do those that read activations that are not known, such as the parts of what another
       model does in one operator: they are alone together.

    Left out are

    4. custom operators and those with a state or with subgraphs: variables, hash tables, LSTMs,
       loops; and what reads activations that only they make.

    Args:
        model: Any model; its first subgraph is taken apart.
        known: The activations for which there are values, in a shape that fits the file's.

    Returns:
        The model; None if there is no operator left.
    """
    graph = model.subgraphs[0]
    fixed = _fixed(graph)
    kept = _runnable(graph, fixed, known)
    alone = tuple([each for each in kept if not all(made in fixed for made in each.outputs)])
    if not alone:
        return None
    draft = model.draft()
    table = draft["subgraphs"][graph.index]
    drafts = list(table["operators"])
    read = dict.fromkeys(
        each for operator in kept for each in _given(operator, fixed) if each in known
    )
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


def is_pure(operator: Operator) -> bool:
    """Say whether an operator computes its outputs from its inputs and nothing else."""
    touched = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
    return not (
        operator.is_custom
        or not operator.outputs
        or ops.called_subgraphs(operator)
        or any(each.is_variable or each.dtype in _STATES for each in touched)
    )


def _runnable(graph: Subgraph, fixed: set[Tensor], known: Collection[Tensor]) -> list[Operator]:
    """Return the operators that read what is known, or what such operators make."""
    kept = []
    there = {*fixed, *known}
    for operator in graph.operators:
        given = _given(operator, fixed)
        has_inputs = given or all(each in fixed for each in operator.outputs)
        if has_inputs and is_pure(operator) and all(each in there for each in given):
            kept.append(operator)
            there.update(operator.outputs)
    return kept


def _given(operator: Operator, fixed: set[Tensor]) -> list[Tensor]:
    return [each for each in operator.inputs if each is not None and each not in fixed]


def _add_input(tensors: list[Draft], tensor: Tensor) -> int:
    like = tensors[tensor.index]
    kept = ("shape", "shape_signature", "type", "quantization")
    fields = {field: like[field] for field in kept if field in like}
    tensors.append(Draft("Tensor", name=_name(tensor), **fields))
    return len(tensors) - 1


def _name(tensor: Tensor) -> str:
    return f"given_{tensor.index}"


def _size(operator: Operator) -> int:
    return math.prod(max(each, 1) for each in operator.outputs[0].shape)

"""Finds the operators or tensors of a model that a user names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfq.errors import ArgumentError
from tfq.profiles.nearest import did_you_mean
from tfq.report.inspection import all_operators
from tfq.report.table import fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.model import Model, Operator, Subgraph, Tensor

_PLACE = re.compile(r"(?:(op|tensor):)?(?:([0-9]{1,9}):)?([0-9]{1,9})")
# Similarity to a word is searched among so many names of at most that length.
_MOST_NAMES = 2000
_LONGEST_NAME = 200
_LISTED = 5


def select(model: Model, wanted: str) -> tuple[Operator, ...] | tuple[Tensor, ...]:
    """Find what a user names.

    Args:
        model: Where to look.
        wanted: The index of an operator, `12` or `op:12`; of a tensor, `tensor:12`; in another
            subgraph than the first, `1:12`, `op:1:12` or `tensor:1:12`; or a name: of a tensor, of
            an input or output as callers call it, or of an operator, `CONV_2D`.

    Returns:
        What has that index or name: at least one, several only where they share the name.

    Raises:
        ArgumentError: If there is no such thing; the message says what there is.
    """
    if found := _named_tensors(model, wanted):
        return found
    if place := _PLACE.fullmatch(wanted):
        kind, subgraph, index = place.groups()
        return _at(_subgraph(model, int(subgraph or 0), wanted), kind or "op", int(index), wanted)
    if operators := tuple([op for op in all_operators(model) if op.name == wanted]):
        return operators
    raise ArgumentError(
        f"{model.name}: no operator or tensor is named {fitted(wanted)!r}, expected a name,"
        f" {_ranges(model.subgraphs[0])}{_nearest(model, wanted)}"
    )


def _named_tensors(model: Model, name: str) -> tuple[Tensor, ...]:
    if not name or name.isdigit():
        return ()
    found = [
        tensor for subgraph in model.subgraphs for tensor in subgraph.tensors if tensor.name == name
    ]
    for signature in model.signatures:
        found += [ends[name] for ends in (signature.inputs, signature.outputs) if name in ends]
    return tuple(dict.fromkeys(found))


def _subgraph(model: Model, index: int, wanted: str) -> Subgraph:
    if index < len(model.subgraphs):
        return model.subgraphs[index]
    number = _number(model.subgraphs, "subgraph")
    raise ArgumentError(f"{model.name}: has {number}, got {wanted!r}")


def _at(subgraph: Subgraph, kind: str, index: int, wanted: str) -> tuple[Operator] | tuple[Tensor]:
    if kind == "op" and index < len(subgraph.operators):
        return (subgraph.operators[index],)
    if kind == "tensor" and index < len(subgraph.tensors):
        return (subgraph.tensors[index],)
    raise ArgumentError(f"{subgraph.place}: expected {_ranges(subgraph)}, got {wanted!r}")


def _ranges(subgraph: Subgraph) -> str:
    """The indices that a subgraph has: `op:0 to op:30, tensor:0 to tensor:88`."""
    prefix = f"{subgraph.index}:" if subgraph.index else ""
    counts = {"op": len(subgraph.operators), "tensor": len(subgraph.tensors)}
    return ", ".join(
        f"{kind}:{prefix}0 to {kind}:{prefix}{count - 1}" if count else f"no {kind}"
        for kind, count in counts.items()
    )


def _nearest(model: Model, wanted: str) -> str:
    if len(wanted) > _LONGEST_NAME:
        return ""
    names = {operator.name for operator in all_operators(model)}
    for signature in model.signatures:
        names.update(signature.inputs, signature.outputs)
    for subgraph in model.subgraphs:
        names.update(tensor.name for tensor in subgraph.tensors)
    short = sorted(name for name in names if name and len(name) <= _LONGEST_NAME)
    return did_you_mean(wanted, short[:_MOST_NAMES])


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def only(found: Sequence[Operator] | Sequence[Tensor], wanted: str) -> Operator | Tensor:
    """Return the one thing that was found.

    Args:
        found: What `select` returned for `wanted`.
        wanted: As in `select`.

    Raises:
        ArgumentError: If several have the name; the message says by which index each is found.
    """
    if len(found) == 1:
        return found[0]
    kind = "op" if hasattr(found[0], "compute") else "tensor"
    places = [f"{kind}:{each.subgraph.index}:{each.index}" for each in found[:_LISTED]]
    more = ", …" if len(found) > _LISTED else ""
    raise ArgumentError(
        f"{found[0].subgraph.model.name}: {len(found)} are named {fitted(wanted)!r}: expected one,"
        f" such as {', '.join(places)}{more}"
    )

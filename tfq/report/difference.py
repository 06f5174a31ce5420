"""What differs between two models, as plain data; `schemas/inspect_diff.schema.json` says how."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tfq.errors import Error, InvalidModelError
from tfq.format import Table, external_buffer
from tfq.report.inspection import index_of, min_runtime_version, stored_bytes, summary
from tfq.report.json_text import plain
from tfq.report.kinds import kinds
from tfq.report.matching import match
from tfq.report.sameness import equal, sameness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfq.model import Model, Operator, Signature, Subgraph, Tensor

    Changes = dict[str, list[Any]]
    Partners = Mapping[Tensor, Tensor]

# Numbers of the summary that stand side by side.
NUMBERS = ("operators", "tensors", "integer_share", "macs", "parameters", "weight_bytes")
# Only buffers that overlap add up to more bytes than this many files.
_MOST_FILES = 4


def difference(first: Model, second: Model) -> dict[str, Any]:
    """Compare two models: structure, types, quantization, constants, what surrounds them.

    Args:
        first: One model.
        second: The other.

    Returns:
        Only objects, lists, strings, booleans, finite numbers and None. Whatever has two sides is a
        list of two, None on a side that has no such thing.

    Raises:
        InvalidModelError: If the buffers of a file overlap, so that comparing them might not end.
    """
    sums = summary(first), summary(second)
    compare = _Data(first, second)
    pairs = zip(first.subgraphs, second.subgraphs, strict=False)
    subgraphs = [_subgraph(a, b, compare) for a, b in pairs]
    content = {
        "version": _sides(first.version, second.version),
        "description": _sides(first.description, second.description),
        "min_runtime_version": _sides(min_runtime_version(first), min_runtime_version(second)),
        "metadata": _metadata(first, second),
        "signatures": _signatures(first, second),
        "removed_subgraphs": [each.index for each in first.subgraphs[len(second.subgraphs) :]],
        "added_subgraphs": [each.index for each in second.subgraphs[len(first.subgraphs) :]],
    }
    differs = any([*content.values(), *map(_subgraph_differs, subgraphs)])
    files = "differ" if differs else sameness(first, second)
    return {
        "models": [first.name, second.name],
        "identical": files in ("same", "same_content"),
        "files": files,
        "summary": {
            "size": [first.size, second.size],
            **{name: [sums[0][name], sums[1][name]] for name in NUMBERS},
            "peak_activations": [each["peak_activations"]["bytes"] for each in sums],
        },
        "histogram": _histogram(sums[0]["histogram"], sums[1]["histogram"]),
        **content,
        "subgraphs": subgraphs,
    }


def _subgraph_differs(content: dict[str, Any]) -> bool:
    lists = [
        content[items][name]
        for items in ("operators", "tensors")
        for name in ("changed", "removed", "added")
    ]
    return any([*lists, content["name"], content["inputs"], content["outputs"]])


def _sides(first: Any, second: Any) -> list[Any] | None:
    return None if first == second else [first, second]


def _metadata(first: Model, second: Model) -> list[dict[str, Any]]:
    a, b = first.metadata, second.metadata
    changed = []
    # Entries may share their data, which are then compared once.
    same: dict[object, bool] = {}
    for name in dict.fromkeys((*a, *b)):
        sizes = [each.size(name) if name in each else None for each in (a, b)]
        if sizes[0] == sizes[1]:
            spans = a.span(name), b.span(name)
            if spans not in same:
                same[spans] = a[name] == b[name]
            if same[spans]:
                continue
        changed.append({"name": name, "sizes": sizes})
    return changed


def _signatures(first: Model, second: Model) -> list[dict[str, Any]]:
    a, b = ({each.name: each for each in model.signatures} for model in (first, second))
    changed = []
    for name in dict.fromkeys((*a, *b)):
        sides = [_signature(a.get(name)), _signature(b.get(name))]
        if sides[0] != sides[1]:
            changed.append({"name": name, "sides": sides})
    return changed


def _signature(signature: Signature | None) -> dict[str, Any] | None:
    """The names of a signature, with the places of their tensors among inputs and outputs."""
    if signature is None:
        return None
    subgraph = signature.subgraph
    sides = (signature.inputs, subgraph.inputs), (signature.outputs, subgraph.outputs)
    inputs, outputs = (_places(names, tensors) for names, tensors in sides)
    return {"subgraph": subgraph.index, "inputs": inputs, "outputs": outputs}


def _places(names: Mapping[str, Tensor], tensors: Sequence[Tensor]) -> dict[str, int | None]:
    places = {tensor: place for place, tensor in enumerate(tensors)}
    return {name: places.get(tensor) for name, tensor in sorted(names.items())}


def _histogram(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], list[int]] = {}
    for side, rows in enumerate((first, second)):
        for row in rows:
            counts.setdefault((row["name"], row["compute"]), [0, 0])[side] = row["count"]
    return [
        {"name": name, "compute": compute, "counts": both}
        for (name, compute), both in sorted(counts.items())
        if both[0] != both[1]
    ]


def _subgraph(first: Subgraph, second: Subgraph, compare: _Data) -> dict[str, Any]:
    matching = match(first, second)
    partners, kind = matching.tensors, kinds(first)
    operators = [
        {"indices": [a.index, b.index], "name": a.name, "changes": changes}
        for a, b in matching.operators
        if (changes := _operator(a, b, partners))
    ]
    tensors = [
        {
            "indices": [a.index, b.index],
            "name": a.name,
            "kind": kind[a.index],
            "changes": changes,
        }
        for a, b in sorted(partners.items(), key=lambda pair: pair[0].index)
        if (changes := _tensor(a, b, compare))
    ]
    return {
        "name": _sides(first.name, second.name),
        "inputs": _wiring(first.inputs, second.inputs, partners),
        "outputs": _wiring(first.outputs, second.outputs, partners),
        "operators": {
            "same": len(matching.operators) - len(operators),
            "changed": operators,
            "removed": [_named(operator) for operator in matching.removed_operators],
            "added": [_named(operator) for operator in matching.added_operators],
        },
        "tensors": {
            "same": len(partners) - len(tensors),
            "changed": tensors,
            "removed": [_named(tensor) for tensor in matching.removed_tensors],
            "added": [_named(tensor) for tensor in matching.added_tensors],
        },
    }


def _named(item: Operator | Tensor) -> dict[str, Any]:
    return {"index": item.index, "name": item.name}


def _operator(a: Operator, b: Operator, partners: Partners) -> Changes:
    changes: Changes = {}
    for name in ("version", "compute", "is_custom"):
        if getattr(a, name) != getattr(b, name):
            changes[name.removeprefix("is_")] = [getattr(a, name), getattr(b, name)]
    options = plain(a.options), plain(b.options)
    for name in dict.fromkeys((*options[0], *options[1])):
        sides = [options[0].get(name), options[1].get(name)]
        if sides[0] != sides[1]:
            changes[f"options.{name}"] = sides
    if a.is_custom and not any(options) and a.custom_data != b.custom_data:
        changes["custom_options"] = [plain(a.custom_options), plain(b.custom_options)]
    for name in ("inputs", "outputs", "intermediates"):
        if wiring := _wiring(getattr(a, name), getattr(b, name), partners):
            changes[name] = wiring
    return changes


def _wiring(
    first: Sequence[Tensor | None], second: Sequence[Tensor | None], partners: Partners
) -> list[list[int | None]] | None:
    """The indices of both lists of tensors, if they are not each other's partners."""
    expected = [partners.get(tensor) if tensor is not None else None for tensor in first]
    left_out = [tensor is None for tensor in first] != [tensor is None for tensor in second]
    if expected == list(second) and not left_out:
        return None
    return [[index_of(tensor) for tensor in side] for side in (first, second)]


def _tensor(a: Tensor, b: Tensor, compare: _Data) -> Changes:
    changes: Changes = {}
    for key, name in (
        ("name", "name"),
        ("dtype", "dtype"),
        ("shape", "shape"),
        ("shape_signature", "shape_signature"),
        ("has_rank", "has_rank"),
        ("is_constant", "constant"),
        ("is_variable", "variable"),
        ("is_sparse", "sparse"),
    ):
        left, right = getattr(a, key), getattr(b, key)
        if left != right:
            changes[name] = [plain(left), plain(right)]
    changes |= _quantization(a, b)
    if a.is_sparse and b.is_sparse:
        sides = [plain(_fields(each.sparsity)) for each in (a, b)]
        if sides[0] != sides[1]:
            changes["sparsity"] = sides
    comparable = not changes.keys() & {"dtype", "shape", "constant", "sparse"}
    if comparable and a.is_constant and not compare.same(a, b):
        changes["data"] = [stored_bytes(a), stored_bytes(b)]
    return changes


def _quantization(a: Tensor, b: Tensor) -> Changes:
    """What differs, from the coarse to the fine: the fine follows from the coarse."""
    left, right = _parameters(a), _parameters(b)
    if left["granularity"] != right["granularity"]:
        return {"granularity": [left["granularity"], right["granularity"]]}
    changes: Changes = {}
    for name in left:
        if left[name] != right[name]:
            # As JSON, in which a number that is none equals itself.
            sides = [plain(left[name]), plain(right[name])]
            if sides[0] != sides[1]:
                changes[name] = sides
    return changes


def _parameters(tensor: Tensor) -> dict[str, Any]:
    """The quantization of a tensor; seen ranges and an axis may be there without any scales."""
    known, table = tensor.quantization, tensor.table["quantization"]
    axis = (table["quantized_dimension"],) if table is not None else (0,)
    return {
        "granularity": known.granularity if known else None,
        "scales": known.scales if known else (),
        "zero_points": known.zero_points if known else (),
        "quantized_dimensions": known.quantized_dimensions if known else axis,
        "block_size": known.block_size if known else 0,
        "min": (table["min"] if table is not None else None) or (),
        "max": (table["max"] if table is not None else None) or (),
    }


def _fields(value: Any) -> Any:
    """A table as dicts, lists and numbers, with the defaults of what it leaves out."""
    if isinstance(value, tuple):
        return [_fields(each) for each in value]
    if isinstance(value, Table):
        return {name: _fields(value[name]) for name in value}
    return value


class _Data:
    """Compares the data of constants; the state is what was compared, and what may yet be."""

    def __init__(self, first: Model, second: Model) -> None:
        self.known: dict[tuple[object, object], bool] = {}
        self.left = _MOST_FILES * (first.size + second.size)
        self.name = first.name

    def same(self, a: Tensor, b: Tensor) -> bool:
        """Whether two constants hold the same bytes."""
        external = a.is_external or b.is_external
        key = (_place(a), _place(b)) if external else (a.buffer_index, b.buffer_index)
        if key not in self.known:
            self.known[key] = _same_outside(a, b) if external else self._same_inside(a, b)
        return self.known[key]

    def _same_inside(self, a: Tensor, b: Tensor) -> bool:
        if a.nbytes == b.nbytes:
            self.left -= a.nbytes
        if self.left < 0:
            raise InvalidModelError(f"{self.name}: its buffers overlap, and cannot be compared")
        return equal(a.data, b.data, a.table.source, b.table.source)


def _same_outside(a: Tensor, b: Tensor) -> bool:
    """The same, where at least one has its data in another file, which may be missing."""
    where = _place(a), _place(b)
    if where[0] == where[1]:
        return True
    data = _read(a), _read(b)
    if data[0] is None and data[1] is None:
        # Nobody can say more than that they refer to the same.
        return where[0][1:] == where[1][1:]
    return data[0] is not None and data[1] is not None and equal(data[0], data[1])


def _place(tensor: Tensor) -> tuple[object, ...]:
    """Where the data of a constant stand: the directory, and what the model says of the rest."""
    source, model = tensor.table.source, tensor.subgraph.model.table
    if not tensor.is_external:
        return (source, tensor.buffer_index)
    identity = tensor.table["external_buffer"]
    folder = os.path.realpath(source.folder) if source.folder is not None else None
    try:
        buffer = external_buffer(model, identity)
    except Error:
        return (folder, identity)
    groups = model["external_buffer_groups"] or ()
    name = groups[buffer["group"]]["name"] if buffer["group"] < len(groups) else None
    return (folder, name, buffer["offset"], buffer["length"], buffer["packing"])


def _read(tensor: Tensor) -> memoryview | None:
    try:
        return tensor.data
    except Error:
        return None

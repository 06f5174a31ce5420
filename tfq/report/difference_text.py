"""What differs between two models, for people: what changed in kind first, one by one on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.report.cells import INDENT, MOST_LISTED, listed, more_text, quantization_text, size_text
from tfq.report.difference import difference
from tfq.report.table import fitted, table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tfq.model import Model, Subgraph, Tensor

SIDES = ("A", "B")
UNLISTED = (
    "no difference in what tfq compares, but the files hold different things"
    " (as unused buffers, debugging data or appended files would be)"
)

NUMBERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "size": ("size", size_text),
    "operators": ("ops", str),
    "integer_share": ("integers", lambda share: f"{int(100 * share)} %"),
    "tensors": ("tensors", str),
    "macs": ("MACs", "{:,}".format),
    "parameters": ("parameters", "{:,}".format),
    "weight_bytes": ("weights", size_text),
    "peak_activations": ("activations", size_text),
}


def difference_text(
    first: Model, second: Model, *, list_operators: bool = False, list_tensors: bool = False
) -> str:
    """Compare two models.

    Args:
        first: One model, A.
        second: The other, B.
        list_operators: Whether every operator that differs gets a line.
        list_tensors: Whether every tensor that differs gets a line.

    Returns:
        Numbers side by side, what was added, removed and changed, grouped by what it is; without a
        line break at the end. One line if the models are the same, or if no difference was found in
        them and yet their files hold different things.
    """
    data = difference(first, second)
    if data["identical"]:
        what = "" if data["files"] == "same" else " but for how the bytes are laid out"
        return printable(f"identical{what}: {first.name}, {second.name}")
    if data["files"] == "differ_unlisted":
        return printable(f"{UNLISTED}: {first.name}, {second.name}")
    lines = [
        *_numbers(data),
        *_histogram(data),
        *_around(data),
        *_ends(first, second),
    ]
    pairs = zip(first.subgraphs, second.subgraphs, data["subgraphs"], strict=False)
    for a, b, content in pairs:
        lines += _operators(a, content["operators"], list_operators)
        lines += _tensors(a, b, content["tensors"], list_tensors)
    return "\n".join(lines)


def _numbers(data: dict[str, Any]) -> Iterator[str]:
    yield from (
        f"{side}  {printable(name)}" for side, name in zip(SIDES, data["models"], strict=True)
    )
    rows = []
    for key, (name, text) in NUMBERS.items():
        a, b = data["summary"][key]
        # How many times the second is the first; a share has no such number.
        ratio = f"{b / a:.2f}x" if a != b and a and key != "integer_share" else ""
        rows.append([name, text(a), text(b), ratio])
    yield table(["", *SIDES, ""], rows, align="<>>>", indent=INDENT)


def _histogram(data: dict[str, Any]) -> Iterator[str]:
    rows = [[row["name"], row["compute"], *row["counts"]] for row in data["histogram"]]
    if rows:
        yield "\nops by kind that differ in number"
        yield table(["op", "compute", *SIDES], rows, align="<<>>", indent=INDENT)


def _around(data: dict[str, Any]) -> Iterator[str]:
    """What surrounds the graph: description, metadata, signatures, subgraphs."""
    rows: list[list[object]] = [
        [name.replace("_", " "), *(side or "none" for side in data[name])]
        for name in ("version", "description", "min_runtime_version")
        if data[name]
    ]
    for entry in data["metadata"]:
        if entry["name"] == "min_runtime_version" and data["min_runtime_version"]:
            continue
        sizes = [size_text(size) if size is not None else "none" for size in entry["sizes"]]
        rows.append([f"metadata {entry['name']}", *sizes])
    for signature in data["signatures"]:
        sides = [_signature(side) for side in signature["sides"]]
        rows.append([f"signature {signature['name']}", *sides])
    for side, key in enumerate(("removed_subgraphs", "added_subgraphs")):
        there = ["there", "none"] if side == 0 else ["none", "there"]
        rows += [[f"subgraph {index}", *there] for index in data[key]]
    if rows:
        yield "\naround the graph"
        yield table(["", *SIDES], _first(rows), indent=INDENT)


def _signature(side: dict[str, Any] | None) -> str:
    return f"{', '.join(side['inputs'])} → {', '.join(side['outputs'])}" if side else "none"


def _ends(first: Model, second: Model) -> Iterator[str]:
    """The inputs and outputs of the first subgraphs that differ in what a caller sees."""
    rows: list[list[object]] = []
    for what in ("inputs", "outputs"):
        a, b = (list(getattr(model, what)) for model in (first, second))
        for place in range(max(len(a), len(b))):
            sides = [_end(tensors[place]) if place < len(tensors) else "none" for tensors in (a, b)]
            if sides[0] != sides[1]:
                rows.append([f"{what[:-1]} {place}", *sides])
    if rows:
        yield "\ninputs and outputs"
        yield table(["", *SIDES], _first(rows), indent=INDENT, widest=80)


def _end(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tensor.shape_text} {quantization_text(tensor)}".rstrip()


def _operators(subgraph: Subgraph, data: dict[str, Any], one_by_one: bool) -> Iterator[str]:
    if not any((data["changed"], data["removed"], data["added"])):
        return
    yield _counts("ops", subgraph, data)
    for side, name in zip(SIDES, ("removed", "added"), strict=True):
        yield from _only(side, data[name], one_by_one=one_by_one)
    if one_by_one:
        rows: list[list[object]] = [
            [*row["indices"], row["name"], _changes(row["changes"])] for row in data["changed"]
        ]
        header, align = [*SIDES, "op", "what differs"], ">>"
    else:
        groups: dict[tuple[str, str], int] = {}
        for row in data["changed"]:
            key = (row["name"], _changes(row["changes"]))
            groups[key] = groups.get(key, 0) + 1
        rows = _first([[count, *key] for key, count in _most(groups)])
        header, align = ["count", "op", "what differs"], ">"
    if rows:
        yield table(header, rows, align=align, indent=INDENT, widest=100)


def _tensors(
    first: Subgraph, second: Subgraph, data: dict[str, Any], one_by_one: bool
) -> Iterator[str]:
    if not any((data["changed"], data["removed"], data["added"])):
        return
    yield _counts("tensors", first, data)
    if one_by_one:
        for side, name in zip(SIDES, ("removed", "added"), strict=True):
            yield from _only(side, data[name], one_by_one=True)
    pairs = [
        (row, first.tensors[row["indices"][0]], second.tensors[row["indices"][1]])
        for row in data["changed"]
    ]
    if one_by_one:
        rows: list[list[object]] = [
            [*row["indices"], row["name"], row["kind"], _end(a), _end(b), _aspects(row["changes"])]
            for row, a, b in pairs
        ]
        header, align = ["A", "B", "name", "kind", *SIDES, "what differs"], ">>"
    else:
        groups: dict[tuple[str, ...], int] = {}
        for row, a, b in pairs:
            key = (row["kind"], _short(a), _short(b), _aspects(row["changes"]))
            groups[key] = groups.get(key, 0) + 1
        rows = _first([[count, *key] for key, count in _most(groups)])
        header, align = ["count", "kind", *SIDES, "what differs"], ">"
    if rows:
        yield table(header, rows, align=align, indent=INDENT)


def _counts(what: str, subgraph: Subgraph, data: dict[str, Any]) -> str:
    where = f" of subgraph {subgraph.index}" if len(subgraph.model.subgraphs) > 1 else ""
    counts = [
        f"{data['same']} the same",
        f"{len(data['changed'])} differ",
        f"{len(data['removed'])} only in A",
        f"{len(data['added'])} only in B",
    ]
    return f"\n{what}{where}: {', '.join(counts)}"


def _only(side: str, items: Sequence[dict[str, Any]], *, one_by_one: bool) -> Iterator[str]:
    """What stands on one side only: by index and name, or counted by name."""
    if not items:
        return
    if one_by_one:
        words = [f"{item['index']} {item['name']}" for item in items]
    else:
        counts: dict[str, int] = {}
        for item in items:
            counts[item["name"]] = counts.get(item["name"], 0) + 1
        words = [f"{count} {name}" for name, count in _most(counts)]
    most = len(words) if one_by_one else MOST_LISTED
    yield f"{INDENT}only in {side}: {listed(words, most)}"


def _changes(changes: dict[str, list[Any]]) -> str:
    """What differs in an operator, with both values: `version 1 → 3, inputs`."""
    words = []
    for name, (a, b) in changes.items():
        long = isinstance(a, list | dict) or isinstance(b, list | dict)
        words.append(name if long else f"{name} {fitted(a)} → {fitted(b)}")
    return ", ".join(words).replace("options.", "")


def _aspects(changes: dict[str, list[Any]]) -> str:
    """What differs in a tensor, without the values."""
    return ", ".join(name.replace("_", " ").replace("dtype", "type") for name in changes)


def _short(tensor: Tensor) -> str:
    granularity = tensor.quantization.granularity if tensor.quantization else ""
    return f"{tensor.dtype} {granularity}".rstrip()


def _most(groups: dict[Any, int]) -> list[tuple[Any, int]]:
    return sorted(groups.items(), key=lambda item: (-item[1], item[0]))


def _first(rows: list[list[object]]) -> list[list[object]]:
    """The first rows; of more, a last one that says how many."""
    if not (more := more_text(len(rows))):
        return rows
    return [*rows[:MOST_LISTED], ["…", more, *[""] * (len(rows[0]) - 2)]]

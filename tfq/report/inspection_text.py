"""What is in a model, for people: a summary, and tables of its operators and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.model.record import record_of
from tfq.report.cells import (
    INDENT,
    MOST_LISTED,
    count_text,
    fact,
    integers_text,
    listed,
    more_text,
    operator_text,
    quantization_text,
    size_text,
    weights_text,
)
from tfq.report.inspection import all_operators, min_runtime_version, stored_bytes, summary
from tfq.report.kinds import kinds
from tfq.report.table import WIDEST, fitted, table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Signature, Subgraph, Tensor


def inspection_text(
    model: Model, *, list_operators: bool = False, list_tensors: bool = False
) -> str:
    """Describe a model in tables.

    Args:
        model: Any model.
        list_operators: Whether every operator gets a line.
        list_tensors: Whether every tensor gets a line.

    Returns:
        A header, the inputs and outputs, the operators by kind, how tensors are quantized, where
        floats come in between, and what was asked for; without a line break at the end.
    """
    sums = summary(model)
    lines = [*_header(model, sums), *_ends(model), *_histogram(sums), *_quantization(sums)]
    lines += _islands(model, sums)
    if len(model.subgraphs) > 1:
        lines += _subgraphs(model)
    for subgraph in model.subgraphs:
        if list_operators and subgraph.operators:
            lines += [_title("ops", subgraph), _operator_table(subgraph)]
        if list_tensors and subgraph.tensors:
            lines += [_title("tensors", subgraph), _tensor_table(subgraph)]
    return "\n".join(lines)


def _caller_names(signature: Signature | None) -> dict[Tensor, str]:
    """What callers of a signature name its tensors."""
    if signature is None:
        return {}
    pairs = [*signature.inputs.items(), *signature.outputs.items()]
    return {tensor: name for name, tensor in pairs}


def _header(model: Model, sums: dict[str, Any]) -> Iterator[str]:
    operators = all_operators(model)
    counts = f"{sums['operators']} ops, {sums['tensors']} tensors"
    yield printable(f"{model.name}: {size_text(model.size)}, {counts}")
    share = f" ({int(100 * sums['integer_share'])} %)" if operators else ""
    yield fact("integers", integers_text(operators) + share)
    yield fact("MACs", f"{sums['macs']:,}")
    weights = size_text(sums["weight_bytes"])
    yield fact("parameters", f"{sums['parameters']:,}; constants take {weights}")
    peak = sums["peak_activations"]
    if peak["operator"] is not None:
        operator = model.subgraphs[peak["subgraph"]].operators[peak["operator"]]
        where = operator_text(operator, len(model.subgraphs))
        yield fact("activations", f"peak of {size_text(peak['bytes'])} at op {where}")
    if model.description:
        yield fact("description", model.description)
    if runtime := min_runtime_version(model):
        yield fact("runtime", f"{runtime} or newer")
    if model.metadata:
        sizes = model.metadata.size
        entries = [f"{fitted(name)} ({size_text(sizes(name))})" for name in model.metadata]
        yield fact("metadata", listed(entries))
    if (record := record_of(model)) is not None:
        yield fact("record", fitted(_record_text(record), 4 * WIDEST))
    if model.signatures:
        yield fact("signatures", listed([signature.name for signature in model.signatures]))


def _record_text(record: dict[str, Any]) -> str:
    """Show what tfq wrote into the file, whatever somebody has made of it since."""
    return "; ".join(
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in record.items()
    )


def _ends(model: Model) -> Iterator[str]:
    """The inputs and outputs of what a caller can run: of each signature, else of subgraph 0."""
    runs: list[tuple[Subgraph, Signature | None]] = [
        (signature.subgraph, signature) for signature in model.signatures[:MOST_LISTED]
    ]
    if not any(subgraph.index == 0 for subgraph, _ in runs):
        runs.insert(0, (model.subgraphs[0], None))
    for subgraph, signature in runs:
        title = "inputs and outputs"
        if len(runs) > 1:
            name = fitted(signature.name) if signature else f"subgraph {subgraph.index}"
            title += f" of {name}"
        rows = list(_end_rows(subgraph, _caller_names(signature)))
        if rows:
            header = ["", "name", "type", "shape", "quantization", "tensor"]
            yield f"\n{title}"
            yield table(header, rows, align="<<<<<>", indent=INDENT)


def _end_rows(subgraph: Subgraph, names: dict[Tensor, str]) -> Iterator[list[object]]:
    for what, tensors in (("input", subgraph.inputs), ("output", subgraph.outputs)):
        for tensor in tensors[:MOST_LISTED]:
            yield [
                what,
                names.get(tensor, tensor.name),
                tensor.dtype,
                tensor.shape_text,
                quantization_text(tensor),
                tensor.index,
            ]
        if more := more_text(len(tensors)):
            yield [more, *[""] * 5]


def _histogram(sums: dict[str, Any]) -> Iterator[str]:
    if not sums["histogram"]:
        return
    rows = [
        [
            row["count"],
            row["name"],
            row["compute"],
            count_text(row["macs"]),
            count_text(row["parameters"]),
        ]
        for row in sums["histogram"]
    ]
    yield "\nops by kind"
    header = ["count", "op", "compute", "MACs", "parameters"]
    yield table(header, rows, align="><<>>", indent=INDENT)


def _quantization(sums: dict[str, Any]) -> Iterator[str]:
    rows = [
        [
            row["tensors"],
            row["kind"],
            row["dtype"],
            row["granularity"],
            row["symmetric"] if row["granularity"] else "",
            row["power_of_two"] if row["granularity"] else "",
        ]
        for row in sums["quantization"]
    ]
    if rows:
        yield "\ntensors by kind"
        header = ["count", "kind", "type", "granularity", "symmetric", "power of two"]
        yield table(header, rows, align="><<<>>", indent=INDENT)


def _islands(model: Model, sums: dict[str, Any]) -> Iterator[str]:
    """Where floats come in between integers; nothing where a model has only floats."""
    found = sums["islands"]
    if not found or all(operator.compute != "integer" for operator in all_operators(model)):
        return
    total = sum(len(island["operators"]) for island in found)
    word = "island" if len(found) == 1 else "islands"
    yield f"\nfloats: {total} ops in {len(found)} {word}"
    for island in found[:MOST_LISTED]:
        operators = model.subgraphs[island["subgraph"]].operators
        first, last = (
            fitted(operator_text(operators[island["operators"][end]], len(model.subgraphs)))
            for end in (0, -1)
        )
        count = len(island["operators"])
        yield f"{INDENT}{count} ops: from {first} to {last}" if count > 1 else f"{INDENT}{first}"
    if more := more_text(len(found)):
        yield f"{INDENT}{more}"


def _subgraphs(model: Model) -> Iterator[str]:
    rows = [
        [
            subgraph.index,
            subgraph.name,
            len(subgraph.operators),
            len(subgraph.tensors),
            len(subgraph.inputs),
            len(subgraph.outputs),
        ]
        for subgraph in model.subgraphs
    ]
    yield "\nsubgraphs"
    header = ["index", "name", "ops", "tensors", "inputs", "outputs"]
    yield table(header, rows, align="><>>>>", indent=INDENT)


def _title(what: str, subgraph: Subgraph) -> str:
    several = len(subgraph.model.subgraphs) > 1
    name = f" {subgraph.index} {fitted(subgraph.name)}".rstrip()
    return f"\n{what} of subgraph{name}" if several else f"\n{what}"


def _operator_table(subgraph: Subgraph) -> str:
    header = ["index", "op", "compute", "MACs", "parameters", "output", "shape", "weights"]
    rows = [_operator_row(operator) for operator in subgraph.operators]
    return table(header, rows, align="><<>><<<", indent=INDENT)


def _operator_row(operator: Operator) -> list[object]:
    output = operator.outputs[0] if operator.outputs else None
    return [
        operator.index,
        operator.name,
        operator.compute,
        count_text(operator.macs),
        count_text(operator.parameters),
        output.dtype if output else "",
        output.shape_text if output else "",
        weights_text(operator),
    ]


def _tensor_table(subgraph: Subgraph) -> str:
    header = ["index", "name", "kind", "type", "shape", "bytes", "quantization"]
    rows = [
        [
            tensor.index,
            tensor.name,
            kind,
            tensor.dtype,
            tensor.shape_text,
            count_text(stored_bytes(tensor) or 0),
            quantization_text(tensor),
        ]
        for tensor, kind in zip(subgraph.tensors, kinds(subgraph), strict=True)
    ]
    return table(header, rows, align="><<<<>", indent=INDENT)

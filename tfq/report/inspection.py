"""What is in a model, as plain data; `schemas/inspect.schema.json` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.errors import Error
from tfq.report.cells import counted
from tfq.report.json_text import numbers, plain
from tfq.report.kinds import kinds, quantization_summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.model import Model, Operator, Quantization, Subgraph, Tensor


def inspection(model: Model) -> dict[str, Any]:
    """Describe a model.

    Args:
        model: Any model.

    Returns:
        Only objects, lists, strings, booleans, finite numbers and None.
    """
    known = {subgraph: kinds(subgraph) for subgraph in model.subgraphs}
    return {
        "model": model.name,
        "size": model.size,
        "version": model.version,
        "description": model.description,
        "min_runtime_version": min_runtime_version(model),
        "metadata": [{"name": name, "size": model.metadata.size(name)} for name in model.metadata],
        "summary": summary(model, known),
        "signatures": [
            {
                "name": signature.name,
                "subgraph": signature.subgraph.index,
                "inputs": {name: tensor.index for name, tensor in signature.inputs.items()},
                "outputs": {name: tensor.index for name, tensor in signature.outputs.items()},
            }
            for signature in model.signatures
        ],
        "subgraphs": [_subgraph(subgraph, known[subgraph]) for subgraph in model.subgraphs],
    }


def summary(model: Model, known: dict[Subgraph, list[str]] | None = None) -> dict[str, Any]:
    """Sum up a model: what `inspection` has under `summary`.

    Args:
        model: Any model.
        known: What `kinds` says of its subgraphs, if somebody has asked already.
    """
    operators = all_operators(model)
    return {
        "operators": len(operators),
        "tensors": sum(len(subgraph.tensors) for subgraph in model.subgraphs),
        "macs": counted(sum(operator.macs for operator in operators)),
        "parameters": counted(ops.total_parameters(model)),
        "weight_bytes": counted(ops.weight_bytes(model)),
        "peak_activations": _peak(model),
        "integer_share": ops.integer_share(operators),
        "histogram": histogram(operators),
        "quantization": quantization_summary(model, known),
        "islands": [
            {
                "subgraph": island.operators[0].subgraph.index,
                "operators": [operator.index for operator in island.operators],
                "entries": [tensor.index for tensor in island.entries],
                "exits": [tensor.index for tensor in island.exits],
            }
            for island in ops.islands(model)
        ],
    }


def all_operators(model: Model) -> list[Operator]:
    """The operators of all subgraphs of a model."""
    return [operator for subgraph in model.subgraphs for operator in subgraph.operators]


def histogram(operators: Iterable[Operator]) -> list[dict[str, Any]]:
    """Count operators by name and compute.

    Args:
        operators: What to count.

    Returns:
        One object for each pair, the most frequent first.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for operator in operators:
        name, compute = operator.name, operator.compute
        row = rows.get((name, compute))
        if row is None:
            row = {"name": name, "compute": compute, "count": 0, "macs": 0, "parameters": 0}
            rows[name, compute] = row
        row["count"] += 1
        row["macs"] += operator.macs
        row["parameters"] += operator.parameters
    for row in rows.values():
        row |= {name: counted(row[name]) for name in ("macs", "parameters")}
    return sorted(rows.values(), key=lambda row: (-row["count"], row["name"], row["compute"]))


def min_runtime_version(model: Model) -> str | None:
    """The oldest TensorFlow or LiteRT that runs a model, as its converter noted it, or None."""
    version = model.metadata.get("min_runtime_version", b"").rstrip(b"\0")
    return version.decode("ascii", "backslashreplace") or None


def operator_data(operator: Operator) -> dict[str, Any]:
    """Describe one operator, with the tensors by index."""
    options: Any = operator.options
    custom = operator.custom_options if operator.is_custom and not options else None
    return {
        "index": operator.index,
        "name": operator.name,
        "custom": operator.is_custom,
        "version": operator.version,
        "compute": operator.compute,
        "macs": counted(operator.macs),
        "parameters": counted(operator.parameters),
        "inputs": [index_of(tensor) for tensor in operator.inputs],
        "outputs": [tensor.index for tensor in operator.outputs],
        "intermediates": [tensor.index for tensor in operator.intermediates],
        "weights": index_of(operator.weights),
        "bias": index_of(operator.bias),
        "options": plain(options),
        "custom_options": plain(custom) if custom else None,
    }


def tensor_data(tensor: Tensor, kind: str) -> dict[str, Any]:
    """Describe one tensor; `kind` as `tfq.report.kinds` has it."""
    producer = tensor.producer
    return {
        "index": tensor.index,
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "shape_signature": list(tensor.shape_signature),
        "has_rank": tensor.has_rank,
        "kind": kind,
        "constant": tensor.is_constant,
        "variable": tensor.is_variable,
        "sparse": tensor.is_sparse,
        "external": tensor.is_external,
        "buffer": tensor.buffer_index,
        "bytes": stored_bytes(tensor),
        "producer": producer.index if producer else None,
        "consumers": [operator.index for operator in tensor.consumers],
        "quantization": _quantization(tensor.quantization) if tensor.quantization else None,
    }


def stored_bytes(tensor: Tensor) -> int | None:
    """How many bytes of data the model holds for a tensor; None where they cannot be reached."""
    try:
        return tensor.nbytes
    except Error:
        return None


def _peak(model: Model) -> dict[str, Any]:
    peak = ops.peak_activations(model)
    operator = peak.operator
    return {
        "bytes": counted(peak.bytes),
        "subgraph": operator.subgraph.index if operator else None,
        "operator": operator.index if operator else None,
    }


def _subgraph(subgraph: Subgraph, known: list[str]) -> dict[str, Any]:
    pairs = zip(subgraph.tensors, known, strict=True)
    return {
        "index": subgraph.index,
        "name": subgraph.name,
        "inputs": [tensor.index for tensor in subgraph.inputs],
        "outputs": [tensor.index for tensor in subgraph.outputs],
        "operators": [operator_data(operator) for operator in subgraph.operators],
        "tensors": [tensor_data(tensor, kind) for tensor, kind in pairs],
    }


def _quantization(quantization: Quantization) -> dict[str, Any]:
    return {
        "granularity": quantization.granularity,
        "scales": numbers(quantization.scales),
        "zero_points": numbers(quantization.zero_points),
        "quantized_dimension": quantization.quantized_dimension,
        "quantized_dimensions": list(quantization.quantized_dimensions),
        "block_size": quantization.block_size,
        "symmetric": quantization.symmetric,
        "power_of_two": quantization.power_of_two,
        "min": numbers(quantization.min),
        "max": numbers(quantization.max),
    }


def index_of(tensor: Tensor | None) -> int | None:
    """Return the index of a tensor, and None for one that is left out."""
    return tensor.index if tensor is not None else None

"""What is in a model, as plain data; `schemas/inspect.schema.json` describes it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tfq import ops

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.model import Model, Operator, Quantization, Subgraph, Tensor

# JSON has no such numbers.
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
# Down to the single operator and tensor: a line each is what grep and diff like.
DEPTH_OF_LINES = 4


def inspection(model: Model) -> dict[str, Any]:
    """Describe a model.

    Args:
        model: Any model.

    Returns:
        Only objects, lists, strings, booleans, finite numbers and None.
    """
    operators = all_operators(model)
    return {
        "model": model.name,
        "size": model.size,
        "version": model.version,
        "description": model.description,
        "summary": {
            "operators": len(operators),
            "tensors": sum(len(subgraph.tensors) for subgraph in model.subgraphs),
            "macs": sum(operator.macs for operator in operators),
            "integer_share": ops.integer_share(operators),
            "histogram": histogram(operators),
        },
        "signatures": [
            {
                "name": signature.name,
                "subgraph": signature.subgraph.index,
                "inputs": {name: tensor.index for name, tensor in signature.inputs.items()},
                "outputs": {name: tensor.index for name, tensor in signature.outputs.items()},
            }
            for signature in model.signatures
        ],
        "subgraphs": [_subgraph(subgraph) for subgraph in model.subgraphs],
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
        empty = {"name": name, "compute": compute, "count": 0, "macs": 0}
        row = rows.setdefault((name, compute), empty)
        row["count"] += 1
        row["macs"] += operator.macs
    return sorted(rows.values(), key=lambda row: (-row["count"], row["name"], row["compute"]))


def to_json(value: Any, depth: int = DEPTH_OF_LINES, indent: str = "") -> str:
    """Write JSON with a line for each item of the outer levels, and the inner ones compact.

    Args:
        value: Only objects, lists, strings, booleans, finite numbers and None.
        depth: How many levels are broken into lines.
        indent: What stands before each of those lines.

    Returns:
        The text, without a line break at the end.

    Raises:
        ValueError: If a number is not finite, as JSON has no such numbers.
    """
    # json.dumps(indent=2) would leave its C encoder, and set a line for every scale.
    if depth == 0 or not _holds_containers(value):
        return json.dumps(value, allow_nan=False)
    inner = indent + "  "
    if isinstance(value, dict):
        pairs = value.items()
        items = [f"{json.dumps(key)}: {to_json(each, depth - 1, inner)}" for key, each in pairs]
        return f"{{\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}}}"
    items = [to_json(each, depth - 1, inner) for each in value]
    return f"[\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}]"


def _holds_containers(value: Any) -> bool:
    """Whether an item of an object or list is one itself; of alike items the first tells it."""
    if isinstance(value, dict):
        return any(isinstance(each, (dict, list)) for each in value.values())
    return isinstance(value, list) and bool(value) and isinstance(value[0], (dict, list))


def _subgraph(subgraph: Subgraph) -> dict[str, Any]:
    return {
        "index": subgraph.index,
        "name": subgraph.name,
        "inputs": [tensor.index for tensor in subgraph.inputs],
        "outputs": [tensor.index for tensor in subgraph.outputs],
        "operators": [_operator(operator) for operator in subgraph.operators],
        "tensors": [_tensor(tensor) for tensor in subgraph.tensors],
    }


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        "index": operator.index,
        "name": operator.name,
        "custom": operator.is_custom,
        "version": operator.version,
        "compute": operator.compute,
        "macs": operator.macs,
        "inputs": [_index(tensor) for tensor in operator.inputs],
        "outputs": [_index(tensor) for tensor in operator.outputs],
        "weights": _index(operator.weights),
        "bias": _index(operator.bias),
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "index": tensor.index,
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "shape_signature": list(tensor.shape_signature),
        "constant": tensor.is_constant,
        "quantization": _quantization(tensor.quantization) if tensor.quantization else None,
    }


def _quantization(quantization: Quantization) -> dict[str, Any]:
    return {
        "granularity": quantization.granularity,
        "scales": [_number(scale) for scale in quantization.scales],
        "zero_points": [_number(point) for point in quantization.zero_points],
        "quantized_dimension": quantization.quantized_dimension,
    }


def _index(tensor: Tensor | None) -> int | None:
    return tensor.index if tensor is not None else None


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else NOT_FINITE[str(value)]

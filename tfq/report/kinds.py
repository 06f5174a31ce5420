"""What the tensors of a model are there for, and a count of them by kind and quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq import ops

if TYPE_CHECKING:
    from tfq.model import Model, Subgraph, Tensor

# In the order in which people ask for them.
KINDS = (
    "weights",
    "bias",
    "constant",
    "activation",
    "variable",
    "intermediate",
    "unpacked constant",
    "unused",
)


def kinds(subgraph: Subgraph) -> list[str]:
    """Say what each tensor of a subgraph is there for.

    1. `weights` and `bias` of an operator, as the file stores them, so before they are unpacked.
    2. `constant`: all others that stand in the file; `variable`: what lasts from run to run.
    3. `unpacked constant`: what DEQUANTIZE or DENSIFY makes of a constant.
    4. `intermediate`: what only carries the quantization of what happens inside an LSTM.
    5. `activation`: what operators, inputs and outputs hand on; `unused`: the rest.

    Args:
        subgraph: Any subgraph.

    Returns:
        One of KINDS for each tensor, by its index.
    """
    parameters = _parameters(subgraph)
    intermediates = {
        tensor.index for operator in subgraph.operators for tensor in operator.intermediates
    }
    ends = {tensor.index for tensor in (*subgraph.inputs, *subgraph.outputs)}
    return [
        parameters.get(tensor.index)
        or ("intermediate" if tensor.index in intermediates else _kind(tensor, ends))
        for tensor in subgraph.tensors
    ]


def _parameters(subgraph: Subgraph) -> dict[int, str]:
    """The constants that are weights or biases, by index."""
    found: dict[int, str] = {}
    for operator in subgraph.operators:
        for kind, tensors in (
            ("weights", operator.all_weights),
            ("bias", operator.all_biases),
        ):
            for tensor in tensors:
                origin = ops.stored(tensor)
                if origin.is_constant:
                    found.setdefault(origin.index, kind)
    return found


def _kind(tensor: Tensor, ends: set[int]) -> str:
    if tensor.is_constant:
        return "constant"
    if tensor.is_variable:
        return "variable"
    if ops.stored(tensor) is not tensor:
        return "unpacked constant"
    if tensor.index in ends or tensor.producer is not None or tensor.consumers:
        return "activation"
    return "unused"


def quantization_summary(
    model: Model, known: dict[Subgraph, list[str]] | None = None
) -> list[dict[str, Any]]:
    """Count the tensors of a model by kind, type and granularity.

    Args:
        model: Any model.
        known: What `kinds` says of its subgraphs, if somebody has asked already.

    Returns:
        One object for each combination, in the order of KINDS and then the most frequent first:
        granularity None is not quantized; `symmetric` and `power_of_two` say of how many tensors
        that is true.
    """
    known = known or {subgraph: kinds(subgraph) for subgraph in model.subgraphs}
    rows: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for subgraph in model.subgraphs:
        for tensor, kind in zip(subgraph.tensors, known[subgraph], strict=True):
            quantization = tensor.quantization
            granularity = quantization.granularity if quantization else None
            key = (kind, tensor.dtype, granularity)
            row = rows.get(key)
            if row is None:
                row = {
                    **dict(zip(("kind", "dtype", "granularity"), key, strict=True)),
                    **dict.fromkeys(("tensors", "symmetric", "power_of_two"), 0),
                }
                rows[key] = row
            row["tensors"] += 1
            if quantization:
                row["symmetric"] += quantization.symmetric
                row["power_of_two"] += quantization.power_of_two
    return sorted(
        rows.values(),
        key=lambda row: (
            KINDS.index(row["kind"]),
            -row["tensors"],
            row["dtype"],
            row["granularity"] or "",
        ),
    )

"""What is in a model, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.ops import stored
from tfq.report.inspection import all_operators, histogram
from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.model import Model, Operator, Subgraph, Tensor

INDENT = "  "
TIMES = "\N{MULTIPLICATION SIGN}"


def inspection_text(model: Model) -> str:
    """Describe a model in tables.

    Args:
        model: Any model.

    Returns:
        A header, the inputs and outputs, the operators by kind, and every operator; without a line
        break at the end.
    """
    return "\n".join(_lines(model))


def shape_text(tensor: Tensor) -> str:
    """A tensor's shape, such as `1x224x224x3`; `?` for a dimension that is open at run time."""
    sizes = ("?" if size < 0 else str(size) for size in tensor.shape_signature)
    return "x".join(sizes) or "scalar"


def quantization_text(tensor: Tensor) -> str:
    """How a tensor is quantized: `scale 0.0078125, zero point 0`, or the number of scales."""
    quantization = tensor.quantization
    if quantization is None:
        return ""
    if quantization.granularity != "per_tensor" or not quantization.scales:
        return f"{quantization.granularity} {TIMES}{len(quantization.scales)}"
    zero_point = next(iter(quantization.zero_points), 0)
    return f"scale {quantization.scales[0]:.7g}, zero point {zero_point}"


def weights_text(operator: Operator) -> str:
    """The type and granularity of an operator's weights, as the file stores them."""
    if operator.weights is None:
        return ""
    weights = stored(operator.weights)
    quantization = weights.quantization
    if quantization is None:
        return weights.dtype
    number = len(quantization.scales)
    count = f" {TIMES}{number}" if quantization.granularity != "per_tensor" else ""
    return f"{weights.dtype} {quantization.granularity}{count}"


def integers_text(operators: Sequence[Operator]) -> str:
    """How many operators compute in integers: `12 of 12 ops in integers`."""
    return f"{_integers(operators)} of {len(operators)} ops in integers"


def _integers(operators: Sequence[Operator]) -> int:
    return sum(operator.compute == "integer" for operator in operators)


def _lines(model: Model) -> Iterator[str]:
    operators = all_operators(model)
    tensors = sum(len(subgraph.tensors) for subgraph in model.subgraphs)
    macs = sum(operator.macs for operator in operators)
    share = f" ({100 * _integers(operators) // len(operators)} %)" if operators else ""
    yield printable(
        f"{model.name}: {size_text(model.size)}, {len(operators)} ops, {tensors} tensors"
    )
    yield f"{integers_text(operators)}{share}, {macs:,} MACs"
    if model.description:
        yield printable(f"description: {model.description}")
    if operators:
        yield "\nops by kind"
        rows = [
            [row["count"], row["name"], row["compute"], f"{row['macs']:,}"]
            for row in histogram(operators)
        ]
        yield table(["count", "op", "compute", "MACs"], rows, align="><<>", indent=INDENT)
    for subgraph in model.subgraphs:
        if len(model.subgraphs) > 1:
            yield "\n" + printable(f"subgraph {subgraph.index} {subgraph.name}".rstrip())
        yield from _subgraph(subgraph)


def _subgraph(subgraph: Subgraph) -> Iterator[str]:
    for title, tensors in (("inputs", subgraph.inputs), ("outputs", subgraph.outputs)):
        rows = [
            [tensor.name, tensor.dtype, shape_text(tensor), quantization_text(tensor)]
            for tensor in tensors
        ]
        if rows:
            yield f"\n{title}"
            yield table(["name", "type", "shape", "quantization"], rows, indent=INDENT)
    if subgraph.operators:
        yield "\nops"
        header = ["index", "op", "compute", "MACs", "output", "weights"]
        ops = [_operator(operator) for operator in subgraph.operators]
        yield table(header, ops, align="><<><<", indent=INDENT)


def _operator(operator: Operator) -> list[object]:
    output = shape_text(operator.outputs[0]) if operator.outputs else ""
    macs = f"{operator.macs:,}" if operator.macs else ""
    weights = weights_text(operator)
    return [operator.index, operator.name, operator.compute, macs, output, weights]


def size_text(size: int) -> str:
    """A number of bytes as KiB or MiB."""
    return f"{size / 1024:,.1f} KiB" if size < 10 << 20 else f"{size / (1 << 20):,.1f} MiB"

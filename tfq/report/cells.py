"""What stands in the cells of reports: shapes, sizes, counts, quantization, in one spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.ops import stored
from tfq.report.table import fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.model import Operator, Quantization, Tensor

INDENT = "  "
TIMES = "\N{MULTIPLICATION SIGN}"
# A shape of a broken file may multiply to a number of a million digits.
MOST_COUNTED = (1 << 63) - 1
# Of a longer list, the first so many: whoever needs them all asks for --ops, --tensors or JSON.
MOST_LISTED = 20


def fact(name: str, value: object, widest: int = 200) -> str:
    """A line that says what is true of a model or of a part: `  compute       integer`."""
    return f"{INDENT}{name:<12}  {fitted(value, widest)}"


def more_text(number: int, most: int = MOST_LISTED) -> str:
    """What follows the first `most` of so many: `and 3 more`; empty if that is all."""
    return f"and {number - most:,} more" if number > most else ""


def listed(values: Sequence[object], most: int = MOST_LISTED) -> str:
    """Values with commas; of many the first, and how many more there are."""
    more = more_text(len(values), most)
    return ", ".join([*map(fitted, values[:most]), *([more] if more else [])])


def counted(number: int) -> int:
    """A count, at most what 64 bits hold: shapes of broken files multiply to more."""
    return min(number, MOST_COUNTED)


def count_text(number: int) -> str:
    """A number with separators, `336,000`; empty for 0, as most operators multiply nothing."""
    return f"{counted(number):,}" if number else ""


def size_text(size: int) -> str:
    """A number of bytes as bytes, KiB or MiB."""
    size = counted(size)
    if size < 1 << 10:
        return f"{size} bytes"
    return f"{size / 1024:,.1f} KiB" if size < 10 << 20 else f"{size / (1 << 20):,.1f} MiB"


def quantization_text(tensor: Tensor) -> str:
    """How a tensor is quantized: `scale 0.0078125, zero point 0`, or the number of scales."""
    quantization = tensor.quantization
    if quantization is None:
        return ""
    if quantization.granularity != "per_tensor" or not quantization.scales:
        return granularity_text(quantization)
    zero_point = quantization.zero_point
    return f"scale {quantization.scales[0]:.7g}, zero point {zero_point}"


def granularity_text(quantization: Quantization) -> str:
    """The granularity, and the number of scales where it is not one: `per_channel ×8`."""
    number = len(quantization.scales)
    if quantization.granularity == "per_tensor" and number:
        return "per_tensor"
    return f"{quantization.granularity} {TIMES}{number}"


def type_text(tensor: Tensor) -> str:
    """The type and granularity of a tensor: `int8 per_channel ×8`."""
    quantization = tensor.quantization
    if quantization is None:
        return tensor.dtype
    return f"{tensor.dtype} {granularity_text(quantization)}"


def weights_text(operator: Operator) -> str:
    """The type and granularity of an operator's weights, as the file stores them."""
    return type_text(stored(operator.weights)) if operator.weights is not None else ""


def integers_text(operators: Sequence[Operator]) -> str:
    """How many operators compute in integers: `12 of 12 ops in integers`."""
    integers = sum(operator.compute == "integer" for operator in operators)
    return f"{integers} of {len(operators)} ops in integers"


def operator_text(operator: Operator, subgraphs: int = 1) -> str:
    """An operator's index and name, `12 CONV_2D`; `1:12 CONV_2D` where there are more subgraphs."""
    prefix = f"{operator.subgraph.index}:" if subgraphs > 1 else ""
    return f"{prefix}{operator.index} {operator.name}"

"""One operator or tensor in full, for people: what a click in Netron shows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.model import Operator, Tensor
from tfq.report.cells import (
    INDENT,
    count_text,
    fact,
    granularity_text,
    listed,
    operator_text,
    quantization_text,
    size_text,
    type_text,
)
from tfq.report.inspection import stored_bytes
from tfq.report.kinds import kinds
from tfq.report.table import fitted, table
from tfq.report.values import values_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.model import Quantization, Subgraph

LONGEST = 200
NUMBERS_A_LINE = 6


def items_text(items: Sequence[Operator] | Sequence[Tensor]) -> str:
    """Describe operators or tensors.

    Args:
        items: At least one.

    Returns:
        One in full, several in a line each; without a line break at the end.
    """
    if len(items) == 1:
        (item,) = items
        lines = _operator(item) if isinstance(item, Operator) else _tensor(item)
        return "\n".join(lines)
    rows = []
    for item in items:
        operator = isinstance(item, Operator)
        number = f"{item.subgraph.index}:{item.index}" if item.subgraph.index else str(item.index)
        shown = next(iter(item.outputs), None) if isinstance(item, Operator) else item
        rows.append(
            [
                f"{'op' if operator else 'tensor'}:{number}",
                item.name,
                type_text(shown) if shown else "",
                shown.shape_text if shown else "",
                shown.name if shown else "",
            ]
        )
    return table(["--show=", "name", "type", "shape", "tensor"], rows)


def _operator(operator: Operator) -> Iterator[str]:
    where = f" of subgraph {operator.subgraph.index}" if operator.subgraph.index else ""
    yield f"operator {operator.index}{where}: {fitted(operator.name)}, version {operator.version}"
    if operator.is_custom:
        yield fact("custom", "yes")
    yield fact("compute", operator.compute)
    if operator.macs:
        yield fact("MACs", count_text(operator.macs))
    if operator.parameters:
        yield fact("parameters", count_text(operator.parameters))
    yield from _options(operator)
    roles = _roles(operator)
    yield from _ends("inputs", operator.inputs, roles)
    yield from _ends("outputs", operator.outputs, {})
    yield from _ends("intermediates", operator.intermediates, {})
    constants = [ops.stored(tensor) for tensor in roles]
    for tensor in dict.fromkeys(constants):
        if tensor.is_constant:
            yield ""
            yield from _tensor(tensor)


def _options(operator: Operator) -> Iterator[str]:
    options: Any = operator.options
    if operator.is_custom and not options:
        options = operator.custom_options
    if isinstance(options, dict) and options:
        yield f"{INDENT}options"
        rows = [[name, _option(value)] for name, value in options.items()]
        lines = table(["", ""], rows, indent=2 * INDENT, widest=LONGEST).split("\n")
        yield from lines[1:]
    elif options:
        yield fact("options", _option(options))


def _option(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes: {value[:32].hex(' ')}{' …' if len(value) > 32 else ''}"
    if isinstance(value, list | tuple) and len(value) > LONGEST:
        return listed(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _roles(operator: Operator) -> dict[Tensor, str]:
    """Which of an operator's inputs are its weights and biases."""
    weights = dict.fromkeys(ops.all_weights(operator), "weights")
    return {**weights, **dict.fromkeys(ops.all_biases(operator), "bias")}


def _ends(title: str, tensors: Sequence[Tensor | None], roles: dict[Tensor, str]) -> Iterator[str]:
    if not tensors:
        return
    rows = [
        [
            place,
            tensor.index,
            tensor.name,
            tensor.dtype,
            tensor.shape_text,
            quantization_text(tensor),
            _origin(tensor, roles) if title == "inputs" else _readers(tensor),
        ]
        if tensor is not None
        else [place, "", "left out", *[""] * 4]
        for place, tensor in enumerate(tensors)
    ]
    last = "from" if title == "inputs" else "to"
    yield f"{INDENT}{title}"
    header = ["", "tensor", "name", "type", "shape", "quantization", last]
    yield table(header, rows, align=">>", indent=2 * INDENT)


def _origin(tensor: Tensor, roles: dict[Tensor, str]) -> str:
    role = roles.get(tensor, "")
    if tensor.producer is not None:
        return f"{role} {operator_text(tensor.producer)}".lstrip()
    if tensor.is_constant:
        return role or "constant"
    return _place_in(tensor.subgraph, tensor)


def _readers(tensor: Tensor) -> str:
    readers = listed([operator_text(operator) for operator in tensor.consumers])
    is_output = tensor in tensor.subgraph.outputs
    return ", ".join([*([readers] if readers else []), *(["output"] if is_output else [])])


def _place_in(subgraph: Subgraph, tensor: Tensor) -> str:
    if tensor.is_variable:
        return "variable"
    return "input" if tensor in subgraph.inputs else ""


def _tensor(tensor: Tensor) -> Iterator[str]:
    where = f" of subgraph {tensor.subgraph.index}" if tensor.subgraph.index else ""
    yield f"tensor {tensor.index}{where}: {fitted(tensor.name, LONGEST)}".rstrip()
    yield fact("type", tensor.dtype)
    yield fact("shape", tensor.shape_text)
    yield fact("kind", kinds(tensor.subgraph)[tensor.index])
    if tensor.is_constant:
        size = stored_bytes(tensor)
        sparse = ", sparse" if tensor.is_sparse else ""
        known = size_text(size) if size is not None else "in another file"
        yield fact("data", f"{known} in buffer {tensor.buffer_index}{sparse}")
    if tensor.producer is not None:
        yield fact("written by", operator_text(tensor.producer))
    if readers := _readers(tensor):
        yield fact("read by", readers)
    if tensor.quantization is not None:
        yield from _quantization(tensor.quantization)
    yield from values_lines(tensor)


def _quantization(quantization: Quantization) -> Iterator[str]:
    yield fact("quantization", ", ".join(_kind(quantization)))
    for name, numbers in (
        ("scales", quantization.scales),
        ("zero points", quantization.zero_points),
        ("seen min", quantization.min),
        ("seen max", quantization.max),
    ):
        yield from _numbers(name, numbers)


def _kind(quantization: Quantization) -> Iterator[str]:
    yield granularity_text(quantization)
    if quantization.granularity != "per_tensor":
        axes = quantization.quantized_dimensions
        yield f"{'axis' if len(axes) == 1 else 'axes'} {' '.join(map(str, axes))}"
    if quantization.block_size:
        yield f"blocks of {quantization.block_size}"
    yield "symmetric" if quantization.symmetric else "asymmetric"
    if quantization.power_of_two:
        yield "power of two"


def _numbers(name: str, numbers: Sequence[float]) -> Iterator[str]:
    """All numbers, some a line, each line with the index of its first."""
    if not numbers:
        return
    if len(set(numbers)) == 1:
        every = f"all {len(numbers):,}: " if len(numbers) > 1 else ""
        yield fact(name, f"{every}{_exact(numbers[0])}")
        return
    yield f"{INDENT}{name}"
    words = [_exact(each) for each in numbers]
    widest = max(map(len, words))
    size = len(str(len(words)))
    for start in range(0, len(words), NUMBERS_A_LINE):
        line = itertools.islice(words, start, start + NUMBERS_A_LINE)
        yield f"{2 * INDENT}{start:>{size}}  {'  '.join(f'{each:>{widest}}' for each in line)}"


def _exact(value: float) -> str:
    """A scale with all digits that a float32 has; a zero point as the integer it is."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)

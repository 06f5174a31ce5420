"""How the views on a model look in a notebook: small HTML tables, made of text and nothing else."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from tfq.model import Model, Operator, Quantization, Signature, Subgraph, Tensor
    from tfq.model.view import View

# A notebook is no place for thousands of lines; `tfq inspect` prints them all.
MOST_ROWS = 100
MOST_NUMBERS = 8
LONGEST = 80


def html(view: View) -> str:
    """Show a view as a notebook does: the value of its `_repr_html_`.

    Args:
        view: A model or a part of one.

    Returns:
        HTML; all text from files in it is escaped.
    """
    show = _SHOWN.get(type(view).__name__)
    return show(view) if show is not None else f"<code>{_escaped(repr(view))}</code>"


def html_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Make a table.

    Args:
        title: What stands above it.
        header: The columns' names; empty for a table whose rows name themselves in the first cell.
        rows: The cells: None is empty, long ones lose their middle, of many rows the first stay.

    Returns:
        HTML, with everything escaped.
    """
    found = list(rows)
    shown = [_row(row, "td") for row in found[:MOST_ROWS]]
    if len(found) > MOST_ROWS:
        shown.append(_row([f"and {len(found) - MOST_ROWS} more"], "td"))
    head = _row(header, "th") if header else ""
    return f"<table><caption>{_escaped(title)}</caption>{head}{''.join(shown)}</table>"


def _row(cells: Sequence[object], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_escaped(cell)}</{tag}>' for cell in cells)}</tr>"


def _escaped(value: object) -> str:
    from html import escape

    from tfq.terminal import printable

    text = "" if value is None else str(value)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
    return escape(printable(text))


def _model(model: Model) -> str:
    facts: list[list[object]] = [
        ["size", f"{model.size:,} bytes"],
        ["description", model.description],
    ]
    facts += [["signature", _names(signature)] for signature in model.signatures[:MOST_ROWS]]
    facts += [["subgraph", repr(subgraph)] for subgraph in model.subgraphs[1:]]
    return html_table(repr(model), [], facts) + _subgraph(model.subgraphs[0])


def _names(signature: Signature) -> str:
    ends = (
        ", ".join(list(names)[:MOST_NUMBERS]) for names in (signature.inputs, signature.outputs)
    )
    return f"{signature.name}: {' → '.join(ends)}"


def _subgraph(subgraph: Subgraph) -> str:
    ends = [("input", tensor) for tensor in subgraph.inputs]
    ends += [("output", tensor) for tensor in subgraph.outputs]
    tensors = html_table(
        "inputs and outputs",
        ["", "tensor", "name", "type", "shape", "quantization"],
        [[what, *_cells(tensor)] for what, tensor in ends],
    )
    operators = html_table(
        repr(subgraph),
        ["index", "op", "compute", "output", "shape"],
        [_operator_cells(operator) for operator in subgraph.operators[:MOST_ROWS]],
    )
    rest = len(subgraph.operators) - MOST_ROWS
    return tensors + operators + (f"<p>and {rest} more operators</p>" if rest > 0 else "")


def _operator_cells(operator: Operator) -> list[object]:
    output = operator.outputs[0] if operator.outputs else None
    shown = [output.dtype, output.shape_text] if output is not None else ["", ""]
    return [operator.index, operator.name, operator.compute, *shown]


def _operator(operator: Operator) -> str:
    ends = [("input", tensor) for tensor in operator.inputs]
    ends += [("output", tensor) for tensor in operator.outputs]
    facts: list[list[object]] = [
        ["version", operator.version],
        ["compute", operator.compute],
        *([name, value] for name, value in operator.options.items()),
    ]
    tensors = [[what, *(_cells(tensor) if tensor else ["", "left out"])] for what, tensor in ends]
    header = ["", "tensor", "name", "type", "shape", "quantization"]
    return html_table(repr(operator), [], facts) + html_table("tensors", header, tensors)


def _tensor(tensor: Tensor) -> str:
    producer = tensor.producer
    rows: list[list[object]] = [
        ["name", tensor.name],
        ["type", tensor.dtype],
        ["shape", tensor.shape_text],
        ["constant", tensor.is_constant],
        ["written by", producer],
        ["read by", ", ".join(map(repr, tensor.consumers[:MOST_NUMBERS]))],
    ]
    details = _quantization(tensor.quantization) if tensor.quantization is not None else ""
    return html_table(f"Tensor {tensor.index}", [], rows) + details


def _quantization(quantization: Quantization) -> str:
    rows: list[list[object]] = [
        ["granularity", quantization.granularity],
        ["scales", _numbers(quantization.scales)],
        ["zero points", _numbers(quantization.zero_points)],
        ["symmetric", quantization.symmetric],
        ["power of two", quantization.power_of_two],
    ]
    if quantization.granularity != "per_tensor":
        rows.append(["axes", _numbers(quantization.quantized_dimensions)])
    if quantization.block_size:
        rows.append(["block size", quantization.block_size])
    return html_table("Quantization", [], rows)


def _cells(tensor: Tensor) -> list[object]:
    return [
        tensor.index,
        tensor.name,
        tensor.dtype,
        tensor.shape_text,
        repr(tensor.quantization)[1:-1] if tensor.quantization is not None else "",
    ]


def _numbers(numbers: Sequence[float]) -> str:
    listed = ", ".join(f"{number:.6g}" for number in numbers[:MOST_NUMBERS])
    more = len(numbers) - MOST_NUMBERS
    return f"{listed} and {more} more" if more > 0 else listed


_SHOWN: dict[str, Callable[[Any], str]] = {
    "Model": _model,
    "Operator": _operator,
    "Quantization": _quantization,
    "Subgraph": _subgraph,
    "Tensor": _tensor,
}

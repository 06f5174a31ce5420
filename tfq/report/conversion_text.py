"""What a conversion made, in a few lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.report.cells import INDENT, integers_text, quantization_text, size_text
from tfq.report.inspection import all_operators
from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from tfq.convert.converted import ConvertedModel
    from tfq.convert.record import Applied


def conversion_text(model: ConvertedModel, path: str) -> str:
    """Describes a converted model.

    Args:
        model: What `tfq.convert` returned.
        path: Where it was written.

    Returns:
        The file, its mode, its inputs and outputs and the share of ops in integers; without a line
        break at the end.
    """
    kind = ", ".join(filter(None, [model.mode, model.granularity]))
    names = {
        tensor: name
        for signature in model.signatures
        for name, tensor in (*signature.inputs.items(), *signature.outputs.items())
    }
    rows = [
        [
            what,
            names.get(tensor, tensor.name),
            tensor.dtype,
            tensor.shape_text,
            quantization_text(tensor),
        ]
        for what, tensors in (("input", model.inputs), ("output", model.outputs))
        for tensor in tensors
    ]
    return "\n".join(
        [
            printable(f"{path}: {size_text(model.size)}, {kind}"),
            table(["", "name", "type", "shape", "quantization"], rows, indent=INDENT),
            INDENT + integers_text(all_operators(model)),
            *(INDENT + printable(line) for line in _accuracy_lines(model.applied)),
        ]
    )


def _accuracy_lines(applied: Applied) -> list[str]:
    """Say what was done for accuracy, and what it was compared with."""
    if applied.level == "none":
        return []
    done = ", ".join(applied.passes) or f"{applied.converter} alone"
    line = f"accuracy {applied.level}: {done}"
    if applied.sqnr is not None:
        line += f"; {applied.sqnr:.1f} dB at the outputs"
    if applied.alternative is not None and applied.alternative_sqnr is not None:
        other = "the passes" if applied.alternative == "tfq" else f"{applied.alternative} alone"
        line += f", {other} {applied.alternative_sqnr:.1f} dB"
    return [line, *([applied.remark] if applied.remark else [])]

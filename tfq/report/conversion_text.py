"""What a conversion made, in a few lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.report.cells import INDENT, integers_text, quantization_text, size_text
from tfq.report.inspection import all_operators
from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from tfq.convert.converted import ConvertedModel


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
        ]
    )

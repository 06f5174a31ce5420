"""Models over which LiteRT ends the process, and Python with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tfq.errors import InvalidModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor

_BYTES = ("int8", "uint8")
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
# With ADD of int16 it depends on which of its scales are missing.
_TYPES: dict[str, tuple[str, ...]] = {
    "ADD": _BYTES,
    "SQUARED_DIFFERENCE": ("int8",),
    "SUB": (*_BYTES, "int16"),
    **dict.fromkeys(_COMPARISONS, _BYTES),
}
# Whose output's scale is divided by, too.
_RESCALES_OUTPUT = ("ADD", "SQUARED_DIFFERENCE")


def check_scales(model: Model) -> None:
    """Check that operands have the scale that a kernel insists on.

    Operands of sums, differences and comparisons of integers are rescaled by a factor that must lie
    between 0 and 1. Where a tensor has no scale, or one for each channel or block, which these
    kernels read as none, a CHECK fails: ADD, SUB and SQUARED_DIFFERENCE when the model is loaded,
    comparisons when it runs. Found by running them, LiteRT 2.3, with XNNPACK and without.

    Args:
        model: Any model; operators of its first subgraph are looked at, as others may never run.

    Raises:
        InvalidModelError: If an operator would end the process.
    """
    for operator in model.operators:
        for tensor in _rescaled(operator):
            if not _has_scale(tensor):
                raise InvalidModelError(
                    f"{model.name}: does not run: op {operator.index} {operator.name}: expected "
                    f"one positive scale of {tensor.dtype} tensor {tensor.index} "
                    f"({tensor.name!r}), got {_scales(tensor)}; LiteRT would end the process"
                )


def _rescaled(operator: Operator) -> Iterator[Tensor]:
    dtypes = _TYPES.get(operator.name)
    if dtypes is None:
        return
    inputs = [each for each in operator.inputs if each is not None]
    # Other numbers and types of operands are refused in words.
    if len(inputs) == 2 and inputs[0].dtype == inputs[1].dtype and inputs[0].dtype in dtypes:
        yield from inputs
        if operator.name in _RESCALES_OUTPUT:
            yield from operator.outputs


def _has_scale(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    if quantization is None or quantization.granularity != "per_tensor":
        return False
    return 0 < quantization.scales[0] < math.inf


def _scales(tensor: Tensor) -> str:
    quantization = tensor.quantization
    if quantization is None:
        return "none"
    scales = quantization.scales
    return f"{scales[0]:g}" if len(scales) == 1 else f"{len(scales)}, {quantization.granularity}"

"""Q3xx: what kind of model the device's own tools take as their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.lint.finding import Hit
from tfq.lint.rule import rule
from tfq.ops import QUANTIZED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Tensor
    from tfq.profiles import Profile

# Biases too.
INTEGERS = QUANTIZED | {"int32"}


@rule("Q301", "already-quantized", severity="error")
def already_quantized(model: Model, profile: Profile) -> Iterator[Hit]:
    """Model is already quantized.

    ## What it does
    Reports, once a model, that tensors are quantized where the device's own compiler wants to do
    the quantization. Integers that are no quantized numbers (shapes, indices, tokens) do not count.

    ## Why is this bad?
    The vendor's compiler chooses scales for its own hardware from the float model; it refuses a
    quantized one, or quantizes a second time what has already lost precision.

    ## Example
    An int8 `.tflite` that was made for another device.

    ## Use instead
    `tfq convert --mode=float32`, which is what `--profile` chooses for such a device.

    ## Fix safety
    No fix of the file alone: the float weights are not in it.

    ## References
    - https://developer.axis.com/computer-vision/computer-vision-on-device/quantization
    """
    if profile.quantization.compute != "float":
        return
    quantized = [
        tensor for subgraph in model.subgraphs for tensor in subgraph.tensors if _quantized(tensor)
    ]
    if not quantized:
        return
    constants = sum(tensor.is_constant for tensor in quantized)
    operators = [operator for subgraph in model.subgraphs for operator in subgraph.operators]
    computes = [operator.compute for operator in operators]
    message = (
        f"already quantized: {constants} constants and {len(quantized) - constants} activations, "
        f"{computes.count('integer')} integer and {computes.count('hybrid')} hybrid of "
        f"{len(operators)} ops; {profile.name} wants a float model"
    )
    yield Hit(message)


def _quantized(tensor: Tensor) -> bool:
    return tensor.dtype in INTEGERS and tensor.quantization is not None

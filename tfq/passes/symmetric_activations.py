"""Activations whose 0.0 is the middle of their integers."""

from __future__ import annotations

from tfq.passes.activations import groups, symmetric
from tfq.passes.changes import Changes, Kept
from tfq.passes.requantize import requantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Tensor
    from tfq.passes.parameters import Parameters


def symmetric_activations(model: Model) -> tuple[Model, Changes]:
    """Move the zero point of all 8-bit activations to the middle: 0 for int8, 128 for uint8.

    The new range reaches as far to both sides as the old one did to the wider side, so nothing is
    clipped that was not before, and some less; what a RELU gives loses one bit.

    1. Activations between operators whose kernels rescale (convolutions, ADD, MUL, MEAN …): the
       scale changes, and the biases of those that read it.
    2. Activations that operators move unchanged (RESHAPE, pooling, CONCATENATION …): all of them
       together, with the constants among them.
    3. Inputs and outputs of the model: what a caller sends and gets changes with them.
    4. Constant operands, such as what ADD adds.

    Left alone:

    5. What a kernel prescribes: the outputs of SOFTMAX, LOGISTIC, TANH, L2_NORMALIZATION.
    6. What operators touch that may rely on the scales: custom ones, LSTM and SVDF, control flow.
    7. 16-bit activations: they are symmetric always.
    8. Tensors that should have one scale, but differ already.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    kept: list[Kept] = []
    targets: dict[Tensor, Parameters] = {}
    for group in groups(model):
        new = symmetric(group.parameters)
        if new == group.parameters:
            continue
        if group.obstacle is not None:
            kept.append(group.kept())
        else:
            targets.update(dict.fromkeys(group.tensors, new))
    return requantized("symmetric_activations", model, targets, kept)

"""Scales that are powers of two, so that scaling is a shift."""

from __future__ import annotations

from tfq.passes import activations
from tfq.passes.changes import Changes, Kept, tensor_place
from tfq.passes.constants import constant_obstacle, quantized_weights
from tfq.passes.parameters import LIMITS, Parameters, next_power_of_two, parameters
from tfq.passes.requantize import requantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from tfq.model import Model, Tensor

    Plan = dict[Tensor, Parameters]


def power_of_two(
    model: Model, of: Collection[str] = ("weights", "activations")
) -> tuple[Model, Changes]:
    """Round scales up to powers of two.

    Up, so that the new range covers the old one and nothing is clipped that was not before, and
    some less; a step grows by less than a factor of two. Zero points in the middle stay there;
    others move so that the lowest number stays the lowest, to half a step.

    1. Weights, per tensor or per channel, with their biases.
    2. 8-bit activations where kernels rescale, and those that must share a scale, together; inputs
       and outputs of the model among them.
    3. Constant operands, such as what ADD adds, with the activations.

    Left alone:

    4. What a kernel prescribes; it mostly is a power of two already (SOFTMAX: 1/256).
    5. 16-bit activations: kernels take shortcuts for powers of two there, with conditions that a
       model need not meet (ADD shifts one of its inputs at most).
    6. Weights in blocks, sparse ones, those in other files; what LSTM, SVDF, custom operators and
       control flow touch.
    7. Scales that are no positive number.

    Args:
        model: Any model.
        of: What shall change: `"weights"`, `"activations"` or both.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    kept: list[Kept] = []
    targets: Plan = {}
    if "weights" in of:
        _plan_weights(model, targets, kept)
    if "activations" in of:
        _plan_activations(model, targets, kept)
    return requantized("power_of_two", model, targets, kept)


def _plan_weights(model: Model, targets: Plan, kept: list[Kept]) -> None:
    for tensor in quantized_weights(model):
        quantization = tensor.quantization
        if quantization is None or quantization.power_of_two:
            continue
        reason = constant_obstacle(tensor)
        known = parameters(tensor)
        if known is None:
            reason = "it is quantized in blocks"
        elif not all(scale > 0 for scale in known.scales):
            reason = "a scale is no positive number"
        if reason is not None or known is None:
            kept.append(Kept(tensor_place(tensor), reason or ""))
        else:
            targets[tensor] = _rounded(known)


def _plan_activations(model: Model, targets: Plan, kept: list[Kept]) -> None:
    for group in activations.groups(model):
        new = activations.power_of_two(group.parameters)
        if new == group.parameters:
            continue
        if group.obstacle is not None:
            kept.append(group.kept())
        else:
            targets.update(dict.fromkeys(group.tensors, new))


def _rounded(old: Parameters) -> Parameters:
    scales = tuple([next_power_of_two(scale) for scale in old.scales])
    middle = LIMITS[old.dtype][2]
    # Towards the middle, where the old range shrinks to.
    points = [
        middle + round((point - middle) * scale / new)
        for point, scale, new in zip(old.zero_points, old.scales, scales, strict=True)
    ]
    return old._replace(scales=scales, zero_points=tuple(points))

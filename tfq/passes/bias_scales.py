"""Biases in the scale of the sums that they are added to."""

from __future__ import annotations

from tfq import ops
from tfq.passes.changes import Changes, Kept, tensor_place
from tfq.passes.constants import constant_obstacle
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import Parameters, float32, parameters
from tfq.passes.requantize import product, requantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from tfq.model import Model, Operator, Tensor

# What float32 rounds is a hundred times smaller.
_MOST_RATIO = 1e-4


def bias_scales(model: Model, biases: Collection[Tensor] | None = None) -> tuple[Model, Changes]:
    """Give integer biases the scale of input times weights, and the zero point 0.

    Kernels add the integers of a bias as they are. Those are made anew from the real numbers that
    the bias's own scale and zero point say: where these are wrong, so is the result.

    1. Biases of convolutions and dense layers whose scale is more than 0.01 % off.
    2. Biases with a zero point.
    3. Biases without a scale: their integers stay, and get one.

    Left alone:

    4. Biases whose scales are 0 or no numbers, or whose data are in another file.
    5. Biases that operators share which need different scales, or that others read too.

    Args:
        model: Any model.
        biases: Those to change, tensors of the model; None for all.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    wanted: dict[Tensor, list[Parameters]] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            bias, target = ops.bias(operator), _target(operator)
            if bias is not None and target is not None:
                wanted.setdefault(bias, []).append(target)
    targets: dict[Tensor, Parameters] = {}
    kept = []
    for bias, found in wanted.items():
        is_meant = biases is None or bias in biases
        if not is_meant or all(_is_right(bias, target) for target in found):
            continue
        reason = _obstacle(bias, found)
        if reason is not None:
            kept.append(Kept(tensor_place(bias), reason))
        else:
            targets[bias] = found[0]
    return requantized("bias_scales", model, targets, kept)


def _target(operator: Operator) -> Parameters | None:
    """Return what the kernel of an operator takes its bias for; None if that is not known."""
    bias, weights = ops.bias(operator), ops.weights(operator)
    place = BIASED.get(operator.name, len(operator.inputs))
    data = operator.inputs[place] if place < len(operator.inputs) else None
    if bias is None or bias.dtype not in ("int32", "int64") or data is None or weights is None:
        return None
    scales = tuple([float32(scale) for scale in product(data, ops.stored(weights), {})])
    if not scales or not all(scales):
        return None
    axis = bias.shape.index(len(scales)) if len(scales) in bias.shape else 0
    return Parameters(bias.dtype, scales, (0,) * len(scales), axis)


def _is_right(bias: Tensor, target: Parameters) -> bool:
    known = parameters(bias)
    if known is None or any(known.zero_points) or len(known.scales) not in (1, len(target.scales)):
        return False
    scales = known.scales * (len(target.scales) // len(known.scales))
    return all(
        abs(have - want) <= _MOST_RATIO * want
        for have, want in zip(scales, target.scales, strict=True)
    )


def _obstacle(bias: Tensor, targets: list[Parameters]) -> str | None:
    if not bias.is_constant:
        return "it is computed while the model runs"
    if len(set(targets)) > 1 or len(bias.consumers) > len(targets):
        return "operators share it that need different scales"
    if len(targets[0].scales) not in (1, *bias.shape):
        return "it has not one value for each scale of the weights"
    if bias.quantization is None:
        return None
    known = parameters(bias)
    if known is None or not all(known.scales):
        return "its scales are no numbers above 0, or do not fit its shape"
    return constant_obstacle(bias)

"""Weights whose 0.0 is the middle of their integers."""

from __future__ import annotations

from tfq.passes.changes import Changes, Kept, tensor_place
from tfq.passes.constants import constant_obstacle, quantized_weights, symmetric_target
from tfq.passes.requantize import requantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Tensor
    from tfq.passes.parameters import Parameters


def symmetric_weights(model: Model) -> tuple[Model, Changes]:
    """Move the zero point of all weights to the middle: 0 for signed types, 128 for uint8.

    The scale becomes max|w| / 127, of each channel its own where there are channels, and biases
    follow. Weights that use one side of their range lose up to one bit.

    1. uint8 weights of older converters, whose zero point is anywhere.
    2. int8 and int4 weights with a zero point, per tensor or per channel.
    3. Both in hybrid operators, whose bias is float and stays.

    Left alone:

    4. What `per_tensor` leaves alone: sparse weights, those in other files, those that share a
       scale with an activation, those of LSTM and SVDF in integers.
    5. Weights in blocks with zero points: no kernel subtracts a zero point there.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    kept = []
    targets: dict[Tensor, Parameters] = {}
    for tensor in quantized_weights(model):
        if tensor.quantization is None or tensor.quantization.symmetric:
            continue
        reason = constant_obstacle(tensor)
        if tensor.quantization.granularity == "blockwise":
            reason = "it is quantized in blocks"
        if reason is not None:
            kept.append(Kept(tensor_place(tensor), reason))
        else:
            targets[tensor] = symmetric_target(tensor, tensor.dtype)
    return requantized("symmetric_weights", model, targets, kept)

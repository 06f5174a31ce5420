"""One scale for all channels of a constant."""

from __future__ import annotations

from tfq.passes.changes import Changes, Kept, tensor_place
from tfq.passes.constants import constant_obstacle, fine_constants, per_tensor_target
from tfq.passes.requantize import requantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Tensor
    from tfq.passes.parameters import Parameters


def per_tensor(model: Model) -> tuple[Model, Changes]:
    """Give every constant that has many scales a single one.

    The scale is max|w| / 127 (int8; 7 for int4), symmetric, so that the widest channel keeps its
    precision and the others lose to it; biases follow.

    1. Weights per channel of CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, FULLY_CONNECTED, CONV_3D:
       requantized, and the integer bias with them, whether the activations have 8 or 16 bits.
    2. The same for the weights of hybrid operators (float activations), recurrent ones included:
       their bias is float and stays.
    3. Weights in blocks, where the shape of their scales divides theirs.
    4. Constants that DEQUANTIZE unpacks, and constant operands of operators that rescale
       (BATCH_MATMUL, ADD, MUL …).

    Left alone:

    5. Sparse weights, and weights in another file.
    6. Constants that share a scale with an activation, as the table of a GATHER.
    7. Weights of DEPTHWISE_CONV_2D with float activations: LiteRT's kernel reads a scale for each
       channel, whatever the file says (found by running it).
    8. Weights of operators in integers whose kernel has rules of its own: LSTM, SVDF. Converters
       write them per tensor.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    kept = []
    targets: dict[Tensor, Parameters] = {}
    for tensor in fine_constants(model):
        reason = constant_obstacle(tensor)
        if reason is not None:
            kept.append(Kept(tensor_place(tensor), reason))
        else:
            targets[tensor] = per_tensor_target(tensor)
    return requantized("per_tensor", model, targets, kept)

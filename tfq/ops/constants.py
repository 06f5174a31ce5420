"""Constants that the file stores in a smaller type, and that the model unpacks when it runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Tensor

UNPACKING = frozenset({"DEQUANTIZE", "DENSIFY"})
# A sparse float16 constant takes two steps; a broken file may hold a circle.
MOST_STEPS = 4


def stored(tensor: Tensor) -> Tensor:
    """Follow a tensor back to the constant that it is unpacked from.

    Args:
        tensor: Any tensor.

    Returns:
        The constant, or `tensor` itself if it is not unpacked from one.
    """
    source = tensor
    for _ in range(MOST_STEPS):
        producer = source.producer
        if producer is None or producer.name not in UNPACKING or not producer.inputs:
            break
        first = producer.inputs[0]
        if first is None:
            break
        source = first
    return source if source.is_constant else tensor


def unpacks_constant(operator: Operator) -> bool:
    """Whether all that an operator does is to unpack a constant for others."""
    return operator.name in UNPACKING and all(
        tensor is not None and stored(tensor).is_constant for tensor in operator.inputs
    )


def unpacked_constants(operator: Operator) -> list[Tensor]:
    """The stored constants whose unpacked, or directly read, floats an operator takes."""
    present = [tensor for tensor in operator.inputs if tensor is not None]
    origins = [(tensor, stored(tensor)) for tensor in present]
    return [
        origin
        for tensor, origin in origins
        if origin is not tensor or (origin.is_constant and origin.dtype == "float16")
    ]

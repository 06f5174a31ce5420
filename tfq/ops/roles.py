"""Which tensors of an operator are its weights and its bias."""

from __future__ import annotations

from tfq.ops import table
from tfq.ops.constants import stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Tensor


def all_weights(op: Operator) -> tuple[Tensor, ...]:
    """Return the weights of an operator; recurrent ones have up to two dozen.

    Args:
        op: Any operator.

    Returns:
        The tensors, those first that come from the input; empty if it has none.
    """
    row = table.operation(op)
    present = _present(op, row.weights)
    if row.constant_weights_only:
        return tuple([tensor for tensor in present if stored(tensor).is_constant])
    return present


def weights(op: Operator) -> Tensor | None:
    """Return the leading weights of an operator, or None if it has none."""
    return next(iter(all_weights(op)), None)


def all_biases(op: Operator) -> tuple[Tensor, ...]:
    """Return the biases of an operator: one, but for recurrent operators one a gate."""
    return _present(op, table.operation(op).bias)


def bias(op: Operator) -> Tensor | None:
    """Return the leading bias of an operator, or None if it has none."""
    return next(iter(all_biases(op)), None)


def channel_axis(op: Operator) -> int | None:
    """Return the axis of the weights along which the output channels lie.

    Args:
        op: Any operator.

    Returns:
        The axis, counted from 0, or None if the operator has no weights or they no such axis.
    """
    axis = table.operation(op).channel_axis
    tensor = weights(op)
    if axis is None or tensor is None:
        return None
    if op.name == "BATCH_MATMUL" and op.options.get("adj_y"):
        axis -= 1
    rank = len(tensor.shape)
    if not -rank <= axis < rank:
        return None
    return axis % rank


def _present(op: Operator, places: tuple[int, ...]) -> tuple[Tensor, ...]:
    inputs = op.inputs
    found = [inputs[place] for place in places if place < len(inputs)]
    return tuple([tensor for tensor in found if tensor is not None])

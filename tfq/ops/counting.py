"""How many multiply-accumulates one run of an operator takes.

Counted are the multiplications whose products are summed: convolutions, matrix products and
recurrent cells. Elementwise arithmetic, pooling and reductions count 0, and a bias adds none.
Shapes are taken as the file states them: a dimension that is free at run time counts as written
there (mostly 1). Shapes that make no sense for the operator give 0.

The formulas follow from the operators' definitions (https://www.tensorflow.org/mlir/tfl_ops).
"""

from __future__ import annotations

import math

from tfq.ops import roles, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Tensor


def macs(op: Operator) -> int:
    """Count the multiply-accumulates of one run of an operator.

    Args:
        op: Any operator.

    Returns:
        The number; 0 for operators that do not multiply and sum, and for custom ones.
    """
    formula = table.operation(op).macs
    return _FORMULAS[formula](op) if formula is not None else 0


def _conv_2d(op: Operator) -> int:
    """Count output elements x kernel height x width x input channels of a group."""
    _, height, width, depth = _shape(_input(op, 1), 4)
    return _elements(_output(op)) * height * width * depth


def _depthwise_conv_2d(op: Operator) -> int:
    """Count output elements x kernel height x width."""
    _, height, width, _ = _shape(_input(op, 1), 4)
    return _elements(_output(op)) * height * width


def _transpose_conv(op: Operator) -> int:
    """Count input elements x kernel height x width x output channels."""
    channels, height, width, _ = _shape(_input(op, 1), 4)
    return _elements(_input(op, 2)) * height * width * channels


def _conv_3d(op: Operator) -> int:
    """Count output elements x kernel depth x height x width x input channels."""
    depth, height, width, inputs, _ = _shape(_input(op, 1), 5)
    return _elements(_output(op)) * depth * height * width * inputs


def _conv_3d_transpose(op: Operator) -> int:
    """Count input elements x kernel depth x height x width x output channels."""
    depth, height, width, channels, _ = _shape(_input(op, 1), 5)
    return _elements(_input(op, 2)) * depth * height * width * channels


def _fully_connected(op: Operator) -> int:
    """Count output elements x input features."""
    _, features = _shape(_input(op, 1), 2)
    return _elements(_output(op)) * features


def _batch_matmul(op: Operator) -> int:
    """Count output elements x the length of the dimension that is summed over."""
    left = _input(op, 0)
    if left is None or len(left.shape) < 2:
        return 0
    summed = left.shape[-2 if op.options.get("adj_x") else -1]
    return _elements(_output(op)) * max(summed, 0)


def _recurrent(op: Operator) -> int:
    """Count every weight once for each item of the batch and each step in time."""
    data = _input(op, 0)
    if data is None or not data.shape:
        return 0
    # All but the last dimension, the features, are batch and time.
    steps = math.prod(max(size, 0) for size in data.shape[:-1])
    return steps * sum(_elements(weights) for weights in roles.all_weights(op))


def _input(op: Operator, place: int) -> Tensor | None:
    return op.inputs[place] if place < len(op.inputs) else None


def _output(op: Operator) -> Tensor | None:
    return op.outputs[0] if op.outputs else None


def _elements(tensor: Tensor | None) -> int:
    return math.prod(max(size, 0) for size in tensor.shape) if tensor is not None else 0


def _shape(tensor: Tensor | None, rank: int) -> tuple[int, ...]:
    """Return the sizes of a tensor's dimensions, all 0 if it does not have that many."""
    if tensor is None or len(tensor.shape) != rank:
        return (0,) * rank
    return tuple(max(size, 0) for size in tensor.shape)


_FORMULAS = {
    "batch_matmul": _batch_matmul,
    "conv_2d": _conv_2d,
    "conv_3d": _conv_3d,
    "conv_3d_transpose": _conv_3d_transpose,
    "depthwise_conv_2d": _depthwise_conv_2d,
    "fully_connected": _fully_connected,
    "recurrent": _recurrent,
    "transpose_conv": _transpose_conv,
}

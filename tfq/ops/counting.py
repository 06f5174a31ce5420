"""How many multiply-accumulates one run of an operator takes, and how many parameters it has.

Counted as multiply-accumulates are the multiplications whose products are summed: convolutions,
matrix products and recurrent cells. Elementwise arithmetic, pooling and reductions count 0, and a
bias adds none. Shapes are taken as the file states them: a dimension that is free at run time
counts as written there (mostly 1). Shapes that make no sense for the operator give 0.

The formulas follow from the operators' definitions (https://www.tensorflow.org/mlir/tfl_ops,
https://openxla.org/stablehlo/spec). Arm's compiler vela counts the same for convolutions and matrix
products, also those of an LSTM. But its "Neural network macs" has more: one for each element that
goes through its pooling unit (SOFTMAX, copies of RESHAPE and CONCATENATION, the gates of an LSTM),
and in a TRANSPOSE_CONV with strides those with the zeros that it inserts.
"""

from __future__ import annotations

from tfq.ops import roles, table
from tfq.ops.constants import stored
from tfq.ops.sizes import elements, product

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor


def macs(op: Operator) -> int:
    """Count the multiply-accumulates of one run of an operator.

    Args:
        op: Any operator.

    Returns:
        The number; 0 for operators that do not multiply and sum, and for custom ones.
    """
    formula = table.operation(op).macs
    return _FORMULAS[formula](op) if formula is not None else 0


def parameters(op: Operator) -> int:
    """Count the values of the weights and biases that the file stores for an operator.

    Constants that the model unpacks first count; other constants, such as the addend of an ADD, do
    not. The zeros that sparse weights leave out count.

    Args:
        op: Any operator.

    Returns:
        The number; 0 if it has none.
    """
    return sum(elements(tensor) for tensor in set(_stored_parameters(op)))


def total_parameters(model: Model) -> int:
    """Count the parameters of a model, each once though several operators share it.

    Args:
        model: Any model.

    Returns:
        The number of values in the stored weights and biases of all subgraphs.
    """
    # Subgraphs have tensors of their own, but share the buffers that hold the values.
    unique: dict[object, Tensor] = {}
    for subgraph in model.subgraphs:
        for op in subgraph.operators:
            for tensor in _stored_parameters(op):
                unique.setdefault(tensor.buffer_index or tensor, tensor)
    return sum(elements(tensor) for tensor in unique.values())


def _stored_parameters(op: Operator) -> Iterator[Tensor]:
    for tensor in (*op.all_weights, *op.all_biases):
        origin = stored(tensor)
        if origin.is_constant:
            yield origin


def _conv_2d(op: Operator) -> int:
    """Count output elements x kernel height x width x input channels of a group."""
    _, height, width, depth = _shape(_input(op, 1), 4)
    return elements(_output(op)) * height * width * depth


def _depthwise_conv_2d(op: Operator) -> int:
    """Count output elements x kernel height x width."""
    _, height, width, _ = _shape(_input(op, 1), 4)
    return elements(_output(op)) * height * width


def _transpose_conv(op: Operator) -> int:
    """Count input elements x kernel height x width x output channels."""
    channels, height, width, _ = _shape(_input(op, 1), 4)
    return elements(_input(op, 2)) * height * width * channels


def _conv_3d(op: Operator) -> int:
    """Count output elements x kernel depth x height x width x input channels."""
    depth, height, width, inputs, _ = _shape(_input(op, 1), 5)
    return elements(_output(op)) * depth * height * width * inputs


def _conv_3d_transpose(op: Operator) -> int:
    """Count input elements x kernel depth x height x width x output channels."""
    depth, height, width, channels, _ = _shape(_input(op, 1), 5)
    return elements(_input(op, 2)) * depth * height * width * channels


def _fully_connected(op: Operator) -> int:
    """Count output elements x input features."""
    _, features = _shape(_input(op, 1), 2)
    return elements(_output(op)) * features


def _batch_matmul(op: Operator) -> int:
    """Count output elements x the length of the dimension that is summed over."""
    left = _input(op, 0)
    if left is None or len(left.shape) < 2:
        return 0
    summed = left.shape[-2 if op.options.get("adj_x") else -1]
    return elements(_output(op)) * max(summed, 0)


def _recurrent(op: Operator) -> int:
    """Count every weight once for each item of the batch and each step in time."""
    data = _input(op, 0)
    if data is None or not data.shape:
        return 0
    # All but the last dimension, the features, are batch and time.
    return product(data.shape[:-1]) * sum(elements(weights) for weights in roles.all_weights(op))


def _dot_general(op: Operator) -> int:
    """Count output elements x the lengths of the dimensions that are summed over."""
    places = op.options.get("lhs_contracting_dimensions") or ()
    return elements(_output(op)) * _sizes(_input(op, 0), places)


def _convolution(op: Operator) -> int:
    """Count output elements x kernel window x input channels of a group.

    Zeros that are inserted between the inputs, as in a transposed convolution, count.
    """
    places = (
        op.options.get("kernel_input_feature_dimension", 0),
        *(op.options.get("kernel_spatial_dimensions") or ()),
    )
    return elements(_output(op)) * _sizes(_input(op, 1), places)


def _input(op: Operator, place: int) -> Tensor | None:
    return op.inputs[place] if place < len(op.inputs) else None


def _output(op: Operator) -> Tensor | None:
    return op.outputs[0] if op.outputs else None


def _shape(tensor: Tensor | None, rank: int) -> tuple[int, ...]:
    """Return the sizes of a tensor's dimensions, all 0 if it does not have that many."""
    if tensor is None or len(tensor.shape) != rank:
        return (0,) * rank
    return tuple(max(size, 0) for size in tensor.shape)


def _sizes(tensor: Tensor | None, places: tuple[int, ...]) -> int:
    """Multiply some dimensions of a tensor; 0 if it does not have them."""
    shape = tensor.shape if tensor is not None else ()
    if not all(0 <= place < len(shape) for place in places):
        return 0
    return product(tuple([shape[place] for place in places]))


_FORMULAS = {
    "batch_matmul": _batch_matmul,
    "conv_2d": _conv_2d,
    "conv_3d": _conv_3d,
    "conv_3d_transpose": _conv_3d_transpose,
    "convolution": _convolution,
    "depthwise_conv_2d": _depthwise_conv_2d,
    "dot_general": _dot_general,
    "fully_connected": _fully_connected,
    "recurrent": _recurrent,
    "transpose_conv": _transpose_conv,
}

"""What the meaning of an operator prescribes for the quantization of its tensors.

The rules are those of the published 8-bit specification
(https://ai.google.dev/edge/litert/models/quantization_spec), of TensorFlow's table of operator
properties for what that leaves out (16x8, TensorFlow's lite/tools/optimize/operator_property.cc),
and of the kernels: where one moves integers unchanged whatever the scales say, or refuses to run
if they differ, they must be one. A test holds the rules against LiteRT's kernels.
"""

from __future__ import annotations

from tfq.ops import roles, table
from tfq.ops.dtypes import FLOATS
from tfq.ops.facts.kernels import groups
from tfq.ops.table import FixedQuantization

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Tensor


def fixed_quantization(op: Operator) -> FixedQuantization | None:
    """Return the quantization that an operator prescribes for its output.

    It holds where input and output are of one type: int8, uint8 (older models) or int16.

    - SOFTMAX and LOGISTIC: 1/256 and the lowest integer; int16: 1/32768 and 0.
    - TANH: 1/128 and the middle; int16: 1/32768 and 0.
    - L2_NORMALIZATION: 1/128 and the middle.
    - LOG_SOFTMAX: 16/256 and the highest integer.

    Args:
        op: Any operator.

    Returns:
        Scale and zero point of output 0, or None if there is no such rule for its type.
    """
    fixed = table.operation(op).fixed
    if not fixed or not op.inputs or not op.outputs or op.inputs[0] is None:
        return None
    dtype = op.outputs[0].dtype
    return fixed.get(dtype) if op.inputs[0].dtype == dtype else None


def shared_scale(op: Operator) -> tuple[Tensor, ...]:
    """Return the tensors of an operator that must have one scale and one zero point.

    Those of operators that move integers (RESHAPE, PAD, GATHER, SPLIT …), choose between them
    (MAXIMUM, MAX_POOL_2D, SELECT, TOPK_V2 …) or interpolate (AVERAGE_POOL_2D, RESIZE_BILINEAR);
    and the output of an LSTM with the state that it is copied to. What looks alike but rescales
    has no such rule: ADD, SUB, MUL, MEAN, SUM, RELU, LEAKY_RELU, and CONCATENATION of uint8, which
    older models use with different scales.

    Args:
        op: Any operator.

    Returns:
        Inputs, then outputs, all of one integer type and at least one of them quantized; empty if
        the operator has no such rule.
    """
    row = table.operation(op)
    present = [(place, tensor) for place, tensor in enumerate(op.inputs) if tensor is not None]
    inputs = [tensor for place, tensor in present if place in row.shares]
    if not inputs:
        return ()
    dtype = inputs[0].dtype
    if dtype in FLOATS or dtype in row.rescales:
        return ()
    # The indices of TOPK_V2, and the floats that hybrid EMBEDDING_LOOKUP gives, are of another.
    tensors = tuple([tensor for tensor in (*inputs, *op.outputs) if tensor.dtype == dtype])
    quantized = any(tensor.quantization is not None for tensor in tensors)
    return tensors if quantized and len(tensors) > 1 else ()


def lacking_scales(model: Model) -> list[Operator]:
    """List the operators with one scale for weights of which LiteRT wants a scale a channel.

    On float activations its kernel of DEPTHWISE_CONV_2D reads a scale for each output channel,
    whatever the file holds: behind the only one stands what happens to be there. That of CONV_2D
    checks the number where there are several groups of input channels, and the model does not load
    unless XNNPACK takes the operator. Both found by running them, LiteRT 2.3; all other hybrid
    kernels take one scale.

    Args:
        model: Any model.

    Returns:
        Operators of any subgraph, with several channels and a single scale.
    """
    return [
        operator
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if _wants_many_scales(operator) and _has_one_scale(operator)
    ]


def _wants_many_scales(op: Operator) -> bool:
    if op.name == "DEPTHWISE_CONV_2D":
        return op.compute == "hybrid"
    return op.name == "CONV_2D" and (groups(op) or 1) > 1 and op.compute == "hybrid"


def _has_one_scale(op: Operator) -> bool:
    tensor, axis = roles.weights(op), roles.channel_axis(op)
    if tensor is None or tensor.quantization is None or axis is None:
        return False
    return len(tensor.quantization.scales) == 1 < tensor.shape[axis]

"""Which operators LiteRT computes in integers, and what keeps one of them in float.

What is listed, and what is not, was found by asking LiteRT: a test quantizes a model of each
operator and compares what it computes. The versions are those that TFLiteConverter declares
(tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc).
"""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.passes.kernels import BIASED, INT8_VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Tensor

# Beside those of `INT8_VERSIONS`, which have kernels of uint8, too.
_VERSIONS_8 = {
    "ABS": 2,
    "BATCH_MATMUL": 2,
    "BROADCAST_TO": 3,
    "DIV": 1,
    "DYNAMIC_UPDATE_SLICE": 1,
    "ELU": 1,
    "EMBEDDING_LOOKUP": 1,
    "EXP": 2,
    "FILL": 3,
    "GATHER_ND": 1,
    "GELU": 2,
    "LOG": 2,
    "MIRROR_PAD": 2,
    "REDUCE_MAX": 2,
    "REDUCE_MIN": 2,
    "REDUCE_PROD": 2,
    "RELU_0_TO_1": 1,
    "RELU_N1_TO_1": 1,
    "REVERSE_V2": 3,
    "RSQRT": 2,
    "SELECT": 1,
    "SELECT_V2": 1,
    "SQRT": 2,
    "SQUARED_DIFFERENCE": 2,
}
_VERSIONS_16 = {
    "ABS": 3,
    "ADD": 3,
    "AVERAGE_POOL_2D": 3,
    "BATCH_MATMUL": 3,
    "BATCH_TO_SPACE_ND": 4,
    "BROADCAST_TO": 3,
    "CONCATENATION": 3,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DIV": 1,
    "DYNAMIC_UPDATE_SLICE": 4,
    "EMBEDDING_LOOKUP": 1,
    "EXP": 2,
    "EXPAND_DIMS": 1,
    "FILL": 3,
    "FULLY_CONNECTED": 4,
    "GATHER": 4,
    "GATHER_ND": 3,
    "GELU": 2,
    "LEAKY_RELU": 2,
    "LOG": 2,
    "LOGISTIC": 3,
    "MATRIX_DIAG": 1,
    "MAXIMUM": 4,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MINIMUM": 4,
    "MIRROR_PAD": 3,
    "MUL": 4,
    "PACK": 3,
    "PAD": 3,
    "PADV2": 3,
    "REDUCE_MAX": 3,
    "REDUCE_MIN": 3,
    "REDUCE_PROD": 2,
    "RELU": 3,
    "RELU6": 3,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "REVERSE_SEQUENCE": 1,
    "REVERSE_V2": 3,
    "RSQRT": 3,
    "SELECT": 1,
    "SELECT_V2": 1,
    "SHAPE": 1,
    "SLICE": 4,
    "SOFTMAX": 3,
    "SPACE_TO_BATCH_ND": 4,
    "SPLIT": 4,
    "SPLIT_V": 2,
    "SQRT": 2,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 4,
    "SUB": 5,
    "SUM": 2,
    "TANH": 3,
    "TILE": 3,
    "TOPK_V2": 3,
    "TRANSPOSE": 5,
    "TRANSPOSE_CONV": 2,
    "UNPACK": 4,
}
# The type of activations → the operators with an integer kernel → the version that has it.
KERNELS: dict[str, dict[str, int]] = {"int8": INT8_VERSIONS | _VERSIONS_8, "int16": _VERSIONS_16}
for _border in ("DEQUANTIZE", "QUANTIZE"):
    del KERNELS["int8"][_border]

# A constant whose numbers differ more may have some that quantization makes 0.
_NEAR = 16


def is_float(tensor: Tensor) -> bool:
    """Say whether a tensor holds the floats that quantization replaces."""
    return tensor.dtype == "float32"


def touches_floats(operator: Operator) -> bool:
    """Say whether there is anything to quantize at an operator."""
    return any(is_float(each) for each in (*operator.inputs, *operator.outputs) if each is not None)


def obstacle(operator: Operator, dtype: str) -> str | None:
    """Say why a float operator cannot compute in integers.

    Args:
        operator: An operator with float tensors.
        dtype: The type that its activations would have.

    Returns:
        The reason, half a sentence; None if it can.
    """
    if operator.is_custom:
        return f"the custom op {operator.name} has no {dtype} kernel that is known"
    if operator.name not in KERNELS[dtype]:
        return f"LiteRT has no {dtype} kernel of {operator.name}"
    present = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
    if any(each.is_external for each in present):
        return "its data stand in another file"
    if any(each.is_variable for each in present):
        return "it has a state"
    if operator.name == "DIV" and not _is_far_from_zero(operator.inputs[1]):
        return "what it divides by may round to 0"
    return _layer_obstacle(operator) if operator.name in BIASED else None


def _is_far_from_zero(divisor: Tensor | None) -> bool:
    if divisor is None or not divisor.is_constant:
        return False
    sizes = [abs(each) for each in divisor.values]
    return bool(sizes) and min(sizes) * _NEAR > max(sizes)


class Layer(NamedTuple):
    """A convolution or dense layer.

    Attributes:
        data: What it reads.
        weights: Its weights.
        bias: Its bias, if it has one.
        axis: The axis of the weights along which the output channels lie.
    """

    data: Tensor
    weights: Tensor
    bias: Tensor | None
    axis: int


def layer(operator: Operator) -> Layer | None:
    """Return what an operator with an integer bias reads; None if it is no such or lacks it."""
    if operator.name not in BIASED:
        return None
    data = operator.inputs[BIASED[operator.name]]
    weights, axis = ops.weights(operator), ops.channel_axis(operator)
    if data is None or weights is None or axis is None:
        return None
    return Layer(data, weights, ops.bias(operator), axis)


def _layer_obstacle(operator: Operator) -> str | None:
    found = layer(operator)
    if found is None or found.data in (found.weights, found.bias):
        return f"its inputs are not those of {operator.name}"
    fixed = [found.weights] if found.bias is None else [found.weights, found.bias]
    if not all(each.is_constant for each in fixed):
        return "its weights are computed while the model runs"
    if not all(map(is_float, fixed)):
        return "its weights are not in float32"
    return None

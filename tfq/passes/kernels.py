"""What kernels allow passes to change.

Which of them read every scale when they are prepared, so that new ones are all it takes, is a
fact of LiteRT's kernels (https://github.com/tensorflow/tensorflow/tree/master/tensorflow/lite/
kernels); a test runs models before and after.
"""

from __future__ import annotations

from tfq import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Tensor

# Operators with an integer bias, whose scale is that of the input times that of the weights →
# which input is the data.
BIASED = {
    "CONV_2D": 0,
    "CONV_3D": 0,
    "CONV_3D_TRANSPOSE": 2,
    "DEPTHWISE_CONV_2D": 0,
    "FULLY_CONNECTED": 0,
    "TRANSPOSE_CONV": 2,
}
# Their kernels of 8 bits rescale from any input scales to any output scale.
_RESCALING = frozenset(
    {
        "ABS",
        "ADD",
        "ARG_MAX",
        "ARG_MIN",
        "BATCH_MATMUL",
        "CONCATENATION",
        "DEQUANTIZE",
        "ELU",
        "EQUAL",
        "EXP",
        "GELU",
        "GREATER",
        "GREATER_EQUAL",
        "HARD_SWISH",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LESS",
        "LESS_EQUAL",
        "LOG",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MEAN",
        "MUL",
        "NOT_EQUAL",
        "PRELU",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "RSQRT",
        "SHAPE",
        "SOFTMAX",
        "SQUARED_DIFFERENCE",
        "SUB",
        "SUM",
        "TANH",
    }
)
# Their kernels of 8 bits take int8 and uint8 → the version of the operator that has int8
# (tensorflow/lite/tools/versioning/op_version.cc).
INT8_VERSIONS = {
    "ADD": 2,
    "ARG_MAX": 2,
    "ARG_MIN": 2,
    "AVERAGE_POOL_2D": 2,
    "BATCH_TO_SPACE_ND": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEPTH_TO_SPACE": 2,
    "DEQUANTIZE": 2,
    "EQUAL": 2,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 4,
    "GATHER": 2,
    "GREATER": 2,
    "GREATER_EQUAL": 2,
    "HARD_SWISH": 1,
    "L2_NORMALIZATION": 2,
    "LEAKY_RELU": 1,
    "LESS": 2,
    "LESS_EQUAL": 2,
    "LOGISTIC": 2,
    "LOG_SOFTMAX": 2,
    "MAXIMUM": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MINIMUM": 2,
    "MUL": 2,
    "NOT_EQUAL": 2,
    "PACK": 2,
    "PAD": 2,
    "PADV2": 2,
    "PRELU": 1,
    "QUANTIZE": 1,
    "RELU": 2,
    "RELU6": 2,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
    "SHAPE": 1,
    "SLICE": 2,
    "SOFTMAX": 2,
    "SPACE_TO_BATCH_ND": 2,
    "SPACE_TO_DEPTH": 2,
    "SPLIT": 2,
    "SPLIT_V": 2,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "SUM": 2,
    "TANH": 2,
    "TILE": 3,
    "TOPK_V2": 2,
    "TRANSPOSE": 2,
    "TRANSPOSE_CONV": 2,
    "UNPACK": 2,
}


def obstacle(operator: Operator, tensor: Tensor) -> str | None:
    """Say why the parameters of a tensor cannot change where an operator touches it.

    Args:
        operator: What reads or writes the tensor.
        tensor: A quantized tensor. Whether others must change with it is the business of
            `tfq.ops.shared_scale`.

    Returns:
        The reason, half a sentence; None if the operator takes any parameters.
    """
    name = operator.name
    if operator.is_custom:
        return f"the custom op {name} may rely on it"
    if ops.fixed_quantization(operator) is not None and tensor in operator.outputs:
        return f"{name} prescribes the quantization of its output"
    if name in BIASED:
        bias = ops.bias(operator)
        if bias is not None and not bias.is_constant:
            return f"the bias of {name} is computed while the model runs"
        if operator.options.get("weights_format", "DEFAULT") != "DEFAULT":
            return f"the weights of {name} are shuffled for one processor"
        return None
    if name in _RESCALING or tensor in ops.shared_scale(operator):
        return None
    if operator.compute == "hybrid" and tensor.is_constant:
        return None
    return f"{name} may rely on it"


def touching(tensor: Tensor) -> tuple[Operator, ...]:
    """Return the operators that write or read a tensor."""
    producer = tensor.producer
    return (*([producer] if producer is not None else ()), *tensor.consumers)


def called_subgraphs(model: Model) -> frozenset[int]:
    """Return the indices of the subgraphs that operators run."""
    return frozenset(
        [
            index
            for subgraph in model.subgraphs
            for operator in subgraph.operators
            for index in ops.called_subgraphs(operator)
        ]
    )

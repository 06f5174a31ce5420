"""What each operator means: one row an operator, and nothing about how a file stores it.

The places of inputs, and the axes, are those of the LiteRT kernels
(https://ai.google.dev/edge/litert/models/quantization_spec and the kernels' sources). An operator
without a row has no weights and no multiply-accumulates.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator


class Operation:
    """One row of the table.

    Attributes:
        weights: Which inputs are weights, the leading one first.
        bias: Which inputs are biases, the leading one first.
        channel_axis: The axis of the weights along which output channels lie, so the one that
            per-channel quantization runs along; negative counts from the end; None where there is
            no such axis.
        constant_weights_only: Whether the input is weights only if its data are in the file.
        macs: The name of the formula in `counting` by which its multiply-accumulates are counted,
            or None if it has none.
    """

    __slots__ = ("bias", "channel_axis", "constant_weights_only", "macs", "weights")

    def __init__(
        self,
        *,
        weights: tuple[int, ...] = (),
        bias: tuple[int, ...] = (),
        channel_axis: int | None = None,
        constant_weights_only: bool = False,
        macs: str | None = None,
    ) -> None:
        """Write one row."""
        self.weights = weights
        self.bias = bias
        self.channel_axis = channel_axis
        self.constant_weights_only = constant_weights_only
        self.macs = macs


_NOTHING = Operation()

# Weights of the four gates from the input, then from the state; the forget gate (2) leads where
# the input gate (1) is coupled to it and therefore absent.
_LSTM = Operation(
    weights=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16),
    bias=(12, 13, 14, 15, 17),
    channel_axis=0,
    macs="recurrent",
)
_RNN = Operation(weights=(1, 2), bias=(3,), channel_axis=0, macs="recurrent")

OPERATIONS: dict[str, Operation] = {
    "BATCH_MATMUL": Operation(
        weights=(1,), channel_axis=-1, constant_weights_only=True, macs="batch_matmul"
    ),
    "BIDIRECTIONAL_SEQUENCE_LSTM": Operation(
        weights=(*range(1, 12), 16, *range(18, 29), 33, *range(40, 48)),
        bias=(12, 13, 14, 15, 17, 29, 30, 31, 32, 34),
        channel_axis=0,
        macs="recurrent",
    ),
    "BIDIRECTIONAL_SEQUENCE_RNN": Operation(
        weights=(1, 2, 5, 6, 10, 11), bias=(3, 7), channel_axis=0, macs="recurrent"
    ),
    "CONV_2D": Operation(weights=(1,), bias=(2,), channel_axis=0, macs="conv_2d"),
    "CONV_3D": Operation(weights=(1,), bias=(2,), channel_axis=4, macs="conv_3d"),
    "CONV_3D_TRANSPOSE": Operation(
        weights=(1,), bias=(3,), channel_axis=3, macs="conv_3d_transpose"
    ),
    "DEPTHWISE_CONV_2D": Operation(
        weights=(1,), bias=(2,), channel_axis=3, macs="depthwise_conv_2d"
    ),
    "EMBEDDING_LOOKUP": Operation(weights=(1,), channel_axis=0),
    "EMBEDDING_LOOKUP_SPARSE": Operation(weights=(4,), channel_axis=0),
    "FULLY_CONNECTED": Operation(weights=(1,), bias=(2,), channel_axis=0, macs="fully_connected"),
    "LSTM": _LSTM,
    "RNN": _RNN,
    "SVDF": Operation(weights=(1, 2), bias=(3,), channel_axis=0, macs="recurrent"),
    "TRANSPOSE_CONV": Operation(weights=(1,), bias=(3,), channel_axis=0, macs="transpose_conv"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _LSTM,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _RNN,
}

# The kernel_type BASIC of LSTM: data, previous activation, all weights in one, biases, state.
_BASIC_LSTM = Operation(weights=(2,), bias=(3,), channel_axis=0, macs="recurrent")


def operation(op: Operator) -> Operation:
    """Return the row of an operator; for one without a row, a row that says nothing."""
    if op.is_custom:
        return _NOTHING
    if op.name == "LSTM" and op.options.get("kernel_type") == "BASIC":
        return _BASIC_LSTM
    return OPERATIONS.get(op.name, _NOTHING)

"""What each operator means: one row an operator, and nothing about how a file stores it.

The places of inputs, and the axes, are those of the LiteRT kernels
(https://ai.google.dev/edge/litert/models/quantization_spec and the kernels' sources). An operator
without a row has no weights, no multiply-accumulates and no rule for its scales.
"""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tfq.model import Operator

EVERY = range(1 << 31)


class FixedQuantization(NamedTuple):
    """The quantization that an operator must give its output."""

    scale: float
    zero_point: int


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
        shares: Which inputs must have the scale and zero point of the outputs.
        rescales: The types for which that does not hold: with them the kernel rescales.
        fixed: The output quantization that the operator prescribes, by the type of the output.
        calls: Whether it runs other subgraphs, which its options name.
    """

    __slots__ = (
        "bias",
        "calls",
        "channel_axis",
        "constant_weights_only",
        "fixed",
        "macs",
        "rescales",
        "shares",
        "weights",
    )

    def __init__(
        self,
        *,
        weights: tuple[int, ...] = (),
        bias: tuple[int, ...] = (),
        channel_axis: int | None = None,
        constant_weights_only: bool = False,
        macs: str | None = None,
        shares: Container[int] = (),
        rescales: Container[str] = (),
        fixed: Mapping[str, FixedQuantization] | None = None,
        calls: bool = False,
    ) -> None:
        """Write one row."""
        self.weights = weights
        self.bias = bias
        self.channel_axis = channel_axis
        self.constant_weights_only = constant_weights_only
        self.macs = macs
        self.shares = shares
        self.rescales = rescales
        self.fixed = fixed or {}
        self.calls = calls


_NOTHING = Operation()
_CALLS = Operation(calls=True)

# Kernels that move, choose or average integers as they are, and never rescale them; see `scales`.
_MOVES_FIRST = Operation(shares=(0,))
_MOVES_SECOND = Operation(shares=(1,))
_MOVES_ALL = Operation(shares=EVERY)
_SELECTS = Operation(shares=(1, 2))

# Numbers from 0 to 1, and from -1 to 1, in all that the type has. Both end below 1.
_PROBABILITY = Operation(
    fixed={
        "int16": FixedQuantization(1 / 32768, 0),
        "int8": FixedQuantization(1 / 256, -128),
        "uint8": FixedQuantization(1 / 256, 0),
    }
)
_UNIT = {"int8": FixedQuantization(1 / 128, 0), "uint8": FixedQuantization(1 / 128, 128)}

# Weights of the four gates from the input, then from the state; the forget gate (2) leads where
# the input gate (1) is coupled to it and therefore absent.
_LSTM = Operation(
    weights=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16),
    bias=(12, 13, 14, 15, 17),
    channel_axis=0,
    macs="recurrent",
    # The state that the output is copied to.
    shares=(18,),
)
_RNN = Operation(weights=(1, 2), bias=(3,), channel_axis=0, macs="recurrent")

OPERATIONS: dict[str, Operation] = {
    "AVERAGE_POOL_2D": _MOVES_FIRST,
    "BATCH_MATMUL": Operation(
        weights=(1,), channel_axis=-1, constant_weights_only=True, macs="batch_matmul"
    ),
    "BATCH_TO_SPACE_ND": _MOVES_FIRST,
    "BIDIRECTIONAL_SEQUENCE_LSTM": Operation(
        weights=(*range(1, 12), 16, *range(18, 29), 33, *range(40, 48)),
        bias=(12, 13, 14, 15, 17, 29, 30, 31, 32, 34),
        channel_axis=0,
        macs="recurrent",
    ),
    "BIDIRECTIONAL_SEQUENCE_RNN": Operation(
        weights=(1, 2, 5, 6, 10, 11), bias=(3, 7), channel_axis=0, macs="recurrent"
    ),
    "BROADCAST_TO": _MOVES_FIRST,
    "CALL": _CALLS,
    "CALL_ONCE": _CALLS,
    "CONCATENATION": Operation(shares=EVERY, rescales=("uint8",)),
    "CONV_2D": Operation(weights=(1,), bias=(2,), channel_axis=0, macs="conv_2d"),
    "CONV_3D": Operation(weights=(1,), bias=(2,), channel_axis=4, macs="conv_3d"),
    "CONV_3D_TRANSPOSE": Operation(
        weights=(1,), bias=(3,), channel_axis=3, macs="conv_3d_transpose"
    ),
    "DEPTHWISE_CONV_2D": Operation(
        weights=(1,), bias=(2,), channel_axis=3, macs="depthwise_conv_2d"
    ),
    "DEPTH_TO_SPACE": _MOVES_FIRST,
    "DYNAMIC_UPDATE_SLICE": Operation(shares=(0, 1)),
    "EMBEDDING_LOOKUP": Operation(weights=(1,), channel_axis=0, shares=(1,)),
    "EMBEDDING_LOOKUP_SPARSE": Operation(weights=(4,), channel_axis=0),
    "EXPAND_DIMS": _MOVES_FIRST,
    "FILL": _MOVES_SECOND,
    "FULLY_CONNECTED": Operation(weights=(1,), bias=(2,), channel_axis=0, macs="fully_connected"),
    "GATHER": _MOVES_FIRST,
    "GATHER_ND": _MOVES_FIRST,
    "IF": _CALLS,
    "L2_NORMALIZATION": Operation(fixed=_UNIT),
    "LOGISTIC": _PROBABILITY,
    "LOG_SOFTMAX": Operation(
        fixed={"int8": FixedQuantization(1 / 16, 127), "uint8": FixedQuantization(1 / 16, 255)}
    ),
    "LSTM": _LSTM,
    "MATRIX_DIAG": _MOVES_FIRST,
    "MAXIMUM": _MOVES_ALL,
    "MAX_POOL_2D": _MOVES_FIRST,
    "MINIMUM": _MOVES_ALL,
    "MIRROR_PAD": _MOVES_FIRST,
    "PACK": _MOVES_ALL,
    "PAD": _MOVES_FIRST,
    "PADV2": Operation(shares=(0, 2)),
    "REDUCE_MAX": _MOVES_FIRST,
    "REDUCE_MIN": _MOVES_FIRST,
    "RESHAPE": _MOVES_FIRST,
    "RESIZE_BILINEAR": _MOVES_FIRST,
    "RESIZE_NEAREST_NEIGHBOR": _MOVES_FIRST,
    "REVERSE_SEQUENCE": _MOVES_FIRST,
    "REVERSE_V2": _MOVES_FIRST,
    "RNN": _RNN,
    "SCATTER_ND": _MOVES_SECOND,
    "SELECT": _SELECTS,
    "SELECT_V2": _SELECTS,
    "SLICE": _MOVES_FIRST,
    "SOFTMAX": _PROBABILITY,
    "SPACE_TO_BATCH_ND": _MOVES_FIRST,
    "SPACE_TO_DEPTH": _MOVES_FIRST,
    "SPLIT": _MOVES_SECOND,
    "SPLIT_V": _MOVES_FIRST,
    "SQUEEZE": _MOVES_FIRST,
    "STABLEHLO_CASE": _CALLS,
    "STABLEHLO_COMPOSITE": _CALLS,
    "STABLEHLO_CONVOLUTION": Operation(
        weights=(1,), constant_weights_only=True, macs="convolution"
    ),
    "STABLEHLO_DOT_GENERAL": Operation(
        weights=(1,), constant_weights_only=True, macs="dot_general"
    ),
    "STABLEHLO_REDUCE": _CALLS,
    "STABLEHLO_REDUCE_WINDOW": _CALLS,
    "STABLEHLO_SCATTER": _CALLS,
    "STABLEHLO_SORT": _CALLS,
    "STABLEHLO_WHILE": _CALLS,
    "STRIDED_SLICE": _MOVES_FIRST,
    "SVDF": Operation(weights=(1, 2), bias=(3,), channel_axis=0, macs="recurrent"),
    "TANH": Operation(fixed={**_UNIT, "int16": FixedQuantization(1 / 32768, 0)}),
    "TILE": _MOVES_FIRST,
    "TOPK_V2": _MOVES_FIRST,
    "TRANSPOSE": _MOVES_FIRST,
    "TRANSPOSE_CONV": Operation(weights=(1,), bias=(3,), channel_axis=0, macs="transpose_conv"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _LSTM,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _RNN,
    "UNPACK": _MOVES_FIRST,
    "WHILE": _CALLS,
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

"""One small float model for each operator that may have an integer kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from op_nets import CONV, Net

from tfq.model import Model

_POOL = {"filterWidth": 2, "filterHeight": 2, "strideW": 2, "strideH": 2}
_DICE = np.random.default_rng(7)


def _noise(*shape: int) -> np.ndarray:
    return _DICE.standard_normal(shape).astype(np.float32)


def _ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


_IMAGE, _ROW = (1, 4, 4, 4), (1, 8)
_BORDER = _ints((0, 0), (1, 1), (1, 1), (0, 0))
_NO_BORDER = np.zeros((2, 2), np.int32)
_REDUCED = ("ReducerOptions", {"keepDims": True})
# Inputs (a tuple is the shape of an activation, an array a constant), shapes of the outputs,
# options, and the type of outputs that are no floats.
CASES: dict[str, tuple[Any, ...]] = {
    "ABS": ([_ROW], [_ROW], ("AbsOptions", {})),
    "ADD": ([_ROW, _ROW], [_ROW], ("AddOptions", {})),
    "ADD_N": ([_ROW, _ROW], [_ROW], ("AddNOptions", {})),
    "ARG_MAX": ([_ROW, _ints(1)], [(1,)], ("ArgMaxOptions", {"outputType": 2}), "int32"),
    "ARG_MIN": ([_ROW, _ints(1)], [(1,)], ("ArgMinOptions", {"outputType": 2}), "int32"),
    "AVERAGE_POOL_2D": ([_IMAGE], [(1, 2, 2, 4)], ("Pool2DOptions", _POOL)),
    "BATCH_MATMUL": ([(1, 4, 6), (1, 6, 3)], [(1, 4, 3)], ("BatchMatMulOptions", {})),
    "BATCH_TO_SPACE_ND": ([(4, 2, 2, 2), _ints(2, 2), _NO_BORDER], [(1, 4, 4, 2)]),
    "BROADCAST_TO": ([_ROW, _ints(3, 8)], [(3, 8)], None, None, 2),
    "CEIL": ([_ROW], [_ROW]),
    "CONCATENATION": ([_ROW, _ROW], [(1, 16)], ("ConcatenationOptions", {"axis": 1})),
    "CONV_2D": ([_IMAGE, _noise(5, 3, 3, 4), _noise(5)], [(1, 4, 4, 5)], ("Conv2DOptions", CONV)),
    "CONV_3D": (
        [(1, 3, 4, 4, 2), _noise(2, 2, 2, 2, 3), _noise(3)],
        [(1, 3, 4, 4, 3)],
        ("Conv3DOptions", {"strideD": 1, "strideW": 1, "strideH": 1}),
    ),
    "COS": ([_ROW], [_ROW], ("CosOptions", {})),
    "CUMSUM": ([_ROW, _ints(1)[0]], [_ROW], ("CumsumOptions", {})),
    "DEPTHWISE_CONV_2D": (
        [_IMAGE, _noise(1, 3, 3, 4), _noise(4)],
        [_IMAGE],
        ("DepthwiseConv2DOptions", {**CONV, "depthMultiplier": 1}),
    ),
    "DEPTH_TO_SPACE": ([_IMAGE], [(1, 8, 8, 1)], ("DepthToSpaceOptions", {"blockSize": 2})),
    "DIV": ([_ROW, 2 + np.abs(_noise(1, 8))], [_ROW], ("DivOptions", {})),
    "DYNAMIC_UPDATE_SLICE": (
        [_ROW, (1, 2), _ints(0, 3)],
        [_ROW],
        ("DynamicUpdateSliceOptions", {}),
    ),
    "ELU": ([_ROW], [_ROW]),
    "EMBEDDING_LOOKUP": ([_ints(1, 3), _noise(5, 8)], [(2, 8)]),
    "EQUAL": ([_ROW, "again"], [_ROW], ("EqualOptions", {}), "bool"),
    "EXP": ([_ROW], [_ROW], ("ExpOptions", {})),
    "EXPAND_DIMS": ([_ROW, _ints(0)[0]], [(1, 1, 8)], ("ExpandDimsOptions", {})),
    "FILL": ([_ints(2, 3), ()], [(2, 3)], ("FillOptions", {})),
    "FLOOR": ([_ROW], [_ROW]),
    "FLOOR_DIV": ([_ROW, 1 + np.abs(_noise(1, 8))], [_ROW], ("FloorDivOptions", {}), None, 2),
    "FLOOR_MOD": ([_ROW, 1 + np.abs(_noise(1, 8))], [_ROW], ("FloorModOptions", {})),
    "FULLY_CONNECTED": ([_ROW, _noise(3, 8), _noise(3)], [(1, 3)], ("FullyConnectedOptions", {})),
    "GATHER": ([(4, 3), _ints(1, 3)], [(2, 3)], ("GatherOptions", {})),
    "GATHER_ND": ([(4, 3), _ints((1, 0), (3, 2))], [(2,)], ("GatherNdOptions", {})),
    "GELU": ([_ROW], [_ROW], ("GeluOptions", {})),
    "GREATER": ([_ROW, _ROW], [_ROW], ("GreaterOptions", {}), "bool"),
    "GREATER_EQUAL": ([_ROW, _ROW], [_ROW], ("GreaterEqualOptions", {}), "bool"),
    "HARD_SWISH": ([_ROW], [_ROW], ("HardSwishOptions", {})),
    "L2_NORMALIZATION": ([_ROW], [_ROW], ("L2NormOptions", {})),
    "L2_POOL_2D": ([_IMAGE], [(1, 2, 2, 4)], ("Pool2DOptions", _POOL)),
    "LEAKY_RELU": ([_ROW], [_ROW], ("LeakyReluOptions", {"alpha": 0.2})),
    "LESS": ([_ROW, _ROW], [_ROW], ("LessOptions", {}), "bool"),
    "LESS_EQUAL": ([_ROW, _ROW], [_ROW], ("LessEqualOptions", {}), "bool"),
    "LOCAL_RESPONSE_NORMALIZATION": (
        [_IMAGE],
        [_IMAGE],
        (
            "LocalResponseNormalizationOptions",
            {"radius": 1, "bias": 1.0, "alpha": 1.0, "beta": 0.5},
        ),
    ),
    "LOG": ([("positive", _ROW)], [_ROW]),
    "LOGISTIC": ([_ROW], [_ROW]),
    "LOG_SOFTMAX": ([_ROW], [_ROW], ("LogSoftmaxOptions", {})),
    "MATRIX_DIAG": ([_ROW], [(1, 8, 8)], ("MatrixDiagOptions", {})),
    "MAXIMUM": ([_ROW, _noise(1, 8)], [_ROW], ("MaximumMinimumOptions", {})),
    "MAX_POOL_2D": ([_IMAGE], [(1, 2, 2, 4)], ("Pool2DOptions", _POOL)),
    "MEAN": ([_IMAGE, _ints(1, 2)], [(1, 1, 1, 4)], _REDUCED),
    "MINIMUM": ([_ROW, _ROW], [_ROW], ("MaximumMinimumOptions", {})),
    "MIRROR_PAD": ([_IMAGE, _BORDER], [(1, 6, 6, 4)], ("MirrorPadOptions", {})),
    "MUL": ([_ROW, _noise(1, 8)], [_ROW], ("MulOptions", {})),
    "NEG": ([_ROW], [_ROW], ("NegOptions", {})),
    "NOT_EQUAL": ([_ROW, np.zeros((1, 8), np.float32)], [_ROW], ("NotEqualOptions", {}), "bool"),
    "ONE_HOT": ([_ints(1, 2), _ints(4)[0], (), ()], [(2, 4)], ("OneHotOptions", {"axis": -1})),
    "PACK": ([_ROW, _ROW], [(2, 1, 8)], ("PackOptions", {"valuesCount": 2})),
    "PAD": ([_IMAGE, _BORDER], [(1, 6, 6, 4)], ("PadOptions", {})),
    "PADV2": ([_IMAGE, _BORDER, _noise(1)], [(1, 6, 6, 4)], ("PadV2Options", {})),
    "POW": ([_ROW, 2 * np.ones((1, 8), np.float32)], [_ROW], ("PowOptions", {})),
    "PRELU": ([_IMAGE, _noise(1, 1, 4)], [_IMAGE]),
    "REDUCE_MAX": ([_IMAGE, _ints(1, 2)], [(1, 1, 1, 4)], _REDUCED),
    "REDUCE_MIN": ([_IMAGE, _ints(1, 2)], [(1, 1, 1, 4)], _REDUCED),
    "REDUCE_PROD": ([(1, 2, 2, 4), _ints(1, 2)], [(1, 1, 1, 4)], _REDUCED),
    "RELU": ([_ROW], [_ROW]),
    "RELU6": ([_ROW], [_ROW]),
    "RELU_0_TO_1": ([_ROW], [_ROW]),
    "RELU_N1_TO_1": ([_ROW], [_ROW]),
    "RESHAPE": ([_ROW, _ints(2, 4)], [(2, 4)], ("ReshapeOptions", {"newShape": [2, 4]})),
    "RESIZE_BILINEAR": ([_IMAGE, _ints(8, 8)], [(1, 8, 8, 4)], ("ResizeBilinearOptions", {})),
    "RESIZE_NEAREST_NEIGHBOR": (
        [_IMAGE, _ints(8, 8)],
        [(1, 8, 8, 4)],
        ("ResizeNearestNeighborOptions", {}),
    ),
    "REVERSE_SEQUENCE": (
        [(2, 4), _ints(4, 2)],
        [(2, 4)],
        ("ReverseSequenceOptions", {"seqDim": 1}),
    ),
    "REVERSE_V2": ([_ROW, _ints(1)], [_ROW], ("ReverseV2Options", {})),
    "ROUND": ([_ROW], [_ROW]),
    "RSQRT": ([("positive", _ROW)], [_ROW]),
    "SCATTER_ND": ([_ints((1,), (3,)), (2, 8), _ints(4, 8)], [(4, 8)], ("ScatterNdOptions", {})),
    "SELECT": (
        [np.array([[True, False] * 4]), _ROW, _ROW],
        [_ROW],
        ("SelectOptions", {}),
    ),
    "SELECT_V2": (
        [np.array([[True, False] * 4]), _ROW, _noise(1, 1)],
        [_ROW],
        ("SelectV2Options", {}),
    ),
    "SHAPE": ([_ROW], [(2,)], ("ShapeOptions", {"outType": 2}), "int32"),
    "SIGN": ([_ROW], [_ROW]),
    "SIN": ([_ROW], [_ROW]),
    "SLICE": ([_ROW, _ints(0, 2), _ints(1, 4)], [(1, 4)], ("SliceOptions", {})),
    "SOFTMAX": ([_ROW], [_ROW], ("SoftmaxOptions", {"beta": 1.0})),
    "SPACE_TO_BATCH_ND": ([_IMAGE, _ints(2, 2), _NO_BORDER], [(4, 2, 2, 4)]),
    "SPACE_TO_DEPTH": ([_IMAGE], [(1, 2, 2, 16)], ("SpaceToDepthOptions", {"blockSize": 2})),
    "SPLIT": ([_ints(1)[0], _ROW], [(1, 4), (1, 4)], ("SplitOptions", {"numSplits": 2})),
    "SPLIT_V": (
        [_ROW, _ints(3, 5), _ints(1)[0]],
        [(1, 3), (1, 5)],
        ("SplitVOptions", {"numSplits": 2}),
    ),
    "SQRT": ([("positive", _ROW)], [_ROW]),
    "SQUARE": ([_ROW], [_ROW], ("SquareOptions", {})),
    "SQUARED_DIFFERENCE": ([_ROW, _ROW], [_ROW], ("SquaredDifferenceOptions", {})),
    "SQUEEZE": ([_ROW], [(8,)], ("SqueezeOptions", {"squeezeDims": [0]})),
    "STRIDED_SLICE": (
        [_ROW, _ints(0, 0), _ints(1, 8), _ints(1, 2)],
        [(1, 4)],
        ("StridedSliceOptions", {}),
    ),
    "SUB": ([_ROW, _ROW], [_ROW], ("SubOptions", {})),
    "SUM": ([_IMAGE, _ints(1, 2)], [(1, 1, 1, 4)], _REDUCED),
    "TANH": ([_ROW], [_ROW]),
    "TILE": ([_ROW, _ints(2, 1)], [(2, 8)], ("TileOptions", {})),
    "TOPK_V2": ([_ROW, _ints(3)[0]], [(1, 3), (1, 3)], ("TopKV2Options", {}), ("float32", "int32")),
    "TRANSPOSE": ([_IMAGE, _ints(0, 3, 1, 2)], [_IMAGE], ("TransposeOptions", {})),
    "TRANSPOSE_CONV": (
        [_ints(1, 8, 8, 5), _noise(5, 2, 2, 4), _IMAGE, _noise(5)],
        [(1, 8, 8, 5)],
        ("TransposeConvOptions", {"strideW": 2, "strideH": 2}),
        None,
        3,
    ),
    "UNPACK": ([(2, 8)], [(8,), (8,)], ("UnpackOptions", {"num": 2})),
}


def case(schema: Any, name: str) -> Model:
    """The float model of an operator."""
    inputs, outputs, options, dtypes, version = (*CASES[name], *[None] * 3)[:5]
    net, places = Net(schema), []
    for each in inputs:
        if isinstance(each, np.ndarray | np.generic):
            places.append(net.constant(each, each.dtype))
        elif each == "again":
            places.append(places[0])
        elif each and each[0] == "positive":
            # Such are the squares, plus a half.
            given = net.input(*each[1])
            square = net.add("MUL", [given, given], [each[1]], ("MulOptions", {}))
            places.append(
                net.add("ADD", [square, net.constant(0.5)], [each[1]], ("AddOptions", {}))
            )
        else:
            places.append(net.input(*each))
    types = (dtypes,) * len(outputs) if isinstance(dtypes, str) else dtypes or ()
    first = net.add(name, places, outputs, options, types, version or 1)
    return net.made(*range(first, first + len(outputs)))

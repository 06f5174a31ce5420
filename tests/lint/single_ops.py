"""Models of one operator that LiteRT runs, and whether it refuses a changed one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from graphs import Builder, Graph, Op, T

MIDDLES = {"int8": 0, "uint8": 128, "int16": 0}
POOL = {"filterWidth": 1, "filterHeight": 1, "strideW": 1, "strideH": 1}
CONVOLUTION = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
IMAGE = (1, 2, 2, 2)
FIXED = {
    "LOGISTIC": {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)},
    "SOFTMAX": {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)},
    "TANH": {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)},
    "L2_NORMALIZATION": {"int8": (1 / 128, 0), "uint8": (1 / 128, 128)},
    "LOG_SOFTMAX": {"int8": (1 / 16, 127), "uint8": (1 / 16, 255)},
}


def ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


# Inputs (a tuple is the shape of an activation), shapes of the outputs, options.
CASES: dict[str, tuple[list[Any], list[tuple[int, ...]], Any]] = {
    "ABS": ([(8,)], [(8,)], None),
    "ADD": ([(8,), (8,)], [(8,)], ("AddOptions", {"potScaleInt16": False})),
    "AVERAGE_POOL_2D": ([IMAGE], [IMAGE], ("Pool2DOptions", POOL)),
    "BATCH_TO_SPACE_ND": ([(4, 1, 1, 2), ints(2, 2), np.zeros((2, 2), np.int32)], [IMAGE], None),
    "BROADCAST_TO": ([(1, 4), ints(2, 4)], [(2, 4)], None),
    "CONCATENATION": ([(1, 4), (1, 4)], [(1, 8)], ("ConcatenationOptions", {"axis": 1})),
    "DEPTH_TO_SPACE": ([(1, 1, 1, 8)], [IMAGE], ("DepthToSpaceOptions", {"blockSize": 2})),
    "DIV": ([(8,), (8,)], [(8,)], ("DivOptions", {})),
    "ELU": ([(8,)], [(8,)], None),
    "EQUAL": ([(8,), (8,)], [], None),
    "EXP": ([(8,)], [(8,)], ("ExpOptions", {})),
    "EXPAND_DIMS": ([(8,), ints(0)], [(1, 8)], None),
    "GATHER": ([(8,), ints(1, 3)], [(2,)], ("GatherOptions", {})),
    "GELU": ([(8,)], [(8,)], ("GeluOptions", {})),
    "HARD_SWISH": ([(8,)], [(8,)], None),
    "L2_NORMALIZATION": ([(1, 8)], [(1, 8)], ("L2NormOptions", {})),
    "LEAKY_RELU": ([(8,)], [(8,)], ("LeakyReluOptions", {"alpha": 0.5})),
    "LOG": ([(8,)], [(8,)], None),
    "LOGISTIC": ([(1, 8)], [(1, 8)], None),
    "LOG_SOFTMAX": ([(1, 8)], [(1, 8)], None),
    "MAXIMUM": ([(8,), (8,)], [(8,)], ("MaximumMinimumOptions", {})),
    "MAX_POOL_2D": ([IMAGE], [IMAGE], ("Pool2DOptions", POOL)),
    "MEAN": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "MINIMUM": ([(8,), (8,)], [(8,)], ("MaximumMinimumOptions", {})),
    "MIRROR_PAD": ([(1, 4), ints((0, 0), (1, 1))], [(1, 6)], ("MirrorPadOptions", {})),
    "MUL": ([(8,), (8,)], [(8,)], ("MulOptions", {})),
    "NEG": ([(8,)], [(8,)], None),
    "PACK": ([(4,), (4,)], [(2, 4)], ("PackOptions", {"valuesCount": 2})),
    "PAD": ([(1, 4), ints((0, 0), (1, 1))], [(1, 6)], None),
    "PRELU": ([(1, 2, 2, 2), (1, 1, 2)], [(1, 2, 2, 2)], None),
    "QUANTIZE": ([(8,)], [(8,)], None),
    "REDUCE_MAX": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "REDUCE_PROD": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "RELU": ([(8,)], [(8,)], None),
    "RELU6": ([(8,)], [(8,)], None),
    "RELU_N1_TO_1": ([(8,)], [(8,)], None),
    "RESHAPE": ([(2, 4), ints(8)], [(8,)], None),
    "RESIZE_BILINEAR": ([IMAGE, ints(2, 2)], [IMAGE], ("ResizeBilinearOptions", {})),
    "RSQRT": ([(8,)], [(8,)], None),
    "SELECT_V2": ([np.array([True, False] * 4), (8,), (8,)], [(8,)], ("SelectV2Options", {})),
    "SLICE": ([(8,), ints(2), ints(4)], [(4,)], None),
    "SOFTMAX": ([(1, 8)], [(1, 8)], ("SoftmaxOptions", {"beta": 1.0})),
    "SPLIT": ([ints(0), (8,)], [(4,), (4,)], ("SplitOptions", {"numSplits": 2})),
    "SQRT": ([(8,)], [(8,)], None),
    "SQUARED_DIFFERENCE": ([(8,), (8,)], [(8,)], None),
    "STRIDED_SLICE": ([(8,), ints(0), ints(8), ints(2)], [(4,)], ("StridedSliceOptions", {})),
    "SUB": ([(8,), (8,)], [(8,)], ("SubOptions", {"potScaleInt16": False})),
    "SUM": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "TANH": ([(1, 8)], [(1, 8)], None),
    "TILE": ([(8,), ints(2)], [(16,)], None),
    "TRANSPOSE": ([(2, 4), ints(1, 0)], [(4, 2)], None),
    "UNPACK": ([(2, 4)], [(4,), (4,)], ("UnpackOptions", {"num": 2})),
}
# With weights: shapes of input, weights, bias and output, the axis of channels, options.
WEIGHTED: dict[str, tuple[tuple[tuple[int, ...], ...], int, Any]] = {
    "CONV_2D": ((IMAGE, (3, 1, 1, 2), (3,), (1, 2, 2, 3)), 0, ("Conv2DOptions", CONVOLUTION)),
    "DEPTHWISE_CONV_2D": (
        (IMAGE, (1, 1, 1, 2), (2,), IMAGE),
        3,
        ("DepthwiseConv2DOptions", {**CONVOLUTION, "depthMultiplier": 1}),
    ),
    "FULLY_CONNECTED": (((1, 4), (3, 4), (3,), (1, 3)), 0, ("FullyConnectedOptions", {})),
    "TRANSPOSE_CONV": (
        (IMAGE, (3, 1, 1, 2), (3,), (1, 2, 2, 3)),
        0,
        ("TransposeConvOptions", {"strideW": 1, "strideH": 1}),
    ),
}
# Operators of which there is but one version.
OLD = ("ELU", "EXPAND_DIMS", "HARD_SWISH", "NEG", "PRELU", "RELU_N1_TO_1", "RESHAPE")
BIASES = {"int8": "int32", "uint8": "int32", "int16": "int64"}


def single(name: str, dtype: str) -> Graph:
    """An operator of `CASES` as it should be."""
    inputs, outputs, options = CASES[name]
    tensors = []
    for place, each in enumerate(inputs):
        if isinstance(each, tuple):
            tensors.append(activation(f"x{place}", dtype, each))
        else:
            kind = each.dtype.name
            tensors.append(T(f"x{place}", kind, 0, True, shape=each.shape, data=each))
    for place, shape in enumerate(outputs):
        # A QUANTIZE to the same scale would be one for nothing.
        default = (0.25 if name == "QUANTIZE" else 0.5, MIDDLES[dtype])
        scale, zero_point = FIXED.get(name, {}).get(dtype, default)
        made = activation(f"y{place}", dtype, shape)
        tensors.append(made._replace(scale=scale, zero_points=(zero_point,)))
    if not outputs:
        tensors.append(T("y0", "bool", shape=(8,)))
    names = [each.name for each in tensors]
    given, made = names[: len(inputs)], names[len(inputs) :]
    operator = Op(name, given, made, options, 1 if name in OLD else 2)
    return Graph(
        tensors, [operator], [each for each in given if not by(tensors, each).constant], made
    )


def weighted(
    name: str, dtype: str, *, activation_name: str = "NONE", per_channel: bool = False
) -> Graph:
    """An operator of `WEIGHTED` as it should be: input, weights, bias, output."""
    (given, kernel, bias, made), axis, (table, values) = WEIGHTED[name]
    weights = "uint8" if dtype == "uint8" else "int8"
    count = kernel[axis] if per_channel else 1
    points = (MIDDLES[weights],) * count
    tensors = [
        activation("x", dtype, given),
        T(
            "w",
            weights,
            count,
            True,
            False,
            kernel,
            zero_points=points,
            axis=axis,
            data=MIDDLES[weights] + 1,
        ),
        T("b", BIASES[dtype], count, True, False, bias, scale=0.25),
        activation("y", dtype, made),
    ]
    kind = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}[activation_name]
    options = (table, {**values, "fusedActivationFunction": kind})
    inputs: list[str | None] = ["x", "w", "b"]
    if name == "TRANSPOSE_CONV":
        tensors.append(T("s", "int32", 0, True, shape=(4,), data=ints(*made)))
        inputs = ["s", "w", "x", "b"]
    version = {"int8": 3, "uint8": 1, "int16": 4}[dtype]
    return Graph(tensors, [Op(name, inputs, ["y"], options, version)], ["x"], ["y"])


def activation(name: str, dtype: str, shape: tuple[int, ...]) -> T:
    return T(name, dtype, 1, shape=shape, zero_points=(MIDDLES[dtype],))


def by(tensors: list[T], name: str) -> T:
    return next(each for each in tensors if each.name == name)


def changed(graph: Graph, name: str, **values: Any) -> Graph:
    """A graph whose tensor of that name differs."""
    tensors = [each._replace(**values) if each.name == name else each for each in graph.tensors]
    return graph._replace(tensors=tensors)


def content(bindings: Any, pack: Callable[[Any], bytes], graph: Graph) -> bytes:
    builder = Builder(bindings)
    builder.add(graph)
    return pack(builder.model)


def refusals(models: list[bytes]) -> list[str]:
    """What LiteRT says when it refuses to prepare each of some models; empty if it does not.

    In a process of their own, as some kernels end it.
    """
    said: list[str] = []
    while len(said) < len(models):
        rest = models[len(said) :]
        said += _said(rest)
        # The process ended before it could say anything of the next one.
        said += ["ended the process"] if len(said) < len(models) else []
    return said


def _said(models: list[bytes]) -> list[str]:
    from ai_edge_litert import interpreter

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        kind = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        for model in models:
            said = ""
            try:
                interpreter.Interpreter(
                    model_content=model, experimental_op_resolver_type=kind
                ).allocate_tensors()
            except BaseException as error:
                said = str(error).replace("\n", " ") or "refused"
            os.write(writing, f"{said}\n".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        lines = stream.read().decode().splitlines()
    os.waitpid(child, 0)
    return lines

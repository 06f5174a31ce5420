"""Models of one operator, of any shape and option, for the limits of devices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from graphs import Graph, Op, T

PADDING = {"SAME": 0, "VALID": 1}
ACTIVATION = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3, "TANH": 4}


class A(NamedTuple):
    """A quantized activation; a `signature` with -1 has open dimensions."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float = 1.0
    zero_point: int = 0
    signature: tuple[int, ...] = ()


class C(NamedTuple):
    """A quantized constant."""

    shape: tuple[int, ...]
    value: int = 1
    dtype: str = "int8"
    scale: float = 1.0
    zero_point: int = 0


def image(height: int = 8, width: int | None = None, depth: int = 16, **more: Any) -> A:
    return A((1, height, height if width is None else width, depth), **more)


def single(
    name: str, inputs: list[Any], outputs: list[A], options: tuple[str, Any] | None = None
) -> Graph:
    """One operator. Arrays are constants that are not quantized: axes, paddings, sizes."""
    rows = [_row(f"i{at}", each) for at, each in enumerate(inputs)]
    made = [_row(f"o{at}", each) for at, each in enumerate(outputs)]
    given = [row.name for row in rows]
    results = [row.name for row in made]
    variable = [row.name for row in rows if not row.constant]
    return Graph([*rows, *made], [Op(name, given, results, options)], variable, results)


def _row(name: str, each: Any) -> T:
    if isinstance(each, np.ndarray):
        return T(name, str(each.dtype), shape=each.shape, constant=True, data=each)
    scales = 0 if each.dtype.startswith("float") or each.dtype in ("bool", "int32", "int64") else 1
    row = T(name, each.dtype, scales, shape=each.shape, scale=each.scale)
    row = row._replace(zero_points=(each.zero_point,) * scales)
    if isinstance(each, C):
        return row._replace(constant=True, data=each.value)
    return row._replace(signature=each.signature)


def ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


def scalar(value: int) -> np.ndarray:
    return np.array(value, np.int32)


def convolution(
    kernel: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    *,
    depthwise: bool = False,
    dilations: tuple[int, int] = (1, 1),
    activation: str = "NONE",
    size: int = 32,
    depth: int = 16,
    made: int = 16,
    batch: int = 1,
    dtype: str = "int8",
    scale: float = 1.0,
) -> Graph:
    """CONV_2D or DEPTHWISE_CONV_2D; the weights have the scale 1, and so has the output."""
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    shape = (1, *kernel, made) if depthwise else (made, *kernel, depth)
    options = {
        "strideH": strides[0],
        "strideW": strides[1],
        "dilationHFactor": dilations[0],
        "dilationWFactor": dilations[1],
        "fusedActivationFunction": ACTIVATION[activation],
    }
    table = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    rows, columns = -(-size // strides[0]), -(-size // strides[1])
    bias = C((made,), dtype="float32" if dtype == "float32" else "int32")
    return single(
        name,
        [A((batch, size, size, depth), dtype, scale), C(shape, dtype=dtype), bias],
        [A((batch, rows, columns, made), dtype)],
        (table, options),
    )


def pool(
    name: str,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    padding: str = "VALID",
    size: tuple[int, int] = (32, 32),
    activation: str = "NONE",
) -> Graph:
    options = {
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
        "strideH": strides[0],
        "strideW": strides[1],
        "padding": PADDING[padding],
        "fusedActivationFunction": ACTIVATION[activation],
    }
    return single(name, [image(*size)], [image(8)], ("Pool2DOptions", options))


def reduction(name: str, axes: tuple[int, ...], shape: tuple[int, ...], keep: bool = True) -> Graph:
    wanted = [1 if at in {axis % len(shape) for axis in axes} else n for at, n in enumerate(shape)]
    return single(
        name, [A(shape), ints(*axes)], [A(tuple(wanted))], ("ReducerOptions", {"keepDims": keep})
    )


def resize(name: str, before: tuple[int, int], after: tuple[int, int]) -> Graph:
    options = "Bilinear" if name == "RESIZE_BILINEAR" else "NearestNeighbor"
    return single(
        name, [image(*before), ints(*after)], [image(*after)], (f"Resize{options}Options", {})
    )


def concatenation(inputs: list[Any], output: A, axis: int = 3, activation: str = "NONE") -> Graph:
    options = {"axis": axis, "fusedActivationFunction": ACTIVATION[activation]}
    return single("CONCATENATION", inputs, [output], ("ConcatenationOptions", options))


def dense(outputs: tuple[int, ...] = (1, 10), weights_format: int = 0, scale: float = 1.0) -> Graph:
    return single(
        "FULLY_CONNECTED",
        [
            A((*outputs[:-1], 64), scale=scale),
            C((outputs[-1], 64)),
            C((outputs[-1],), dtype="int32"),
        ],
        [A(outputs)],
        ("FullyConnectedOptions", {"weightsFormat": weights_format}),
    )


def pad(*paddings: tuple[int, int], after: A | None = None) -> Graph:
    return single("PAD", [image(), ints(*paddings)], [after or image(16)])


def split(axis: int, shapes: list[tuple[int, ...]], given: tuple[int, ...]) -> Graph:
    parts = [A(shape) for shape in shapes]
    return single(
        "SPLIT", [scalar(axis), A(given)], parts, ("SplitOptions", {"numSplits": len(parts)})
    )


def strided_slice(strides: tuple[int, ...], batch: int = 1, **masks: int) -> Graph:
    shape = (batch, 8, 8, 16)
    return single(
        "STRIDED_SLICE",
        [A(shape), ints(0, 0, 0, 0), ints(*shape), ints(*strides)],
        [A(shape)],
        ("StridedSliceOptions", masks),
    )


def transpose_conv(kernel: tuple[int, int], strides: tuple[int, int]) -> Graph:
    options = {"strideH": strides[0], "strideW": strides[1]}
    made = (1, 8 * strides[0], 8 * strides[1], 16)
    return single(
        "TRANSPOSE_CONV",
        [ints(*made), C((16, *kernel, 16)), image()],
        [A(made)],
        ("TransposeConvOptions", options),
    )


def unary(name: str, before: A | None = None, after: A | None = None) -> Graph:
    before = before or image()
    return single(name, [before], [after or before])

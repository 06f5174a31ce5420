"""Operators at and beyond each limit of the Ethos-U.

Each says whether it is on the NPU of an Ethos-U55 (and U65, which is the same) and of an Ethos-U85.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from many_ops import IMAGE, Row, T, ints, scalar

SAME, VALID = 0, 1
RELU = 1


class Limit(NamedTuple):
    """An operator, and where it runs."""

    row: Row
    u55: bool
    u85: bool


def conv(
    name: str = "CONV_2D",
    *,
    size: int = 16,
    depth: int = 4,
    made: int = 4,
    kernel: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    dilation: int = 1,
    padding: int = SAME,
    dtype: str = "int8",
    weights: str = "int8",
    weight: int = 1,
    scale: Any = 0.02,
    bias: T | None = None,
) -> Row:
    """A convolution."""

    def out(kernel: int, stride: int) -> int:
        reach = (kernel - 1) * dilation + 1
        return -(-size // stride) if padding == SAME else (size - reach) // stride + 1

    depthwise = name == "DEPTHWISE_CONV_2D"
    shape = (1, *kernel, depth) if depthwise else (made, *kernel, depth)
    made = depth if depthwise else made
    plain = T((made,), "int64" if dtype == "int16" else "int32", 0.001, value=0)
    activation = T((1, size, size, depth), dtype)
    options = {"depthMultiplier": 1} if depthwise else {}
    return Row(
        name,
        [activation, T(shape, weights, scale, value=weight, axis=3 * depthwise), bias or plain],
        [T((1, out(kernel[0], strides[0]), out(kernel[1], strides[1]), made), dtype)],
        {
            **options,
            "strideH": strides[0],
            "strideW": strides[1],
            "dilationHFactor": dilation,
            "dilationWFactor": dilation,
            "padding": padding,
        },
    )


def pool(name: str, kernel: tuple[int, int], padding: int, stride: int = 1, size: int = 16) -> Row:
    """A pooling operator with one channel."""
    height, width = max(size, kernel[0]), max(size, kernel[1])

    def out(size: int, kernel: int) -> int:
        return -(-size // stride) if padding == SAME else (size - kernel) // stride + 1

    options = {"filterHeight": kernel[0], "filterWidth": kernel[1], "padding": padding}
    options |= {"strideH": stride, "strideW": stride}
    after = (1, out(height, kernel[0]), out(width, kernel[1]), 1)
    return Row(name, [T((1, height, width, 1))], [T(after)], options)


def dense(
    inputs: int = 16,
    outputs: int = 8,
    *,
    dtype: str = "int8",
    weights: T | None = None,
    bias: T | None = None,
    weight: int = 1,
) -> Row:
    """FULLY_CONNECTED."""
    kernel = weights or T((outputs, inputs), "int8", 0.02, value=weight)
    made = T((1, outputs), dtype)
    return Row("FULLY_CONNECTED", [T((1, inputs), dtype), kernel, bias], [made])


def reduced(name: str, shape: tuple[int, ...], *axes: int, dtype: str = "int8") -> Row:
    """A reduction that keeps dimensions."""
    after = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return Row(name, [T(shape, dtype), ints(*axes)], [T(after, dtype)], {"keepDims": True})


def resize(
    kind: str,
    before: tuple[int, int],
    after: tuple[int, int],
    *,
    corners: bool = False,
    half: bool = False,
) -> Row:
    """A resize operator."""
    options = {"alignCorners": corners, "halfPixelCenters": half}
    given, made = T((1, *before, 2)), T((1, *after, 2))
    return Row(f"RESIZE_{kind}", [given, ints(*after)], [made], options)


def transpose(shape: tuple[int, ...], *order: int, dtype: str = "int8") -> Row:
    """TRANSPOSE."""
    return Row(
        "TRANSPOSE",
        [T(shape, dtype), ints(*order)],
        [T(tuple(shape[each] for each in order), dtype)],
    )


def transposed(
    height: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    padding: int = SAME,
    more: int = 0,
) -> Row:
    """TRANSPOSE_CONV; `more` rows than the rule says."""

    def out(size: int, kernel: int, stride: int) -> int:
        return size * stride + (max(kernel - stride, 0) if padding == VALID else 0)

    after = (1, out(height, kernel[0], strides[0]) + more, out(8, kernel[1], strides[1]), 4)
    options = {"strideH": strides[0], "strideW": strides[1], "padding": padding}
    kernels = T((4, *kernel, 4), value=1)
    return Row("TRANSPOSE_CONV", [ints(*after), kernels, T((1, height, 8, 4))], [T(after)], options)


def sliced(strides: tuple[int, ...], after: tuple[int, ...]) -> Row:
    """STRIDED_SLICE over a whole image."""
    given = [T(), ints(0, 0, 0, 0), ints(*IMAGE), ints(*strides)]
    return Row("STRIDED_SLICE", given, [T(after)])


def matmul(left: tuple[int, ...], right: tuple[int, ...], dtype: str = "int8", **more: Any) -> Row:
    """BATCH_MATMUL."""
    after = (*left[:-1], right[-1])
    return Row("BATCH_MATMUL", [T(left, dtype), T(right, dtype, **more)], [T(after, dtype)])


def alike(name: str, *, dtype: str = "int8", count: int = 1, **more: Any) -> Row:
    """An operator of which all tensors are alike."""
    return Row(name, [T(dtype=dtype, **more)] * count, [T(dtype=dtype, **more)])


def add(first: T, second: T, after: T | None = None, name: str = "ADD", **options: Any) -> Row:
    """An operator of two inputs."""
    return Row(name, [first, second], [after or T()], options)


WORD = T(dtype="int32")
LIMITS: list[Limit] = [
    # Types, shapes and quantization of all operators.
    Limit(alike("ADD", count=2), True, True),
    Limit(alike("ADD", count=2, dtype="uint8"), True, True),
    Limit(alike("ADD", count=2, dtype="int16"), True, True),
    Limit(alike("ADD", count=2, dtype="int32"), True, True),
    Limit(alike("ADD", count=2, dtype="float32", scale=None), False, False),
    Limit(alike("ADD", count=2, signature=(-1, 8, 8, 4)), True, True),
    Limit(alike("ADD", count=2, signature=(1, 8, -1, 4)), False, False),
    Limit(add(T(), T(())), False, False),
    Limit(add(T(), T((), value=1)), True, True),
    Limit(alike("ADD", count=2, scale=None), False, False),
    Limit(alike("ADD", count=2, dtype="int32", scale=None), True, True),
    Limit(add(T(), T((4,), scale=None, value=1)), False, False),
    Limit(
        alike("PAD", scale=None)._replace(inputs=[T(scale=None), ints(*[(0, 0)] * 4)]), True, True
    ),
    Limit(add(T(), T((1, 1, 1, 4), scale=(0.1, 0.2, 0.3, 0.4), value=1, axis=3)), False, False),
    Limit(add(T(dtype="uint8", zero_point=-1), T(dtype="uint8"), T(dtype="uint8")), False, False),
    Limit(add(T(dtype="uint8"), T(dtype="uint8"), T(dtype="uint8", zero_point=-1)), False, False),
    Limit(add(WORD._replace(zero_point=1), WORD, WORD), False, False),
    Limit(add(WORD, WORD, WORD._replace(zero_point=1)), False, True),
    Limit(add(T(zero_point=-129), T()), True, False),
    Limit(add(T(dtype="int16", zero_point=1), T(dtype="int16"), T(dtype="int16")), True, False),
    Limit(add(T(), T(), T(zero_point=128)), True, False),
    Limit(
        alike("RESHAPE", dtype="int64")._replace(inputs=[T(dtype="int64"), ints(*IMAGE)]),
        False,
        True,
    ),
    Limit(alike("SUB", count=2, dtype="int32"), True, True),
    Limit(alike("MINIMUM", count=2, dtype="int32"), False, True),
    Limit(alike("CUMSUM"), False, False),
    Limit(Row("SignalWindow", [T()], [T()]), False, False),
    # Weights and biases.
    Limit(conv(), True, True),
    Limit(conv(scale=(0.1, 0.2, 0.3, 0.4)), True, True),
    Limit(conv(weights="uint8", dtype="uint8"), True, True),
    Limit(conv(weights="int16"), False, False),
    Limit(conv(scale=None), False, False),
    Limit(conv(bias=T((4,), "int32", 0.001)), False, False),
    Limit(conv(bias=T((4,), "int16", 0.001, value=0)), False, False),
    Limit(conv(dtype="int16"), True, True),
    Limit(conv(dtype="int16", bias=T((4,), "int64", 0.001, value=(1 << 40) - 2)), True, True),
    Limit(conv(dtype="int16", bias=T((4,), "int64", 0.001, value=1 << 40)), False, True),
    Limit(conv(dtype="int16", bias=T((4,), "int64", 0.001, value=1 << 48)), False, False),
    Limit(conv(size=2, kernel=(1, 1), depth=65536, made=1, weight=127), True, True),
    Limit(conv(size=2, kernel=(1, 1), depth=65536, made=1, weight=-128), False, False),
    Limit(
        conv(size=2, kernel=(1, 1), depth=65536, made=1, weight=-128, dtype="int16"), False, True
    ),
    Limit(dense(bias=T((1, 8), "int32", 0.001, value=0)), True, True),
    Limit(dense(bias=T((8, 1), "int32", 0.001, value=0)), False, False),
    Limit(dense(weights=T((8, 1, 1, 16), value=1)), True, True),
    Limit(dense(weights=T((8, 2, 1, 8), value=1)), False, False),
    Limit(dense(weights=T((8, 16))), True, True),
    Limit(dense(weights=T((8, 16)), dtype="uint8"), False, True),
    Limit(dense(65536, 1, weights=T((1, 65536))), True, True),
    Limit(dense(65537, 1, weights=T((1, 65537))), False, True),
    Limit(dense(1, 65537, weights=T((65537, 1))), False, True),
    Limit(matmul((1, 4, 8), (1, 8, 5)), True, True),
    Limit(matmul((1, 4, 8), (1, 8, 5), "int16"), False, True),
    Limit(matmul((1, 1, 65537), (1, 65537, 1)), False, True),
    Limit(matmul((1, 1, 1), (1, 1, 65537)), False, True),
    Limit(matmul((1, 4, 2), (1, 2, 5), scale=(0.1, 0.2), axis=1, value=1), False, False),
    # Windows and strides.
    Limit(conv(strides=(3, 3)), True, True),
    Limit(conv(strides=(5, 5)), False, True),
    Limit(conv(strides=(4, 4)), True, True),
    Limit(conv(strides=(5, 5), padding=VALID), True, True),
    Limit(conv(strides=(5, 5), padding=VALID, dilation=2), False, True),
    Limit(conv("DEPTHWISE_CONV_2D", strides=(3, 3)), True, True),
    Limit(conv("DEPTHWISE_CONV_2D", strides=(4, 4), padding=VALID), False, True),
    Limit(conv("DEPTHWISE_CONV_2D", strides=(1, 4), padding=VALID), False, True),
    Limit(pool("AVERAGE_POOL_2D", (8, 8), SAME), True, True),
    Limit(pool("AVERAGE_POOL_2D", (9, 1), SAME), False, False),
    Limit(pool("AVERAGE_POOL_2D", (1, 9), SAME), False, False),
    Limit(pool("AVERAGE_POOL_2D", (9, 9), VALID), True, True),
    Limit(pool("AVERAGE_POOL_2D", (257, 1), VALID), False, False),
    Limit(pool("AVERAGE_POOL_2D", (3, 3), SAME, stride=5), False, True),
    Limit(pool("MAX_POOL_2D", (9, 9), SAME), True, True),
    Limit(pool("MAX_POOL_2D", (256, 1), SAME), True, True),
    Limit(pool("MAX_POOL_2D", (257, 1), SAME), False, False),
    Limit(pool("MAX_POOL_2D", (1, 65537), VALID), False, False),
    Limit(pool("MAX_POOL_2D", (3, 3), VALID, stride=5), True, True),
    Limit(transposed(8, (3, 3), (1, 1)), True, True),
    Limit(transposed(8, (3, 3), (2, 2)), True, True),
    Limit(transposed(8, (3, 3), (1, 2)), False, True),
    Limit(transposed(1, (1, 3), (1, 2)), True, True),
    Limit(transposed(8, (3, 3), (3, 3)), False, True),
    Limit(transposed(8, (3, 3), (2, 2), VALID), True, True),
    Limit(transposed(8, (1, 1), (2, 2), VALID), True, True),
    Limit(transposed(8, (3, 3), (2, 2), more=-1), False, False),
    # Types and quantization of some operators.
    Limit(alike("ELU"), True, True),
    Limit(alike("ELU", dtype="int16"), False, False),
    Limit(alike("GELU", dtype="uint8"), True, True),
    Limit(alike("GELU", dtype="int16"), False, False),
    Limit(alike("LOG", dtype="int16"), True, True),
    Limit(alike("LOG", dtype="uint8"), False, False),
    Limit(Row("LOG", [T()], [T((1, 16, 4, 4))]), False, False),
    Limit(alike("RSQRT", dtype="uint8"), False, False),
    Limit(alike("MAXIMUM", count=2), True, True),
    Limit(add(T(), T(zero_point=1), name="MAXIMUM"), False, False),
    Limit(add(T(), T((4,), scale=0.1, value=1), name="MAXIMUM"), False, False),
    Limit(add(T(), T((4,), value=1), name="MAXIMUM"), True, True),
    Limit(alike("TANH", dtype="int16"), True, True),
    Limit(Row("QUANTIZE", [T(dtype="float32", scale=None)], [T()]), False, False),
    Limit(Row("DEQUANTIZE", [T()], [T(dtype="float32", scale=None)]), False, False),
    # Axes, reductions and parameters.
    Limit(
        Row("ARG_MAX", [T((1, 4, 4, 127)), scalar(3)], [T((1, 4, 4), "int32", None)]), True, True
    ),
    Limit(
        Row("ARG_MAX", [T((1, 4, 4, 128)), scalar(3)], [T((1, 4, 4), "int32", None)]), False, True
    ),
    Limit(Row("ARG_MAX", [T(), scalar(1)], [T((1, 8, 4), "int32", None)]), False, True),
    Limit(alike("SOFTMAX", shape=(1, 256, 256, 2)), True, True),
    Limit(alike("SOFTMAX", shape=(1, 257, 256, 2)), False, False),
    Limit(reduced("MEAN", IMAGE, 1, 2), True, True),
    Limit(reduced("MEAN", (2, 8, 8, 4), 1, 2), False, False),
    Limit(reduced("MEAN", IMAGE, 3), False, False),
    Limit(reduced("MEAN", (1, 1, 8, 4), 3), True, True),
    Limit(reduced("MEAN", IMAGE, 1, 2, dtype="int32"), False, False),
    Limit(reduced("MEAN", (1, 4096, 1, 1), 1), True, True),
    Limit(reduced("MEAN", (1, 4097, 1, 1), 1), False, False),
    Limit(reduced("MEAN", (1, 256, 256, 1), 1, 2, dtype="int16"), True, True),
    Limit(reduced("MEAN", (1, 257, 256, 1), 1, 2, dtype="int16"), False, False),
    Limit(reduced("MEAN", (1, 4095, 4095, 1), 1, 2, dtype="uint8"), False, False),
    Limit(reduced("SUM", (2, 8, 8, 4), 3), True, True),
    Limit(Row("EXPAND_DIMS", [T((8,)), T((), "int32", None)], [T((1, 8))]), False, False),
    Limit(
        Row("SPLIT_V", [T((8,)), ints(4, 4), scalar(0)], [T((4,))] * 2, {"numSplits": 2}),
        True,
        True,
    ),
    Limit(
        Row("SPLIT_V", [T((8,)), ints(4, 4), scalar(0)], [T((4,))] * 2, {"numSplits": 3}),
        False,
        False,
    ),
    Limit(Row("SLICE", [T((8,)), T((1,), "int32", None), ints(4)], [T((4,))]), False, False),
    Limit(sliced((1, 2, 2, 1), (1, 4, 4, 4)), True, True),
    Limit(sliced((1, 1, 1, 2), (1, 8, 8, 2)), False, False),
    Limit(Row("REVERSE_V2", [T(), ints(1)], [T()]), False, True),
    Limit(Row("MIRROR_PAD", [T((8,)), ints((1, 1), dtype="int64")], [T((10,))]), True, True),
    Limit(Row("MIRROR_PAD", [T((8,)), ints((1, 1), dtype="int16")], [T((10,))]), False, False),
    Limit(Row("GATHER", [T((8, 4)), ints(1, 2)], [T((2, 4))], {"axis": 0}), False, True),
    Limit(Row("GATHER", [T((8, 4)), ints(1, 2)], [T((8, 2))], {"axis": 1}), False, False),
    Limit(Row("SCATTER_ND", [ints([1], [3]), T((2, 4)), ints(8, 4)], [T((8, 4))]), False, True),
    Limit(Row("SCATTER_ND", [ints([1], [1]), T((2, 4)), ints(8, 4)], [T((8, 4))]), False, False),
    Limit(
        Row("SCATTER_ND", [ints([1, 1], [3, 1]), T((2,)), ints(8, 4)], [T((8, 4))]), False, False
    ),
    # Resizing.
    Limit(resize("BILINEAR", (8, 8), (16, 16)), True, True),
    Limit(resize("BILINEAR", (8, 8), (24, 24)), False, False),
    Limit(resize("BILINEAR", (8, 8), (64, 64)), True, True),
    Limit(resize("BILINEAR", (4, 4), (64, 64)), False, True),
    Limit(resize("BILINEAR", (8, 8), (15, 15), corners=True), True, True),
    Limit(resize("BILINEAR", (8, 8), (16, 16), corners=True), False, False),
    Limit(resize("BILINEAR", (8, 8), (16, 16), half=True), True, True),
    Limit(resize("BILINEAR", (8, 8), (32, 32), half=True), False, True),
    Limit(resize("BILINEAR", (8, 8), (8, 8), half=True), False, True),
    Limit(resize("BILINEAR", (8, 8), (15, 15), corners=True, half=True), True, False),
    Limit(resize("BILINEAR", (1, 1), (7, 9)), True, True),
    Limit(resize("BILINEAR", (1, 8), (1, 16)), True, True),
    Limit(resize("BILINEAR", (8, 8), (8, 16)), False, True),
    Limit(resize("NEAREST_NEIGHBOR", (8, 8), (32, 32), half=True), True, True),
    Limit(resize("NEAREST_NEIGHBOR", (8, 8), (24, 24)), False, True),
    Limit(resize("NEAREST_NEIGHBOR", (2, 2), (2048, 2048)), False, True),
    Limit(resize("NEAREST_NEIGHBOR", (1, 2), (1, 4096)), False, False),
    # Transposing.
    Limit(transpose((1, 2, 3, 4), 0, 2, 1, 3), True, True),
    Limit(transpose((1, 65536, 2, 2), 0, 2, 1, 3), True, True),
    Limit(transpose((1, 65537, 2, 2), 0, 2, 1, 3), False, True),
    Limit(transpose((65537, 2), 1, 0), False, True),
    Limit(transpose((256, 256, 2, 2), 1, 0, 2, 3), True, True),
    Limit(transpose((256, 257, 2, 2), 1, 0, 2, 3), False, True),
    Limit(transpose((40000, 2, 2, 2), 0, 1, 3, 2), False, True),
    Limit(transpose((40000, 2, 2, 2), 0, 1, 2, 3), True, True),
    Limit(transpose((1, 2, 3, 4, 5), 0, 1, 2, 4, 3), True, True),
    Limit(transpose((2,) * 8, *reversed(range(8))), True, True),
    Limit(transpose((2,) * 9, *reversed(range(9))), False, False),
    Limit(transpose((1, 2, 2, 16384), 0, 2, 1, 3, dtype="int32"), True, True),
    Limit(transpose((1, 2, 2, 16385), 0, 2, 1, 3, dtype="int32"), False, True),
    Limit(transpose((2, 3, 4, 5), 0, 2, 1, 3, dtype="int32"), False, True),
    Limit(transpose((2, 3, 4, 5), 0, 1, 3, 2, dtype="int32"), True, True),
    Limit(transpose((300, 300, 2, 2), 0, 1, 3, 2, dtype="int32"), False, True),
    Limit(transpose((2, 3, 4), 2, 1, 0, dtype="int32"), False, True),
    Limit(transpose((1, 1, 2, 3, 4), 0, 1, 2, 4, 3, dtype="int32"), False, True),
    # What vela does beside what it says.
    Limit(add(T(), T(), fusedActivationFunction=RELU), True, True),
]
# Operators for whose sake vela refuses the model they are in.
REFUSED: dict[str, list[Row]] = {
    "ethos-u55": [
        alike("HARD_SWISH", dtype="int16"),
        add(T(), T(dtype="uint8")),
        Row("ARG_MAX", [T((2, 4, 4, 8)), scalar(3)], [T((2, 4, 4), "int32", None)]),
        dense(dtype="int32"),
    ],
    "ethos-u85": [
        alike("HARD_SWISH", dtype="float32", scale=None),
        alike("RELU", dtype="int32"),
        alike("ABS", dtype="int64"),
        add(WORD, WORD, WORD, fusedActivationFunction=RELU),
    ],
}

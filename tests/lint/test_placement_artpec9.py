"""Which operators the DLPU of ARTPEC-9 takes: each limit that is written."""

from __future__ import annotations

from collections.abc import Callable

import device_ops as d
import pytest
from device_ops import A, C, image, ints
from graphs import Graph

from tfq import profiles
from tfq.lint.placement import place
from tfq.model import Model

Build = Callable[..., Model]
PARTS = "expected at least 0.0078125 (the output scale is at least 1/128"
MULTIPLIER = "(input scale × weight scale / output scale)"
TABLE = {
    "LOGISTIC": (1 / 256, {"int8": -128, "uint8": 0}),
    "TANH": (1 / 128, {"int8": 0, "uint8": 128}),
}


def fixed(
    name: str, dtype: str, scale: float | None = None, zero_point: int | None = None
) -> Graph:
    right, points = TABLE[name]
    after = image(
        dtype=dtype,
        scale=right if scale is None else scale,
        zero_point=points[dtype] if zero_point is None else zero_point,
    )
    return d.unary(name, image(dtype=dtype), after)


def scaled(scale: float, factor: int = 2, shape: tuple[int, ...] = (), point: int = 0) -> Graph:
    return d.single("MUL", [image(), C(shape, factor)], [image(scale=scale, zero_point=point)])


def depth_to_space(block: int, depth: int) -> Graph:
    made = image(8 * block, depth=depth // block**2)
    return d.single(
        "DEPTH_TO_SPACE",
        [image(depth=depth)],
        [made],
        ("DepthToSpaceOptions", {"blockSize": block}),
    )


def leaky(alpha: float) -> Graph:
    return d.single("LEAKY_RELU", [image()], [image()], ("LeakyReluOptions", {"alpha": alpha}))


ROWS: list[tuple[Graph, str]] = [
    (d.unary("RELU"), ""),
    (d.unary("RELU6", image(dtype="uint8")), ""),
    (d.unary("RESHAPE", A((1, 8, 8, 8)), A((1, 512))), ""),
    (d.unary("RELU", A((1, 2, 2, 2, 2))), "rank is 5, expected at most 4"),
    (d.unary("RELU", A((2, 8, 8, 8))), "batch is 2, expected 1"),
    (d.unary("RELU", image(dtype="int16")), "int16 activations"),
    (d.single("ARG_MAX", [image(), ints(3)], [A((1, 8, 8), "int32")]), "artpec9 has no ARG_MAX"),
    (d.single("ADD", [image(), image()], [image()]), ""),
    (
        d.single("ADD", [image(), A((1, 1, 1, 16))], [image()]),
        "inputs alike is no, expected yes (el",
    ),
    (d.pool("AVERAGE_POOL_2D", (3, 3), (1, 1), "SAME"), ""),
    (d.pool("AVERAGE_POOL_2D", (3, 3), (2, 2), "SAME"), "stride height is 2, expected 1"),
    (d.pool("AVERAGE_POOL_2D", (3, 3), (1, 1), "VALID"), "padding is VALID, expected SAME"),
    (d.pool("AVERAGE_POOL_2D", (7, 7), (1, 1), size=(7, 7)), ""),
    (d.pool("AVERAGE_POOL_2D", (8, 8), (1, 1), size=(8, 8)), ""),
    (d.pool("AVERAGE_POOL_2D", (7, 7), (1, 1), size=(8, 8)), "kernel covers input is no"),
    (d.pool("AVERAGE_POOL_2D", (6, 6), (1, 1), size=(6, 6)), "kernel height is 6, expected 3 or 7"),
    (d.concatenation([image(), image(depth=32)], image(depth=48)), ""),
    (
        d.concatenation([image(), image(depth=8)], image(depth=24)),
        "input depths is 16, 8, expected",
    ),
    (d.concatenation([image(depth=8)] * 2, image(16, 8, 8), axis=1), ""),
    (d.concatenation([image()] * 2, image(depth=32, scale=1 / 128)), ""),
    (d.concatenation([image()] * 2, image(depth=32, scale=1 / 129)), PARTS),
    *[(d.convolution((size, 3)), "") for size in (1, 2, 3, 5, 7)],
    (d.convolution((9, 9)), ""),
    (d.convolution((4, 3)), "kernel height is 4, expected one of 1, 2, 3, 5, 7, 9"),
    (d.convolution((3, 11)), "kernel width is 11"),
    (d.convolution((7, 7), (2, 2)), ""),
    (d.convolution((9, 9), (2, 2)), "stride height is 2, expected 1 (kernels above 7)"),
    (d.convolution((3, 9), (2, 2)), "stride width is 2, expected 1 (kernels above 7)"),
    (d.convolution((3, 3), (3, 3)), "stride height is 3, expected one of 1, 2"),
    (d.convolution((3, 3), (1, 2)), "strides equal is no"),
    (d.convolution(scale=65535.0), ""),
    (d.convolution(scale=65536.0), f"multiplier is 65536, expected less than 65536 {MULTIPLIER}"),
    (d.convolution(depthwise=True), ""),
    (d.convolution(depthwise=True, made=32), "depth multiplier is 2, expected 1"),
    (d.convolution((6, 6), depthwise=True), "kernel height is 6"),
    (d.convolution((9, 9), (2, 2), depthwise=True), "stride height is 2, expected 1"),
    (d.convolution(depthwise=True, scale=65536.0), "multiplier is 65536"),
    (depth_to_space(2, 16), ""),
    (depth_to_space(4, 16), "block size is 4, expected 2"),
    (depth_to_space(2, 18), "input depth is 18, expected a multiple of 4"),
    (d.dense(), ""),
    (d.dense(scale=65536.0), "multiplier is 65536"),
    (leaky(0.5), ""),
    (leaky(0.0), "alpha is 0, expected more than 0"),
    (leaky(1.0), "alpha is 1, expected less than 1"),
    (d.pool("MAX_POOL_2D", (1, 1), (2, 2)), ""),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2), "VALID", (32, 16)), ""),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2), "VALID", (33, 16)), "input height is 33, expected"),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2), "SAME", (33, 17)), ""),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2), "SAME", (32, 17)), "input height is 32, expected no"),
    (d.pool("MAX_POOL_2D", (3, 3), (2, 2), "VALID", (416, 416)), ""),
    (d.pool("MAX_POOL_2D", (3, 3), (2, 2), "SAME", (419, 417)), ""),
    (d.pool("MAX_POOL_2D", (3, 3), (2, 2), "VALID", (416, 418)), "input width is 418, expected"),
    (d.pool("MAX_POOL_2D", (3, 3), (2, 2), "SAME", (417, 419)), "input width is 419, expected"),
    (d.pool("MAX_POOL_2D", (4, 4), (2, 2)), "kernel height is 4, expected 1 or 2 or 3; stride"),
    (d.pool("MAX_POOL_2D", (9, 9), (1, 1), "VALID"), ""),
    (d.pool("MAX_POOL_2D", (10, 9), (1, 1), "VALID"), "kernel height is 10"),
    (d.pool("MAX_POOL_2D", (17, 17), (1, 1), "SAME"), ""),
    (d.pool("MAX_POOL_2D", (17, 18), (1, 1), "SAME"), "kernel width is 18, expected at most 17"),
    (d.pool("MAX_POOL_2D", (5, 5), (1, 1), "SAME", (4, 8)), "kernel fits input is no"),
    (d.reduction("MEAN", (1, 2), (1, 7, 7, 16)), ""),
    (d.reduction("MEAN", (-3, -2), (1, 8, 8, 16), keep=False), ""),
    (d.reduction("MEAN", (1, 2), (1, 6, 6, 16)), "input height is 6, expected 7 or 8 (over a"),
    (d.reduction("MEAN", (1,), (1, 7, 7, 16)), "reduced values is 7, expected 49"),
    (d.reduction("MEAN", (3,), (1, 7, 7, 49)), "axes is 3, expected one of 1, 2"),
    (d.single("MUL", [image(), C((1, 1, 1, 16))], [image()]), ""),
    (d.single("MUL", [image(), C((1, 1, 8, 16))], [image()]), "constant per channel is no"),
    (d.single("MUL", [image(), image()], [image()]), "constant inputs is 0, expected 1"),
    (scaled(2.0), ""),
    (scaled(2.0, shape=(1,)), ""),
    (scaled(3.0), "factor changes nothing is no, expected yes (by a constant of shape 1x1x1xC"),
    (scaled(2.0, point=1), "factor changes nothing is no"),
    (d.pad((0, 0), (7, 7), (0, 7), (0, 0)), ""),
    (d.pad((0, 0), (8, 0), (0, 0), (0, 0)), "pad sizes is 0, 8, expected at most 7"),
    (d.pad((0, 0), (1, 1), (1, 1), (0, 1)), "pads depth is yes, expected no (height and width"),
    (d.pad((1, 0), (1, 1), (1, 1), (0, 0)), "pads batch is yes"),
    (d.pad((0, 0), (1, 1), (1, 1), (0, 0), after=image(10, scale=2.0)), "same quantization is no"),
    (d.unary("QUANTIZE", image(), image(scale=1 / 128)), ""),
    (d.unary("QUANTIZE", image(), image(scale=1 / 129)), PARTS),
    (d.unary("QUANTIZE", image(dtype="float32"), image()), "float compute"),
    *[
        row
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
        for row in (
            (d.resize(name, (8, 8), (16, 15)), ""),
            (d.resize(name, (8, 8), (16, 14)), "resize doubles is no, expected yes (to 2n or 2n"),
            (d.resize(name, (8, 8), (24, 24)), "resize doubles is no"),
        )
    ],
    *[(fixed(name, dtype), "") for name in TABLE for dtype in ("int8", "uint8")],
    (fixed("LOGISTIC", "int8", scale=1 / 128), "output scale is 0.0078125, expected 0.00390625"),
    (fixed("LOGISTIC", "int8", zero_point=0), "output zero point is 0, expected -128 (the minimum"),
    (fixed("LOGISTIC", "uint8", zero_point=1), "output zero point is 1, expected 0 (the minimum"),
    (fixed("TANH", "int8", scale=1 / 256), "output scale is 0.00390625, expected 0.0078125"),
    (fixed("TANH", "int8", zero_point=1), "output zero point is 1, expected 0 (the middle"),
    (fixed("TANH", "uint8", zero_point=0), "output zero point is 0, expected 128 (the middle"),
    (d.split(3, [(1, 8, 8, 16)] * 2, (1, 8, 8, 32)), ""),
    (
        d.split(3, [(1, 8, 8, 8)] * 2, (1, 8, 8, 16)),
        "output depths is 8, expected a multiple of 16",
    ),
    (d.split(1, [(1, 4, 8, 8)] * 2, (1, 8, 8, 8)), ""),
    (d.transpose_conv((3, 3), (2, 2)), ""),
    (d.transpose_conv((4, 4), (2, 2)), "kernel height is 4"),
    (d.transpose_conv((3, 3), (1, 1)), "stride height is 1, expected 2"),
]


@pytest.mark.parametrize(("graph", "reason"), ROWS)
def test_an_operator_at_or_beyond_a_limit(build: Build, graph: Graph, reason: str) -> None:
    (placed,) = place(build(graph), profiles.load("artpec9")).operators
    assert placed.target == ("cpu" if reason else "accelerator"), placed.reason
    assert reason in placed.reason
    assert bool(placed.reason) == bool(reason)


def test_what_it_says_of_the_whole_model() -> None:
    profile = profiles.load("artpec9")
    assert (profile.shapes.batch, profile.shapes.rank) == (1, 4)
    assert (profile.misfit.target, profile.misfit.ends_accelerator) == ("cpu", False)
    assert "limited set of ops" in profile.quantization.granularity.why
    assert "Tensors are NHWC." in profile.hints

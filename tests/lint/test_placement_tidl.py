"""Which operators TIDL takes, and how the two families of devices differ."""

from __future__ import annotations

from collections.abc import Callable

import device_ops as d
import numpy as np
import pytest
from device_ops import A, C, image, ints
from graphs import Graph

from tfq import profiles
from tfq.lint.placement import place
from tfq.model import Model

Build = Callable[..., Model]
BINARY = ["ADD", "DIV", "MUL", "SUB"]


def blocks(name: str, block: int, before: A) -> Graph:
    table = "DepthToSpaceOptions" if name == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    return d.single(name, [before], [image()], (table, {"blockSize": block}))


def reshape(shape: object, before: A, after: A) -> Graph:
    return d.single("RESHAPE", [before, shape], [after])


ROWS: list[tuple[Graph, str]] = [
    *[
        row
        for depthwise in (False, True)
        for row in (
            (d.convolution(depthwise=depthwise), ""),
            (d.convolution(depthwise=depthwise, dtype="float32"), ""),
            (d.convolution((7, 7), (2, 2), depthwise=depthwise), ""),
            (d.convolution(strides=(1, 2), depthwise=depthwise), "strides equal is no, expected"),
        )
    ],
    (d.convolution((9, 9), (1, 1)), ""),
    (d.convolution((9, 9), (2, 2)), "kernel height is 9, expected at most 7 (with stride 2)"),
    (d.convolution((7, 8), (2, 2)), "kernel width is 8, expected at most 7 (with stride 2)"),
    (d.convolution((11, 11), (4, 4)), ""),
    (d.convolution((7, 7), (4, 4)), "kernel height is 7, expected 11 (with stride 4)"),
    (d.convolution((1, 1), depthwise=True), "kernel height is 1, expected 3 or 5 or 7"),
    (d.convolution((5, 5), depthwise=True), ""),
    (d.convolution((5, 3), depthwise=True), "(3x3, 5x5 or 7x7)"),
    (d.convolution((3, 3), (3, 3), depthwise=True), "stride height is 3, expected one of 1, 2"),
    (d.single("CONV_2D", [image(), image(3, 3)], [image()]), "variable inputs is 2, expected 1"),
    (
        d.single("CONV_2D", [A((2, 2, 8, 8, 4)), C((4, 3, 3, 4))], [A((2, 2, 8, 8, 4))]),
        "non singleton dimensions is 5, expected at most 4",
    ),
    (d.unary("TANH", A((2, 2, 2, 2, 2, 2))), ""),
    (d.unary("TANH", A((2, 2, 2, 2, 2, 2, 1))), ""),
    (d.unary("TANH", A((2,) * 7)), "non singleton dimensions is 7, expected at most 6"),
    *[(d.single(name, [image(), C((16,))], [image()]), "") for name in BINARY],
    *[(d.single(name, [image(), C(())], [image()]), "") for name in BINARY],
    *[
        (d.single(name, [image(), C((8, 16))], [image()]), "constant dimensions is 2, expected at")
        for name in BINARY
    ],
    *[(d.single(name, [image()] * 2, [image()]), "") for name in BINARY if name != "SUB"],
    *[
        (
            d.single(name, [A((2, 8)), C((1, 8))], [A((2, 8))]),
            "broadcasts batch is yes, expected no",
        )
        for name in BINARY
    ],
    *[
        (d.single(name, [image(), C((16,)), C((16,))], [image()]), "inputs is 3, expected 2")
        for name in BINARY
    ],
    (d.single("SUB", [image()] * 2, [image()]), "variable inputs is 2, expected at most 1 (not of"),
    (d.concatenation([image()] * 2, image(depth=32)), ""),
    (d.concatenation([image()] * 2, A((2, 8, 8, 16)), axis=0), "axes is 0, expected at least 1"),
    (d.strided_slice((1, 1, 1, 1)), ""),
    (d.strided_slice((1, 1, 1, 1), batch=2), "batch is 2, expected 1"),
    (d.single("ARG_MAX", [image(), ints(-3)], [A((1, 8, 16), "int32")]), ""),
    (d.single("ARG_MAX", [image(), ints(1)], [A((1, 8, 16), "int32")]), ""),
    (d.single("ARG_MAX", [image(), ints(3)], [A((1, 8, 8), "int32")]), "axes from end is -1"),
    (blocks("DEPTH_TO_SPACE", 2, image()), ""),
    (blocks("DEPTH_TO_SPACE", 2, image(depth=18)), "block fits is no, expected yes (the depth is"),
    (blocks("DEPTH_TO_SPACE", 2, A((8, 8, 16))), "input rank is 3, expected 4"),
    (blocks("SPACE_TO_DEPTH", 2, image()), ""),
    (blocks("SPACE_TO_DEPTH", 3, image()), "block fits is no, expected yes (height and width are"),
    (d.pad((0, 0), (1, 1), (1, 1), (0, 0)), ""),
    (d.pad((1, 0), (0, 0), (0, 0), (0, 0)), "pads batch is yes, expected no (height and width"),
    (d.pad((0, 0), (0, 0), (0, 0), (0, 1)), "pads depth is yes, expected no (height and width"),
    (reshape(ints(1, 64), A((1, 8, 8)), A((1, 64))), ""),
    (reshape(A((2,), "int32"), A((1, 8, 8)), A((1, 64))), "parameters constant is no"),
    (reshape(ints(1, 64), A((1, 8, 8), signature=(-1, 8, 8)), A((1, 64))), "static is no"),
    (reshape(ints(1, 32), A((1, 8, 8)), A((1, 32))), "same volume is no, expected yes"),
    (d.unary("GELU"), "has no GELU"),
    (d.unary("TRANSPOSE_CONV"), "has no TRANSPOSE_CONV"),
]


@pytest.mark.parametrize("profile", ["tidl-tda4vm", "tidl-am6xa"])
@pytest.mark.parametrize(("graph", "reason"), ROWS)
def test_an_operator_at_or_beyond_a_limit(
    build: Build, profile: str, graph: Graph, reason: str
) -> None:
    (placed,) = place(build(graph), profiles.load(profile)).operators
    assert placed.target == ("cpu" if reason else "accelerator"), placed.reason
    assert reason in placed.reason
    assert bool(placed.reason) == bool(reason)


TAKEN = """
    AVERAGE_POOL_2D BATCH_TO_SPACE_ND CAST DEQUANTIZE ELU FULLY_CONNECTED LEAKY_RELU LOGISTIC
    MAX_POOL_2D MEAN PACK PRELU QUANTIZE RELU RELU6 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SOFTMAX
    SPACE_TO_BATCH_ND SQUEEZE TANH TRANSPOSE
"""


@pytest.mark.parametrize("name", TAKEN.split())
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_operator_without_limits_in_integers_and_floats(
    build: Build, name: str, dtype: str
) -> None:
    model = build(d.unary(name, A((1, 8), dtype)))
    (placed,) = place(model, profiles.load("tidl-tda4vm")).operators
    assert (placed.target, placed.reason) == ("accelerator", "")


def test_tda4vm_wants_one_symmetric_power_of_two_a_tensor() -> None:
    profile = profiles.load("tidl-tda4vm")
    wants = profile.quantization
    assert wants.granularity.required == "per_tensor"
    assert wants.symmetric == wants.power_of_two == ("weights", "activations")
    assert set(wants.activations) == {"int8", "int16"}


def test_tda4vm_takes_a_float_model_and_an_integer_model_for_its_ranges() -> None:
    profile = profiles.load("tidl-tda4vm")
    assert (profile.quantization.compute, profile.convert.mode) == ("any", "float32")
    assert any("not possible here" in hint for hint in profile.hints)
    assert any("quant_params_proto_path" in hint for hint in profile.hints)


def test_the_others_also_take_asymmetric_per_channel_and_full_integer_models() -> None:
    profile = profiles.load("tidl-am6xa")
    wants = profile.quantization
    assert set(wants.granularity.allowed) == {"per_tensor", "per_channel"}
    assert (wants.granularity.required, wants.symmetric, wants.power_of_two) == (None, (), ())
    assert any("quantization_scale_type 3" in hint for hint in profile.hints)


def test_a_wide_constant_is_counted_without_ones(build: Build) -> None:
    graph = d.single("ADD", [image(), np.ones((1, 1, 1, 16), np.float32)], [image()])
    (placed,) = place(build(graph), profiles.load("tidl-tda4vm")).operators
    assert placed.reason == ""

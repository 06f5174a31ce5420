"""What costs speed or accuracy on a device, though it runs: the advice that can be computed."""

from __future__ import annotations

from collections.abc import Callable

import device_ops as d
import pytest
from device_ops import A, C, image
from graphs import Graph, Op, T

from tfq import profiles
from tfq.model import Model

Build = Callable[..., Model]


def advice(model: Model, profile: str) -> list[str]:
    rows = profiles.load(profile).advice
    found = [row.broken_by(op) for op in model.operators for row in rows]
    return [each for each in found if each]


SIXES = "(that is the best number of filters in a block)"
STRIDES = "(stride 2 is native; for other strides consider pooling)"
ARTPEC8 = [
    (d.convolution(made=12), []),
    (d.convolution(strides=(2, 2), made=12), []),
    (d.convolution(made=16), [f"output depth is 16, expected a multiple of 6 {SIXES}"]),
    (
        d.convolution((1, 1), made=6),
        ["kernel height is 1, expected 3 (3x3 is the best kernel size)"],
    ),
    (
        d.convolution((3, 5), made=6),
        ["kernel width is 5, expected 3 (3x3 is the best kernel size)"],
    ),
    (
        d.convolution(strides=(3, 3), made=6),
        [f"stride height is 3, expected one of 1, 2 {STRIDES}"],
    ),
    (
        d.convolution(depthwise=True),
        ["operator is DEPTHWISE_CONV_2D, expected CONV_2D (regular convolutions are faster)"],
    ),
    (d.unary("RELU"), []),
    (
        d.unary("LEAKY_RELU"),
        ["operator is LEAKY_RELU, expected RELU (it fuses, and the hardware skips zeros)"],
    ),
]
SIXTEENS = "(channels are computed in groups of 16)"
ARTPEC9 = [
    (d.convolution(activation="RELU6"), []),
    (
        d.convolution(activation="RELU"),
        ["fused activation is RELU, expected RELU6 (RELU6 where possible)"],
    ),
    (d.convolution(made=24), [f"output depth is 24, expected a multiple of 16 {SIXTEENS}"]),
    (
        d.convolution(depthwise=True, depth=8, made=8),
        [f"output depth is 8, expected a multiple of 16 {SIXTEENS}"],
    ),
    (d.unary("RELU6"), []),
    (d.unary("RELU"), ["operator is RELU, expected RELU6 (RELU6 where possible)"]),
    (
        d.pad((0, 0), (1, 1), (1, 1), (0, 0)),
        [
            "operator is PAD, expected anything but PAD "
            "(no explicit padding where it can be avoided)"
        ],
    ),
]
POOLS = "(validated are 3x3, 2x2 and 1x1 with stride 1 or 2)"
TIDL = [
    *[(d.pool("MAX_POOL_2D", (size, size), (2, 2)), []) for size in (1, 2, 3)],
    (d.pool("AVERAGE_POOL_2D", (3, 3), (1, 1)), []),
    (
        d.pool("AVERAGE_POOL_2D", (7, 7), (1, 1)),
        [f"kernel height is 7, expected 3 or 2 or 1 {POOLS}"],
    ),
    (
        d.pool("MAX_POOL_2D", (2, 2), (3, 3)),
        [f"kernel height is 2, expected 3 or 1; stride height is 3, expected one of 1, 2 {POOLS}"],
    ),
]
AM6XA = [
    *TIDL,
    (d.convolution((3, 3), (2, 2)), []),
    (d.convolution((5, 5), (3, 3)), []),
    (
        d.convolution((3, 3), (3, 3)),
        ["stride height is 3, expected anything but 3 (not on AM62A and AM67A)"],
    ),
]
ROWS = [
    (name, *row)
    for name, rows in (
        ("artpec8", ARTPEC8),
        ("artpec9", ARTPEC9),
        ("tidl-tda4vm", TIDL),
        ("tidl-am6xa", AM6XA),
    )
    for row in rows
]


@pytest.mark.parametrize(("profile", "graph", "expected"), ROWS)
def test_an_operator_that_runs_and_could_be_better(
    build: Build, profile: str, graph: Graph, expected: list[str]
) -> None:
    found = advice(build(graph), profile)
    assert [each for each in found if "TDA4VM imports float models" not in each] == expected


def test_tda4vm_does_not_import_integer_models(build: Build) -> None:
    (row,) = [graph for profile, graph, _ in ROWS if profile == "tidl-tda4vm"][:1]
    assert any("TDA4VM imports float models" in each for each in advice(build(row), "tidl-tda4vm"))
    assert not any("imports float" in each for each in advice(build(row), "tidl-am6xa"))


def floats(*shapes: tuple[int, ...]) -> Graph:
    """A chain of operators without weights, the first of which reads the model's input."""
    names = [f"t{at}" for at in range(len(shapes))]
    tensors = [T(name, "float32", shape=shape) for name, shape in zip(names, shapes, strict=True)]
    steps = [Op("TANH", [names[at]], [names[at + 1]]) for at in range(len(names) - 1)]
    return Graph(tensors, steps, names[:1], names[-1:])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 224, 320, 3), []),
        ((1, 225, 320, 3), ["model input height is 225, expected a multiple of 32"]),
        ((1, 224, 300, 3), ["model input width is 300, expected a multiple of 32"]),
        ((1, 100), []),
    ],
)
def test_cv25_likes_sizes_of_the_models_inputs(
    build: Build, shape: tuple[int, ...], expected: list[str]
) -> None:
    assert advice(build(floats(shape, (1, 7, 7, 8), (1, 7, 7, 8))), "cv25") == expected


def test_no_size_is_asked_of_what_is_inside_the_model(build: Build) -> None:
    graph = d.single(
        "ADD", [A((1, 32, 32, 3), "float32"), C((1, 7, 7, 3), dtype="float32")], [image()]
    )
    assert advice(build(graph), "cv25") == []


def test_what_cannot_be_computed_is_a_sentence() -> None:
    assert "Sparse weights help." in profiles.load("artpec8").hints
    assert any("BatchNorm" in hint for hint in profiles.load("tidl-tda4vm").hints)
    assert any("axis-a8-dlpu-tflite" in hint for hint in profiles.load("artpec8").hints)

"""Which operators the DLPU of ARTPEC-8 takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import device_ops as d
import pytest
from device_ops import A, C, image
from graphs import Graph, conv

from tfq import profiles
from tfq.lint import lint
from tfq.lint.placement import place
from tfq.model import Model

Build = Callable[..., Model]
TAKEN = """
    FULLY_CONNECTED CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV MAX_POOL_2D AVERAGE_POOL_2D
    CONCATENATION RESHAPE EXPAND_DIMS SQUEEZE SLICE STRIDED_SLICE GATHER GATHER_ND ONE_HOT SPLIT
    TRANSPOSE RESIZE_NEAREST_NEIGHBOR RESIZE_BILINEAR CAST ADD ADD_N MUL DIV FLOOR_DIV POW SQUARE
    SIN TANH ABS NEG SQRT FLOOR MINIMUM MAXIMUM EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER
    GREATER_EQUAL LOGICAL_NOT LOGICAL_AND LOGICAL_OR RELU RELU6 SOFTMAX GELU ELU HARD_SWISH
    REDUCE_MIN REDUCE_MAX REDUCE_ANY REDUCE_PROD ARG_MIN ARG_MAX
"""


def test_what_the_documentation_lists_is_what_the_profile_takes() -> None:
    assert set(profiles.load("artpec8").operators) == set(TAKEN.split())


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (d.convolution(), ""),
        (d.unary("GELU"), ""),
        (d.unary("LOGISTIC"), "artpec8 has no LOGISTIC"),
        (d.unary("PAD"), "artpec8 has no PAD"),
        (d.unary("QUANTIZE", image(dtype="uint8"), image()), "artpec8 has no QUANTIZE"),
        (d.unary("MEAN"), "artpec8 has no MEAN"),
        (d.unary("TANH", image(dtype="uint8")), ""),
        (d.unary("TANH", image(dtype="int16")), "int16 activations, artpec8 takes int8 or uint8"),
        (d.unary("TANH", image(dtype="float32")), "float compute, artpec8 takes integer"),
        (d.single("ADD", [A((1, 4), "int32")] * 2, [A((1, 4), "int32")]), "input type is int32"),
        (d.unary("LOGICAL_NOT", image(dtype="bool")), ""),
        (d.single("EQUAL", [image(), image()], [image(dtype="bool")]), ""),
        (d.unary("TANH", image(signature=(1, -1, -1, 16))), "static is no, expected yes (dynamic"),
        (d.single("CONV_2D", [image(), C((16, 3, 3, 16), dtype="int16")], [image()]), "int16 weig"),
    ],
)
def test_an_operator_of_a_kind(build: Build, graph: Graph, reason: str) -> None:
    (placed,) = place(build(graph), profiles.load("artpec8")).operators
    assert placed.target == ("cpu" if reason else "accelerator")
    assert reason in placed.reason
    assert bool(placed.reason) == bool(reason)


def test_what_it_does_not_take_runs_on_the_cpu_and_ends_nothing() -> None:
    misfit = profiles.load("artpec8").misfit
    assert (misfit.target, misfit.ends_accelerator) == ("cpu", False)


def test_one_scale_a_channel_is_an_error_that_a_user_may_lower(
    build: Build, tmp_path: Path
) -> None:
    model = build(conv(scales=4))
    (finding,) = [each for each in lint(model, "artpec8").findings if each.rule == "Q201"]
    assert finding.severity == "error"
    mine = tmp_path / "mine.json"
    mine.write_text(
        json.dumps({"name": "mine", "extends": "artpec8", "severity": {"Q201": "warning"}})
    )
    (finding,) = [each for each in lint(model, mine).findings if each.rule == "Q201"]
    assert finding.severity == "warning"

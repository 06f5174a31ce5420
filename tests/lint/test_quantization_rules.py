"""Q21x, Q4xx, Q5xx and Q6xx: every rule with the exact message and place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import RUNTIME, Graph, Op, T, conv
from single_ops import changed, single, weighted

import tfq
from tfq.lint import lint
from tfq.model import Model
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]
SYMMETRIC = {"symmetric": ["weights", "activations"]}
POWERS = {"power_of_two": ["weights", "activations"]}


def found(model: Model, profile: Profile, *rules: str) -> list[tuple[str, str, str]]:
    """Rule, severity and message of the findings, of all rules or of these."""
    findings = lint(model, profile, select=rules).findings
    return [(each.rule, each.severity, each.message) for each in findings]


@pytest.mark.parametrize(
    ("values", "rule", "message"),
    [
        ({"scale": 0.0}, "Q401", "scale 0; expected a normal number above 0"),
        ({"scale": float("nan")}, "Q401", "scale nan; expected a normal number above 0"),
        ({"scale": 1e-42}, "Q401", "scale 1.00053e-42; expected a normal number above 0"),
        (
            {"zero_points": (128,)},
            "Q402",
            "zero point 128; int8 holds -128 to 127",
        ),
        ({"scales": 3, "axis": 2}, "Q403", "quantized dimension 2; the tensor has 2 dimensions"),
        ({"scales": 3}, "Q404", "3 scales; expected 1, or 4, the size of dimension 0"),
        ({"zero_points": ()}, "Q404", "0 zero points; expected 1, as many as scales"),
    ],
)
def test_the_numbers_of_one_tensor(
    build: Build, values: dict[str, Any], rule: str, message: str
) -> None:
    graph = changed(single("RELU", "int8"), "x0", shape=(4, 2), **{"zero_points": None, **values})
    expected = (rule, "error", f"op 0 RELU: tensor 'x0': {message}")
    assert found(build(graph), RUNTIME, "Q4") == [expected]


def test_of_many_scales_the_first_bad_one_is_named(build: Build) -> None:
    graph = changed(conv(scales=4), "kernel", each_scale=(0.5, 0.0, -1.0, 0.5))
    message = "op 0 CONV_2D: tensor 'kernel': 2 of 4 scales: the first, 1, is 0"
    assert found(build(graph), RUNTIME, "Q401") == [
        ("Q401", "error", f"{message}; expected a normal number above 0")
    ]


def test_int16_activations_have_no_zero_point(build: Build) -> None:
    graph = changed(single("ADD", "int16"), "y0", zero_points=(7,))
    message = "op 0 ADD: tensor 'y0': int16 with zero point 7; expected 0"
    assert found(build(graph), RUNTIME) == [("Q405", "error", message)]


def test_a_tensor_without_a_scale_among_others(build: Build) -> None:
    graph = changed(single("ADD", "int8"), "x1", scales=0)
    message = "op 0 ADD: int8 tensor 'x1' has no scale, though others of the op have one"
    assert found(build(graph), RUNTIME) == [("Q406", "error", message)]


def test_weights_with_a_zero_point(build: Build, device: Device) -> None:
    model = build(changed(weighted("CONV_2D", "int8"), "w", zero_points=(3,)))
    refused = "op 0 CONV_2D: weights 'w' have the zero point 3; LiteRT refuses it"
    wanted = "op 0 CONV_2D: weights 'w' have the zero point 3; chip wants symmetric weights"
    assert found(model, RUNTIME, "Q2") == [("Q211", "error", refused)]
    assert found(model, device({"symmetric": ["weights"]}), "Q2") == [("Q211", "error", wanted)]


def test_weights_with_a_zero_point_against_the_specification(build: Build, device: Device) -> None:
    model = build(changed(weighted("FULLY_CONNECTED", "int8"), "w", zero_points=(3,)))
    message = "op 0 FULLY_CONNECTED: weights 'w' have the zero point 3; "
    message += "the specification of 8-bit models says 0"
    assert found(model, RUNTIME) == [("Q212", "warning", message)]
    assert [rule for rule, *_ in found(model, device({"symmetric": ["weights"]}))] == ["Q211"]


def test_activations_must_be_symmetric_where_the_device_wants_it(
    build: Build, device: Device
) -> None:
    graph = changed(single("LOGISTIC", "int8"), "x0", zero_points=(5,))
    # The output is what the operator prescribes.
    message = "input 'x0' has the zero point 5; chip wants symmetric activations"
    assert found(build(graph), device(SYMMETRIC)) == [("Q213", "error", message)]
    graph = changed(single("RELU", "uint8"), "y0", zero_points=(0,))
    message = "op 0 RELU: output 'y0' has the zero point 0; chip wants symmetric activations"
    assert found(build(graph), device(SYMMETRIC)) == [("Q213", "error", message)]


def test_scales_must_be_powers_of_two_where_the_device_wants_it(
    build: Build, device: Device
) -> None:
    assert found(build(conv()), device(POWERS)) == []
    graph = changed(changed(conv(), "kernel", scale=0.01), "y", scale=0.3)
    assert found(build(graph), device(POWERS), "Q214") == [
        (
            "Q214",
            "error",
            "op 0 CONV_2D: weights 'kernel' have the scale 0.01; chip wants powers of two",
        ),
        ("Q214", "error", "op 0 CONV_2D: output 'y' has the scale 0.3; chip wants powers of two"),
    ]


@pytest.mark.parametrize(
    ("values", "rule", "severity", "message"),
    [
        ({"dtype": "int64"}, "Q501", "error", "is int64; int8 activations take int32"),
        (
            {"scale": 0.26},
            "Q503",
            "warning",
            "has the scale 0.26; input scale x weight scale is 0.25",
        ),
        ({"zero_points": (1,)}, "Q504", "error", "has the zero point 1; expected 0"),
        (
            {"data": [0, 2**31 - 1, 5]},
            "Q505",
            "error",
            "reaches 2^30 (channel 1: 2147483647); the int32 sum overflows",
        ),
        (
            {"data": [-(2**31), 2**31 - 1, 5]},
            "Q505",
            "error",
            "2 of 3 values reach 2^30 (channel 0: -2147483648); the int32 sum overflows",
        ),
    ],
)
def test_the_bias(
    build: Build, values: dict[str, Any], rule: str, severity: str, message: str
) -> None:
    model = build(changed(weighted("CONV_2D", "int8"), "b", **values))
    expected = (rule, severity, f"op 0 CONV_2D: bias 'b' {message}")
    assert found(model, RUNTIME) == [expected]


def test_a_bias_scale_that_is_refused(build: Build) -> None:
    model = build(changed(weighted("FULLY_CONNECTED", "int8"), "b", scale=0.5))
    message = "op 0 FULLY_CONNECTED: bias 'b' has the scale 0.5; "
    message += "input scale x weight scale is 0.25; LiteRT refuses it"
    assert found(model, RUNTIME) == [("Q502", "error", message)]


def test_scales_that_must_be_one(build: Build) -> None:
    model = build(changed(single("MAX_POOL_2D", "int8"), "y0", scale=0.25))
    message = "op 0 MAX_POOL_2D: 'x0' has scale 0.5, zero point 0, "
    message += "the output scale 0.25, zero point 0; expected the same"
    assert found(model, RUNTIME) == [("Q511", "error", message)]


def test_what_float32_rounds_is_no_difference_where_nobody_compares(build: Build) -> None:
    rounded = float(np.nextafter(np.float32(0.5), np.float32(1)))
    assert found(build(changed(single("RESHAPE", "int8"), "y0", scale=rounded)), RUNTIME) == []
    pack = build(changed(single("PACK", "int8"), "y0", scale=rounded))
    assert [rule for rule, *_ in found(pack, RUNTIME)] == ["Q511"]


def test_an_output_that_is_prescribed(build: Build) -> None:
    model = build(changed(single("SOFTMAX", "int8"), "y0", scale=0.5))
    message = "op 0 SOFTMAX: output 'y0' has scale 0.5, zero point -128"
    assert found(model, RUNTIME) == [("Q512", "error", f"{message}; expected 0.00390625 and -128")]


def test_an_input_too_large_for_the_output(build: Build) -> None:
    model = build(changed(single("ADD", "int8"), "x0", scale=2.0**20))
    message = "op 0 ADD: input scale 1.04858e+06 is 2.1e+06 times the output's; too much"
    assert found(model, RUNTIME) == [("Q513", "error", message)]


def test_a_fused_activation_that_overflows(build: Build) -> None:
    graph = weighted("CONV_2D", "int8", activation_name="RELU6")
    message = "op 0 CONV_2D: output 'y' has the scale 1e-12"
    assert found(build(changed(graph, "y", scale=1e-12)), RUNTIME) == [
        ("Q514", "error", f"{message}; the bound 6 of RELU6 overflows int32")
    ]


def pair(scale: float) -> Graph:
    return Graph(
        [T("a", scales=1), T("f", "float32"), T("b", scales=1, scale=scale)],
        [Op("DEQUANTIZE", ["a"], ["f"]), Op("QUANTIZE", ["f"], ["b"])],
        ["a"],
        ["b"],
    )


def test_a_pair_that_cancels(build: Build, device: Device) -> None:
    message = "op 1 QUANTIZE: gives the integers that op 0 DEQUANTIZE took; both can go"
    assert found(build(pair(0.5)), RUNTIME) == [("Q521", "warning", message)]
    assert found(build(pair(0.25)), RUNTIME) == []
    # Where the device wants integers it is a float island, and that is the finding.
    assert {rule for rule, *_ in found(build(pair(0.5)), device())} == {"Q101"}


def test_a_quantize_for_nothing(build: Build) -> None:
    model = build(changed(single("QUANTIZE", "int8"), "y0", scale=0.5))
    message = "op 0 QUANTIZE: input and output have the same type, scale and zero point"
    assert found(model, RUNTIME) == [("Q521", "warning", message)]


def filters(*largest: int) -> np.ndarray:
    """A kernel in which each filter has one weight beside zeros."""
    kernel = np.zeros((len(largest), 3, 3, 16), np.int8)
    kernel[:, 1, 1, 5] = largest
    return kernel


def test_dead_channels(build: Build, device: Device) -> None:
    model = build(changed(conv(scales=6), "kernel", data=filters(100, 0, -120, 90, 0, 127)))
    message = "op 0 CONV_2D: weights 'kernel': 2 of 6 channels are all zero: 1, 4"
    assert found(model, RUNTIME) == [("Q601", "hint", message)]
    assert found(model, device({"compute": "float"}), "Q6") == []


def test_dead_channels_along_the_last_axis(build: Build) -> None:
    kernel = np.full((1, 1, 1, 2), 129, np.uint8)
    kernel[..., 1] = 128
    model = build(changed(weighted("DEPTHWISE_CONV_2D", "uint8"), "w", data=kernel))
    message = "op 0 DEPTHWISE_CONV_2D: weights 'w': 1 of 2 channels are all zero: 1"
    assert found(model, RUNTIME) == [("Q601", "hint", message)]


def test_ranges_too_different_for_one_scale(build: Build) -> None:
    graph = conv()
    kernel = filters(*[-128, 100, 90, 80] * 9, *[7, -3, 5, 6] * 3)
    message = "op 0 CONV_2D: one scale for 48 channels: 12 of them end at 7 or below, "
    message += "the widest at 128, 42.7 times the narrowest"
    assert found(build(changed(graph, "kernel", data=kernel)), RUNTIME) == [
        ("Q602", "warning", message)
    ]
    kernel = filters(*[-128, 100, 90, 80] * 11, *[7, -3, 5, 6])
    assert found(build(changed(graph, "kernel", data=kernel)), RUNTIME) == []


@pytest.mark.parametrize("mode", ["full_integer", "int16x8", "dynamic_range", "weight_only"])
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
def test_converted_models_have_no_such_finding(
    digits: Callable[..., Model], mode: str, granularity: str
) -> None:
    if (mode, granularity) == ("int16x8", "per_tensor"):
        pytest.skip("no such mode")
    try:
        model = digits(mode=mode, granularity=granularity)
    except tfq.Error:
        pytest.skip("no such mode")
    assert found(model, RUNTIME) == []


def test_real_models_have_no_such_error(model_path: Path) -> None:
    if model_path.name == "blockwise_quantized.tflite":
        pytest.skip("LiteRT refuses it: its input has no scale")
    rules = ("Q21", "Q4", "Q5")
    assert found(tfq.load(model_path), RUNTIME, *rules) == []

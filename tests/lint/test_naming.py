from __future__ import annotations

from collections.abc import Callable

import pytest
from graphs import conv

from tfq.lint import lint
from tfq.model import Model

Build = Callable[..., Model]


@pytest.mark.parametrize("profile", ["cpu", "tidl-am6xa", "cv25", "tflm"])
def test_a_name_that_promises_integers_is_told_once_whatever_the_device(
    build: Build, profile: str
) -> None:
    model = build(conv(activations="float32"), conv(activations="float32"), name="m_int8.tflite")
    (finding,) = lint(model, profile, select=["Q108"]).findings
    assert finding.severity == "warning"
    assert finding.message == (
        "the file's name says integer, but 2 of 2 ops have integer weights and float activations: "
        "dynamic-range quantization"
    )


def test_it_is_not_told_twice(build: Build) -> None:
    model = build(conv(activations="float32"), name="m_int8.tflite")
    said = [each.rule for each in lint(model, "artpec8").findings if "name says" in each.message]
    assert said == ["Q104"]


@pytest.mark.parametrize(
    "name", ["model.tflite", "dynamic_range_int8.tflite", "m_int8_weights.tflite", "print.tflite"]
)
def test_a_name_that_promises_no_integer_model_is_fine(build: Build, name: str) -> None:
    model = build(conv(activations="float32"), name=name)
    assert lint(model, "cpu", select=["Q108"]).findings == ()


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_a_name_that_keeps_its_promise_is_fine(build: Build, activations: str) -> None:
    model = build(conv(activations=activations), name="m_int8.tflite")
    assert lint(model, "cpu", select=["Q108"]).findings == ()

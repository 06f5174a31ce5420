"""Diagnoses of models and data that are unlike the usual: a sensible verdict, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import jsonschema
import numpy as np
import pytest
from layer_graphs import Graph, dice, results

import tfq
from tfq import errors, schemas
from tfq.accuracy.diagnosis import diagnose
from tfq.accuracy.diagnosis.result import Diagnosis
from tfq.report.diagnosis import diagnosis_data
from tfq.report.diagnosis_text import diagnosis_text
from tfq.report.json_text import to_json

pytest.importorskip("ai_edge_litert")
pytest.importorskip("litert_quantizer")


def checked(found: Diagnosis) -> Diagnosis:
    """The same, if it can be printed in both forms."""
    schema = jsonschema.Draft202012Validator(schemas.load("diagnose.schema"))
    schema.validate(json.loads(to_json(diagnosis_data(found)), parse_constant=pytest.fail))
    assert max(map(len, diagnosis_text(found).splitlines())) <= 100
    return found


@pytest.fixture
def linear(bindings: ModuleType) -> tfq.Model:
    """Four numbers from eight."""
    graph = Graph(bindings)
    return graph.made(graph.dense(graph.input(1, 8), dice(0, 4, 8), np.zeros(4)))


def test_token_ids(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    tokens = graph.input(1, 6, dtype="int32")
    words = graph.op("GATHER", [graph.constant(dice(0, 20, 8)), tokens], 1, 6, 8)
    mean = graph.op("MEAN", [words, graph.constant([1], np.int32)], 1, 8)
    model = graph.made(graph.op("SOFTMAX", [graph.dense(mean, dice(1, 4, 8), np.zeros(4))]))
    data = np.random.RandomState(0).randint(0, 20, (60, 6)).astype(np.int32)
    found = np.concatenate(results(model, [{model.input_names[0]: row[None]} for row in data]))
    labels = found.argmax(axis=1)
    assert checked(diagnose(model, data, labels=labels)).verdict == "healthy"
    shifted = checked(diagnose(model, data, labels=labels + 1))
    assert [each.name for each in shifted.checks if each.helps] == ["labels -1"]


def test_nothing_that_could_be_quantized(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    found = checked(diagnose(graph.made(graph.op("SIN", [graph.input(1, 8)])), dice(0, 30, 8)))
    assert found.verdict == "unmade"
    assert "SIN" in found.sentence


def test_no_operators_at_all(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    assert checked(diagnose(graph.made(graph.input(1, 8)), dice(0, 30, 8))).verdict == "healthy"


def test_shapes_that_are_left_open(shared_models: Path) -> None:
    path = shared_models / "litert/simple_add_dynamic_shape.tflite"
    data = {name: dice(seed, 30, 128, 4) for seed, name in enumerate(("arg0", "arg1"))}
    assert checked(diagnose(path, data)).verdict == "healthy"


@pytest.mark.parametrize("labels", [None, np.arange(30) % 8])
def test_outputs_that_are_no_numbers(bindings: ModuleType, labels: np.ndarray | None) -> None:
    graph = Graph(bindings)
    model = graph.made(graph.op("LOG", [graph.input(1, 8)]))
    found = checked(diagnose(model, dice(0, 30, 8), labels=labels))
    assert found.verdict == "float_model"
    assert [each.kind for each in found.causes] == ["not_finite"]


def test_data_that_are_no_numbers(linear: tfq.Model) -> None:
    data = dice(0, 30, 8)
    data[3, 2] = np.nan
    with pytest.raises(errors.CalibrationDataError, match=r"NaN or infinity in sample 3"):
        diagnose(linear, data)


def test_one_constant_output_of_several_is_no_fault(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    row = graph.input(1, 8)
    never = graph.dense(row, np.zeros((2, 8)), np.ones(2))
    model = graph.made(graph.dense(row, dice(0, 4, 8), np.zeros(4)), never)
    found = checked(diagnose(model, dice(1, 40, 8)))
    assert found.verdict == "healthy"
    assert [each.kind for each in found.causes] == ["constant_output"]


@pytest.mark.parametrize("labels", [None, np.array([1])])
def test_a_single_sample(linear: tfq.Model, labels: np.ndarray | None) -> None:
    found = checked(diagnose(linear, dice(0, 1, 8), labels=labels))
    assert found.verdict == "healthy"
    assert "1 sample for calibration: use at least 50" in diagnosis_text(found)


def test_labels_that_are_all_the_same(linear: tfq.Model) -> None:
    found = checked(diagnose(linear, dice(0, 60, 8), labels=np.zeros(60, int)))
    assert "all labels are the same" in found.unchecked[0]


def test_numbers_as_labels(linear: tfq.Model) -> None:
    data = dice(0, 60, 8)
    exact = np.concatenate(results(linear, [{linear.input_names[0]: row[None]} for row in data]))
    noisy = exact + dice(1, 60, 4)
    found = checked(diagnose(linear, data, labels=noisy))
    assert found.verdict == "healthy"
    assert found.higher_is_better is False
    assert checked(diagnose(linear, data, labels=dice(3, 60, 4))).verdict == "float_model"


def test_a_float_model_that_knows_nothing(linear: tfq.Model) -> None:
    labels = np.random.RandomState(1).randint(0, 4, 200)
    found = checked(diagnose(linear, dice(0, 200, 8), labels=labels))
    assert found.verdict == "float_model"
    assert not found.remedies


def test_an_infinite_mask(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    scores = graph.input(1, 16)
    mask = np.where(np.arange(16) == 3, -np.inf, 0.0)[None]
    model = graph.made(graph.op("SOFTMAX", [graph.op("ADD", [scores, graph.constant(mask)])]))
    found = checked(diagnose(model, dice(0, 30, 16)))
    assert found.verdict == "elsewhere"
    assert "huge_value" in {each.kind for each in found.layers[0].causes}


def test_names_that_a_list_of_passes_cannot_hold(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    scores = graph.dense(graph.input(1, 16), 0.1 * dice(0, 1000, 16), np.zeros(1000))
    made = graph.op("SOFTMAX", [scores])
    graph.graph.tensors[made].name = " odd, [name] 7%"
    found = checked(diagnose(graph.made(made), dice(1, 40, 16)))
    by_name = {each.name: each for each in found.remedies}
    worst = by_name["int16 for the worst layers"]
    assert worst.evaluation.close
    assert worst.flags.count(",") == worst.flags.count("int16:")


def test_what_the_user_need_not_do_is_not_tried(
    digits: Callable[..., tfq.Model], samples: Path
) -> None:
    with np.load(samples / "evaluation.npz") as data:
        images, labels = data["image"][:100], data["y"][:100]
    dark = images / 10
    spoiled = tfq.convert(
        digits(mode="float32"), mode="full_integer", passes="minmax", calibration_data=dark
    )
    found = checked(diagnose(digits(mode="float32"), images, labels=labels, candidate=spoiled))
    assert found.verdict == "quantization"
    assert {each.kind for each in found.causes} == {"input_range"}
    assert found.recommended is not None
    (reason,) = [each for each in found.unchecked if each.startswith("not tried")]
    assert "int16x8" in reason and "no more on the device" in reason

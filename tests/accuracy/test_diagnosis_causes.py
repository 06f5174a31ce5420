"""Causes: each is named where a model was built to have it, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from layer_graphs import Graph, dice

import tfq
from tfq.accuracy.diagnosis import diagnose
from tfq.accuracy.diagnosis.layers import Inside, look_inside
from tfq.accuracy.diagnosis.result import CAUSES, Diagnosis
from tfq.convert.calibration import Samples

pytest.importorskip("ai_edge_litert")
pytest.importorskip("litert_quantizer")

# Models that are built to be bad are reported as such.
pytestmark = pytest.mark.filterwarnings("ignore::tfq.errors.ConversionWarning")

HERE = Path(__file__).parent


def inside(model: tfq.Model, rows: np.ndarray, **options: object) -> Inside:
    """What is seen inside the 8-bit form of a model with one input."""
    known = {"passes": "minmax"} if "accuracy" not in options else {}
    integer = tfq.convert(model, mode="full_integer", calibration_data=rows, **known, **options)  # type: ignore[arg-type]
    return look_inside(model, integer, Samples({model.input_names[0]: [row[None] for row in rows]}))


def kinds(found: Inside | Diagnosis) -> set[str]:
    layers = {each.kind for layer in found.layers for each in layer.causes}
    return layers | {each.kind for each in found.causes}


def dense(bindings: ModuleType, weights: np.ndarray, bias: np.ndarray | None = None) -> tfq.Model:
    graph = Graph(bindings)
    row = graph.input(1, weights.shape[1])
    return graph.made(graph.dense(row, weights, np.zeros(len(weights)) if bias is None else bias))


def test_biases_that_int32_cannot_hold_are_named(bindings: ModuleType) -> None:
    tiny = dense(bindings, 1e-7 * dice(0, 8, 16), dice(1, 8))
    found = inside(tiny, dice(2, 40, 16), accuracy="none")
    assert "bias_overflow" in kinds(found)
    # tfq's own quantizer takes a larger scale for such weights.
    assert kinds(inside(tiny, dice(2, 40, 16))) == set()


@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_few_large_weights_that_set_a_scale_are_named(
    bindings: ModuleType, granularity: str
) -> None:
    weights = 0.02 * dice(0, 8, 64)
    weights[:, 0] = 5
    rows = dice(2, 40, 64)
    rows[:, 0] *= 0.001
    found = inside(dense(bindings, weights), rows, granularity=granularity)
    assert kinds(found) == {"weight_outlier"}
    weights[:, 0] = 0.06
    assert kinds(inside(dense(bindings, weights), rows, granularity=granularity)) == set()


def test_pruned_weights_are_no_outliers(bindings: ModuleType) -> None:
    weights = dice(0, 8, 256) * (np.arange(256) % 10 == 0)
    assert kinds(inside(dense(bindings, weights), dice(2, 40, 256))) == set()


def test_weights_that_are_tiny_but_alike_are_no_outliers(bindings: ModuleType) -> None:
    assert kinds(inside(dense(bindings, 1e-30 * dice(0, 4, 8)), dice(1, 40, 8))) == set()


def test_operators_that_stay_in_float_are_named(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    hidden = graph.dense(graph.input(1, 16), dice(0, 16, 16), np.zeros(16))
    model = graph.made(graph.op("SIN", [hidden]))
    found = inside(model, dice(1, 40, 16), allow_float_fallback=True)
    (cause,) = found.causes
    assert cause.kind == "float_operator"
    assert "SIN" in cause.text


@pytest.mark.parametrize("hidden", [1, 60, 4000])
def test_a_mask_is_named_however_much_it_hides(bindings: ModuleType, hidden: int) -> None:
    graph = Graph(bindings)
    scores = graph.input(1, 4096)
    mask = np.where(np.arange(4096) < hidden, -1e9, 0.0)[None]
    model = graph.made(graph.op("SOFTMAX", [graph.op("ADD", [scores, graph.constant(mask)])]))
    found = inside(model, 4 * dice(0, 40, 4096))
    (masked,) = [layer for layer in found.layers if layer.op == "ADD"]
    assert "huge_value" in {each.kind for each in masked.causes}
    assert not {"activation_channels", "activation_outlier"} & {each.kind for each in masked.causes}


def test_large_values_of_one_size_are_no_mask(bindings: ModuleType) -> None:
    assert kinds(inside(dense(bindings, 1e6 * dice(0, 16, 16)), dice(1, 40, 16))) == set()


def softmax(bindings: ModuleType, classes: int, factor: float) -> tfq.Model:
    graph = Graph(bindings)
    scores = graph.dense(graph.input(1, 16), factor * dice(0, classes, 16), np.zeros(classes))
    return graph.made(graph.op("SOFTMAX", [scores]))


def test_probabilities_below_the_step_of_a_softmax_are_named(bindings: ModuleType) -> None:
    assert "softmax_output" in kinds(inside(softmax(bindings, 1000, 0.1), dice(1, 40, 16)))
    assert kinds(inside(softmax(bindings, 10, 0.5), dice(1, 40, 16))) == set()


def test_a_network_without_a_fault_has_no_cause(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    image = graph.input(1, 8, 8, 3)
    first = graph.conv(image, dice(0, 8, 3, 3, 3), activation="RELU")
    second = graph.conv(first, 0.2 * dice(1, 8, 3, 3, 8), activation="RELU")
    total = graph.op("ADD", [first, second])
    mean = graph.op("MEAN", [total, graph.constant([1, 2], np.int32)], 1, 8)
    model = graph.made(graph.op("SOFTMAX", [graph.dense(mean, 0.2 * dice(2, 4, 8), np.zeros(4))]))
    images = np.random.RandomState(0).uniform(0, 1, (60, 8, 8, 3)).astype(np.float32)
    for granularity in ("per_channel", "per_tensor"):
        assert kinds(inside(model, images, granularity=granularity)) == set()
    found = diagnose(model, images[:30], calibration_data=images[30:])
    assert found.verdict == "healthy"
    assert found.causes == ()


@pytest.mark.parametrize("input_type", ["int8", "float32"])
def test_a_candidate_that_wants_its_inputs_in_other_units_is_found(
    bindings: ModuleType, input_type: str
) -> None:
    weights, unit = dice(0, 4, 16), np.random.RandomState(1).uniform(0, 1, (60, 16))
    wants_pixels = tfq.convert(
        dense(bindings, weights / 255),
        mode="full_integer",
        calibration_data=(255 * unit).astype(np.float32),
        input_type=input_type,
    )
    wants_unit = dense(bindings, weights)
    rows = unit.astype(np.float32)
    found = diagnose(wants_unit, rows, candidate=wants_pixels)
    assert found.verdict == "quantization"
    assert found.causes[0].kind == "input_range"
    assert "they use 1 of its 255 steps" in found.causes[0].text
    right = tfq.convert(
        wants_unit, mode="full_integer", calibration_data=rows, input_type=input_type
    )
    assert diagnose(wants_unit, rows, candidate=right).verdict == "healthy"


def test_a_candidate_with_one_scale_a_tensor_is_measured_against_such_models(
    bindings: ModuleType,
) -> None:
    graph = Graph(bindings)
    weights = dice(0, 16, 3, 3, 8)
    weights *= np.geomspace(1, 1000, 16)[:, None, None, None]
    hidden = graph.conv(graph.input(1, 8, 8, 8), weights, activation="RELU")
    back = dice(1, 4, 1, 1, 16) / np.geomspace(1, 1000, 16)
    model = graph.made(graph.conv(hidden, back.astype(np.float32)))
    images = dice(2, 60, 8, 8, 8)
    candidate = tfq.convert(
        model,
        mode="full_integer",
        granularity="per_tensor",
        passes="minmax",
        calibration_data=images,
    )
    found = diagnose(model, images, candidate=candidate)
    assert found.verdict == "quantization"
    assert "weight_channels" in kinds(found)
    by_name = {each.name: each for each in found.remedies}
    assert "--granularity=per_tensor" in by_name["equalize"].flags
    assert by_name["equalize"].evaluation.close
    assert found.recommended is not None
    assert by_name[found.recommended].cost == "nothing"
    assert by_name["per_channel"].cost == "a scale a channel"


def test_every_cause_has_a_test() -> None:
    texts = "".join(path.read_text() for path in HERE.glob("test_diagnosis*.py"))
    assert [each for each in CAUSES if texts.count(f'"{each}"') == 0] == []

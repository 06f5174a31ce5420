"""`tfq.accuracy.diagnosis.diagnose`: where the cause is known, it is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice

import tfq
from tfq import errors
from tfq.accuracy.diagnosis import diagnose
from tfq.accuracy.diagnosis.result import Diagnosis

pytest.importorskip("ai_edge_litert")

Data = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def model(digits: Callable[..., tfq.Model]) -> tfq.Model:
    """The digits sample in float."""
    return digits(mode="float32")


@pytest.fixture(scope="module")
def data(samples: Path) -> Data:
    with np.load(samples / "evaluation.npz") as found:
        return {"image": found["image"][:200], "y": found["y"][:200]}


@pytest.fixture(scope="module")
def calibration(samples: Path) -> np.ndarray:
    with np.load(samples / "calibration.npz") as found:
        return np.asarray(found["image"])


@pytest.fixture(scope="module")
def rescaled(accuracy_benchmark: ModuleType) -> tuple[tfq.Model, Data, np.ndarray]:
    """A network whose channels have very unlike ranges, with its data."""
    networks = accuracy_benchmark.networks
    images = networks.images("rescaled")
    some = np.random.RandomState(0).permutation(len(images.evaluation.image))[:150]
    data = {"image": images.evaluation.image[some], "y": images.evaluation.label[some]}
    return tfq.convert(networks.network("rescaled"), mode="float32"), data, images.calibration


@pytest.fixture(scope="module")
def unequal(rescaled: tuple[tfq.Model, Data, np.ndarray]) -> Diagnosis:
    """Of that network, for a device with one scale a tensor."""
    model, data, calibration = rescaled
    return diagnose(model, data, profile="artpec8", calibration_data=calibration)


def kinds(found: Diagnosis) -> set[str]:
    return {each.kind for each in found.causes}


def layer_kinds(found: Diagnosis) -> Mapping[str, set[str]]:
    """The kinds of causes by the operator's name."""
    kinds: dict[str, set[str]] = {}
    for layer in found.layers:
        kinds.setdefault(layer.op, set()).update(each.kind for each in layer.causes)
    return kinds


def test_a_healthy_model_is_called_healthy(
    model: tfq.Model, data: Data, calibration: np.ndarray
) -> None:
    found = diagnose(model, data, calibration_data=calibration)
    assert found.verdict == "healthy"
    assert found.ok
    assert [each.close for each in found.evaluations] == [None, True, True]
    assert not any(each.helps for each in found.checks)
    assert found.remedies == found.layers == found.causes == ()


@pytest.mark.parametrize(("factor", "offset"), [(255, 0), (16, 0), (2, -1)])
def test_another_scale_of_the_inputs_is_found(
    model: tfq.Model, data: Data, factor: float, offset: float
) -> None:
    found = diagnose(model, {**data, "image": data["image"] * factor + offset})
    assert found.verdict == "input"
    assert found.checks[0].name == "as 0..1"
    assert found.checks[0].score > 0.9
    assert [each.name for each in found.checks if each.helps] == ["as 0..1"]
    assert not found.remedies


@pytest.mark.parametrize(("step", "name"), [(1, "labels -1"), (-1, "labels +1")])
def test_labels_that_are_off_by_one_are_found(
    model: tfq.Model, data: Data, step: int, name: str
) -> None:
    found = diagnose(model, {**data, "y": data["y"] + step})
    assert found.verdict == "input"
    assert [each.name for each in found.checks if each.helps] == [name]
    assert found.checks[0].score > 0.9


def test_labels_at_random_are_the_float_models_fault(model: tfq.Model, data: Data) -> None:
    shuffled = np.random.RandomState(1).permutation(data["y"])
    found = diagnose(model, {**data, "y": shuffled})
    assert found.verdict == "float_model"
    assert "labels in a random order" in found.sentence


def colours(bindings: ModuleType) -> tfq.Model:
    """A classifier of images by the channel that is brightest in the mean, red before green."""
    graph = Graph(bindings)
    image = graph.input(1, 8, 8, 3)
    mean = graph.op("MEAN", [image, graph.constant([1, 2], np.int32)], 1, 3)
    scores = graph.dense(mean, 8 * np.eye(3), np.zeros(3))
    return graph.made(graph.op("SOFTMAX", [scores]))


def test_red_and_blue_swapped_is_found(bindings: ModuleType) -> None:
    model = colours(bindings)
    labels = np.arange(120) % 3
    images = np.random.RandomState(0).uniform(0, 0.7, (120, 8, 8, 3)).astype(np.float32)
    images[np.arange(120), :, :, labels] += 0.3
    assert diagnose(model, images, labels=labels).verdict == "healthy"
    found = diagnose(model, images[..., ::-1].copy(), labels=labels)
    assert found.verdict == "input"
    assert found.checks[0].name == "red and blue swapped"


def test_calibration_data_unlike_the_others_are_found(
    model: tfq.Model, data: Data, calibration: np.ndarray
) -> None:
    found = diagnose(model, data, calibration_data=calibration / 10)
    assert found.verdict == "elsewhere"
    assert {"unlike_calibration", "input_range"} <= kinds(found)
    assert "saturation" in layer_kinds(found)["CONV_2D"]
    assert [each.name for each in found.remedies] == ["calibrated on evaluation data"]
    assert found.remedies[0].evaluation.close
    assert found.recommended == found.remedies[0].name


def test_unequal_channels_under_one_scale_are_found(unequal: Diagnosis) -> None:
    assert unequal.verdict == "quantization"
    assert all("weight_channels" in each for each in layer_kinds(unequal).values())
    assert unequal.layers[0].alone is not None and unequal.layers[0].alone < 10
    costs = [each.alone for each in unequal.layers if each.alone is not None]
    assert costs == sorted(costs)
    assert [operator for operator, _ in unequal.errors] == sorted(
        operator for operator, _ in unequal.errors
    )


def test_what_is_recommended_does_it_and_the_device_takes_it(
    unequal: Diagnosis, rescaled: tuple[tfq.Model, Data, np.ndarray]
) -> None:
    model, data, calibration = rescaled
    by_name = {each.name: each for each in unequal.remedies}
    assert not by_name["per_channel"].allowed
    assert "Q201" in (by_name["per_channel"].reason or "")
    assert (by_name["per_channel"].gain_sqnr or 0) > 0
    best = unequal.remedies[0]
    assert best.name == unequal.recommended
    assert best.allowed and best.evaluation.close and best.cost == "nothing"
    assert best.gain_sqnr is not None and best.gain_sqnr > 20
    assert unequal.command is not None
    assert best.flags in unequal.command and "--profile=artpec8" in unequal.command
    options: Any = dict(flag.removeprefix("--").split("=", 1) for flag in best.flags.split())
    made = tfq.convert(model, profile="artpec8", calibration_data=calibration, **options)
    again = diagnose(model, data, profile="artpec8", calibration_data=calibration, candidate=made)
    assert again.verdict == "healthy"
    assert again.evaluations[2].score == best.evaluation.score


def test_rare_values_that_set_a_range_are_found(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    image = graph.input(1, 16, 16, 4)
    hidden = graph.conv(image, np.eye(4).reshape(4, 1, 1, 4))
    model = graph.made(graph.op("TANH", [hidden]))
    values = dice(0, 60, 16, 16, 4)
    values[:, 0, 0, 0] *= 300
    found = diagnose(model, values)
    assert found.verdict == "quantization"
    assert "activation_outlier" in layer_kinds(found)["CONV_2D"]


def test_a_mask_of_minus_a_billion_is_found(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    scores = graph.input(1, 4096)
    mask = np.zeros((1, 4096))
    mask[0, 7] = -1e9
    masked = graph.op("ADD", [scores, graph.constant(mask)])
    model = graph.made(graph.op("SOFTMAX", [masked]))
    found = diagnose(model, 4 * dice(0, 60, 4096))
    assert found.verdict == "elsewhere"
    assert "huge_value" in layer_kinds(found)["ADD"]


def test_outputs_that_never_change_are_found(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    row = graph.input(1, 8)
    model = graph.made(graph.dense(row, np.zeros((4, 8)), np.arange(4)))
    found = diagnose(model, dice(0, 30, 8))
    assert found.verdict == "float_model"
    assert kinds(found) == {"constant_output"}


def test_several_inputs_and_outputs(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    first, second = graph.input(1, 8, name="first"), graph.input(1, 8, name="second")
    hidden = graph.dense(first, dice(0, 8, 8), np.zeros(8))
    total = graph.op("ADD", [hidden, second])
    model = graph.made(hidden, total)
    found = diagnose(model, {"first": dice(1, 40, 8), "second": dice(2, 40, 8)})
    assert found.verdict == "healthy"
    assert found.evaluations[2].worst <= found.evaluations[2].sqnr  # type: ignore[operator]


def test_without_labels_it_says_what_is_not_checked(model: tfq.Model, data: Data) -> None:
    found = diagnose(model, data["image"])
    assert found.verdict == "healthy"
    assert found.metric is None and found.checks == ()
    assert "without labels" in found.unchecked[0]


def test_few_samples_tell_no_mistake_from_chance(model: tfq.Model, data: Data) -> None:
    found = diagnose(model, {name: each[:10] for name, each in data.items()})
    assert found.checks == ()
    assert "too few" in found.unchecked[0]


def test_a_candidate_is_diagnosed_itself(
    digits: Callable[..., tfq.Model], model: tfq.Model, data: Data
) -> None:
    found = diagnose(model, data, candidate=digits(mode="full_integer"))
    assert found.verdict == "healthy"
    assert found.evaluations[2].what != "full_integer, per_channel, minmax"


def test_a_candidate_of_another_model_is_refused(
    bindings: ModuleType, model: tfq.Model, data: Data
) -> None:
    graph = Graph(bindings)
    other = graph.made(graph.dense(graph.input(1, 8), dice(0, 8, 8), np.zeros(8)))
    with pytest.raises(errors.InvalidModelError, match="expected"):
        diagnose(model, data, candidate=other)


def test_a_quantized_model_is_refused(digits: Callable[..., tfq.Model], data: Data) -> None:
    with pytest.raises(errors.ConversionError, match=r"already quantized.*tfq compare"):
        diagnose(digits(mode="full_integer"), data)


def test_a_mode_that_cannot_be_made_is_a_reason(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    row = graph.input(1, 8)
    model = graph.made(graph.op("ATAN2", [row, graph.constant(np.ones((1, 8)))]))
    found = diagnose(model, dice(0, 30, 8))
    assert found.verdict == "unmade"
    assert "ATAN2" in found.sentence


def test_tensors_without_names_are_told_apart(
    rescaled: tuple[tfq.Model, Data, np.ndarray],
) -> None:
    model, data, calibration = rescaled
    draft = model.draft()
    for tensor in draft["subgraphs"][0]["tensors"]:
        tensor["name"] = ""
    unnamed = tfq.Model.from_draft(draft)
    found = diagnose(unnamed, data, profile="artpec8", calibration_data=calibration)
    assert all("weight_channels" in each for each in layer_kinds(found).values())

"""Whether the data are to blame: a suspicion is beyond luck, and hides nothing that 8 bits cost."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from layer_graphs import Graph

import tfq
from tfq.accuracy.diagnosis import diagnose
from tfq.accuracy.diagnosis.chance import Scored, is_beyond_chance, scored, sign_test
from tfq.accuracy.diagnosis.judge import some
from tfq.accuracy.metrics import find
from tfq.convert.calibration import Samples
from tfq.report.diagnosis_text import diagnosis_text

pytest.importorskip("ai_edge_litert")

RED, GREEN, BLUE = range(3)
SWAPPED = "red and blue swapped"


def colours(bindings: ModuleType, *reach: float) -> tfq.Model:
    """A classifier of images by their brightest colour, inside which colours reach so far."""
    graph = Graph(bindings)
    image = graph.input(1, 8, 8, 3)
    scales = np.array(reach)
    hidden = graph.conv(image, np.diag(scales).reshape(3, 1, 1, 3), activation="RELU")
    mean = graph.op("MEAN", [hidden, graph.constant([1, 2], np.int32)], 1, 3)
    scores = graph.dense(mean, np.diag(8 / scales), np.zeros(3))
    return graph.made(graph.op("SOFTMAX", [scores]))


def pictures(brightest: np.ndarray) -> np.ndarray:
    """Noise of all colours, one of them a little brighter."""
    count = len(brightest)
    images = np.random.RandomState(0).uniform(0, 0.7, (count, 8, 8, 3)).astype(np.float32)
    images[np.arange(count), :, :, brightest] += 0.3
    return images


def mixed(size: int, greens: int, wrong: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and the brightest colours: greens, then some wrong and the rest right."""
    labels = np.where(np.arange(size) % 2, RED, BLUE)
    labels[:greens] = GREEN
    shown = labels.copy()
    shown[greens : greens + wrong] = 2 - labels[greens : greens + wrong]
    order = np.random.RandomState(1).permutation(size)
    return labels[order], shown[order]


def test_a_change_that_helps_only_those_that_were_picked_is_not_claimed(
    bindings: ModuleType,
) -> None:
    size = 500
    column = [np.zeros(1, np.float32)] * size
    places = some(Samples({"x": column}, np.arange(size)), 100).labels
    assert places is not None
    labels = np.arange(size) % 3
    shown = labels.copy()
    # Of those that are picked, red ones look blue; swapping colours breaks all others.
    labels[places] = np.arange(100) % 5 == 0
    labels[places] = np.where(labels[places] == 1, RED, GREEN)
    shown[places] = np.where(labels[places] == RED, BLUE, GREEN)
    model = colours(bindings, 1, 1, 1)
    picked = diagnose(model, pictures(shown[places]), labels=labels[places])
    assert picked.checks[0].helps and picked.checks[0].name == SWAPPED
    found = diagnose(model, pictures(shown), labels=labels)
    assert found.verdict == "healthy"
    (check,) = [each for each in found.checks if each.name == SWAPPED]
    assert (check.samples, check.helps) == (size, False)
    assert check.gain < 0
    assert "Was the" not in found.sentence


@pytest.mark.parametrize(("wrong", "is_claimed"), [(4, False), (16, True)])
def test_a_gain_of_a_few_samples_is_luck(
    bindings: ModuleType, wrong: int, is_claimed: bool
) -> None:
    labels, shown = mixed(60, greens=60 - wrong, wrong=wrong)
    found = diagnose(colours(bindings, 1, 1, 1), pictures(shown), labels=labels)
    (check,) = [each for each in found.checks if each.name == SWAPPED]
    assert check.gain == pytest.approx(wrong / 60)
    assert check.helps == is_claimed


def test_a_suspicion_does_not_hide_what_8_bits_cost(bindings: ModuleType) -> None:
    labels, shown = mixed(240, greens=120, wrong=85)
    images = pictures(shown)
    model = colours(bindings, 1, 0.003, 0.02)
    found = diagnose(model, images, labels=labels, profile="artpec8")
    assert [each.close for each in found.evaluations] == [None, True, False]
    assert found.verdict == "quantization"
    assert found.checks[0].helps and found.checks[0].name == SWAPPED
    assert "Beside that, float itself gains 20.8 points" in found.sentence
    assert found.sentence.endswith("was the model trained on such data?")
    assert "weight_channels" in {each.kind for layer in found.layers for each in layer.causes}
    assert found.recommended is not None
    text = diagnosis_text(found)
    assert all(part in text for part in ("why  ", "do this (", "alone in 8 bits", SWAPPED))
    even = diagnose(colours(bindings, 1, 1, 1), images, labels=labels, profile="artpec8")
    assert even.verdict == "input"
    assert "do   if so: swap red and blue" in diagnosis_text(even)


def test_many_tries_need_more_than_one() -> None:
    before, after = Scored(0.0, (0.0,) * 8), Scored(1.0, (1.0,) * 8)
    assert is_beyond_chance(before, after, higher=True, tries=1)
    assert not is_beyond_chance(before, after, higher=True, tries=10)
    assert not is_beyond_chance(before, after, higher=False, tries=1)
    nothing = Scored(np.nan, (np.nan,) * 8)
    assert is_beyond_chance(nothing, after, higher=True, tries=1)
    assert not is_beyond_chance(nothing, nothing, higher=True, tries=1)


def test_the_sign_test_is_that_of_a_fair_coin() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(3, 0) == 1 / 8
    assert sign_test(2, 1) == 1 / 2
    assert sign_test(250, 250) == pytest.approx(0.5178, abs=1e-4)
    assert sign_test(0, 500) == 1


def test_a_metric_of_the_users_own_is_asked_for_several_samples_at_once(
    bindings: ModuleType,
) -> None:
    seen: list[int] = []

    def share(outputs: list[np.ndarray], labels: np.ndarray) -> float:
        seen.append(len(labels))
        if len(labels) < 2:
            raise ValueError("more, please")
        return float((outputs[0].argmax(axis=1) == labels).mean())

    labels = np.arange(101) % 3
    model = colours(bindings, 1, 1, 1)
    samples = Samples({model.input_names[0]: [row[None] for row in pictures(labels)]}, labels)
    metric = find(share, model, labels)
    assert metric is not None
    found = scored(model, samples, metric)
    assert sorted(seen) == [1, *[5] * 20, 101]
    assert found.score == 1
    assert found.parts[:20] == (1.0,) * 20 and np.isnan(found.parts[20])

"""The parts of a diagnosis: closeness, causes of layers, hygiene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from layer_graphs import Graph, dice

import tfq
from tfq.accuracy.comparison import Reference, against
from tfq.accuracy.diagnosis import changed_inputs
from tfq.accuracy.diagnosis.changed_inputs import Extent
from tfq.accuracy.diagnosis.command import flags_of
from tfq.accuracy.diagnosis.hygiene import hygiene
from tfq.accuracy.diagnosis.judge import class_outputs, is_close, some
from tfq.accuracy.diagnosis.layers import Inside, look_inside
from tfq.convert.calibration import Samples

pytest.importorskip("ai_edge_litert")


def seen_by(model: tfq.Model, *columns: np.ndarray) -> Samples:
    """Rows as samples of a model's inputs."""
    pairs = zip(model.input_names, columns, strict=True)
    return Samples({name: [row[None] for row in column] for name, column in pairs})


def inside(model: tfq.Model, *columns: np.ndarray, **options: str) -> Inside:
    """What is seen inside the 8-bit form of a model."""
    samples = seen_by(model, *columns)
    integer = tfq.convert(
        model, mode="full_integer", passes="minmax", calibration_data=samples, **options
    )
    return look_inside(model, integer, samples)


def kinds(found: Inside, op: str) -> set[str]:
    return {each.kind for layer in found.layers if layer.op == op for each in layer.causes}


def test_what_is_joined_with_unlike_ranges_is_named(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    first, second = graph.input(1, 16), graph.input(1, 16)
    large = graph.dense(first, 50 * dice(0, 16, 16), np.zeros(16))
    small = graph.dense(second, dice(1, 16, 16), np.zeros(16))
    model = graph.made(graph.op("CONCATENATION", [large, small], 1, 32, axis=1))
    assert "shared_scale" in kinds(inside(model, dice(2, 40, 16), dice(3, 40, 16)), "CONCATENATION")


def test_coarse_steps_before_a_softmax_are_named(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    row = graph.input(1, 16)
    scores = graph.dense(row, 20 * dice(0, 16, 16), np.zeros(16))
    model = graph.made(graph.op("SOFTMAX", [scores]))
    assert "softmax_input" in kinds(inside(model, dice(1, 40, 16)), "SOFTMAX")


def test_an_outlier_channel_is_named_where_weights_share_a_scale(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    image = graph.input(1, 8, 8, 4)
    weights = dice(0, 8, 1, 1, 4)
    weights[3] *= 50
    model = graph.made(graph.conv(image, weights))
    images = dice(1, 40, 8, 8, 4)
    shared = inside(model, images, granularity="per_tensor")
    assert {"weight_channels", "activation_channels"} <= kinds(shared, "CONV_2D")
    own = inside(model, images, granularity="per_channel")
    assert "weight_channels" not in kinds(own, "CONV_2D")


def test_a_layer_without_a_fault_has_no_cause(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    model = graph.made(graph.dense(graph.input(1, 16), dice(0, 16, 16), np.zeros(16)))
    found = inside(model, dice(1, 40, 16))
    assert [layer.causes for layer in found.layers] == [()]
    assert found.causes == ()


def test_close_is_by_agreement_only_where_outputs_are_classes(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    row = graph.input(1, 8)
    model = graph.made(graph.op("SOFTMAX", [row]))
    sharper = Graph(bindings)
    other = sharper.made(sharper.op("SOFTMAX", [sharper.input(1, 8)], beta=3.0))
    found = against(Reference(model, seen_by(model, dice(0, 40, 8))), other)
    assert found.sqnr < 20 and found.agreement == 1
    assert class_outputs(model) == {0}
    assert is_close(found, frozenset({0}))
    assert not is_close(found, frozenset())


def test_samples_are_taken_from_everywhere() -> None:
    column = [np.full((1, 1), index, np.float32) for index in range(1000)]
    found = some(Samples({"x": column}, np.arange(1000)), 10)
    assert found.labels is not None
    assert [int(each[0, 0]) for each in found.columns["x"]] == found.labels.tolist()
    assert found.labels.min() < 100 and found.labels.max() > 900
    assert len(set(found.labels.tolist())) == 10


@pytest.mark.parametrize(
    ("low", "high", "present"),
    [(0.0, 1.0, "as 0..1"), (-1.0, 1.0, "as -1..1"), (0.0, 255.0, "as 0..255")],
)
def test_what_inputs_are_already_is_not_tried(low: float, high: float, present: str) -> None:
    names = [each.name for each in changed_inputs.changes({"x": Extent(low, high, (1, 8, 8, 3))})]
    scales = {"as 0..1", "as -1..1", "as 0..255"}
    assert scales & set(names) == scales - {present}


def test_each_scale_leads_to_the_same_inputs() -> None:
    unit = np.random.RandomState(0).uniform(0, 1, (1, 4, 4, 3))
    forms = {(0.0, 1.0): unit, (-1.0, 1.0): 2 * unit - 1, (0.0, 255.0): 255 * unit}
    found: dict[str, list[np.ndarray]] = {}
    for (low, high), values in forms.items():
        for change in changed_inputs.changes({"x": Extent(low, high, values.shape)}):
            found.setdefault(change.name, []).append(change.apply(values))
    name = "as ImageNet's mean and deviation"
    assert len(found[name]) == 3
    for values in found[name][1:]:
        np.testing.assert_allclose(values, found[name][0], atol=1e-6)
    expected = (unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(found[name][0], expected)


def test_images_that_were_reshaped_instead_of_transposed_are_mended() -> None:
    image = np.random.RandomState(0).uniform(0, 1, (1, 6, 5, 3))
    wrong = image.transpose(0, 3, 1, 2).reshape(image.shape)
    seen = {"x": Extent(0.0, 1.0, image.shape)}
    changes = {each.name: each for each in changed_inputs.changes(seen)}
    assert np.array_equal(changes["channels last instead of first"].apply(wrong), image)


def test_flags_are_quoted_for_a_shell() -> None:
    assert flags_of({"mode": "int16x8"}) == "--mode=int16x8"
    assert flags_of({"passes": ["mse", "int16:a b"]}) == "'--passes=mse,int16:a b'"


def test_convolutions_without_batch_norm_are_named(digits: Callable[..., tfq.Model]) -> None:
    keras = pytest.importorskip("keras")
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, name="bare"),
        keras.layers.ReLU(),
        keras.layers.DepthwiseConv2D(3, name="normed"),
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(2, 1, name="last"),
    ]
    model = digits(mode="float32")
    found = hygiene(model, keras.Sequential(layers), 100, same_data=False)
    (advice,) = [each for each in found if each.kind == "batch_norm"]
    assert "1 of 3 convolutions" in advice.text
    assert advice.layer == "bare"


def test_the_digits_have_their_batch_norms(digits: Callable[..., tfq.Model], samples: Path) -> None:
    keras = pytest.importorskip("keras")
    model = keras.models.load_model(samples / "digits.keras")
    assert hygiene(digits(mode="float32"), model, 100, same_data=False) == ()
    found = hygiene(digits(mode="float32"), None, 20, same_data=True)
    assert [each.kind for each in found] == ["unseen", "calibration_size", "same_data"]


def test_huge_weights_and_dead_channels_are_named(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    weights = 0.01 * dice(0, 32, 32)
    weights[0, 0], weights[5] = 10, 0
    model = graph.made(graph.dense(graph.input(1, 32), weights, np.zeros(32)))
    found = {each.kind: each.text for each in hygiene(model, None, 100, same_data=False)}
    assert set(found) == {"huge_weights", "dead_channels"}
    assert "1 of 32 output channels" in found["dead_channels"]

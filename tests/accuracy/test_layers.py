from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_models import as_samples, photographs
from layer_graphs import Graph, dice
from op_nets import inputs_for, quantized

import tfq
from tfq.accuracy import channel_scales
from tfq.accuracy.layers import LayerError, layer_errors
from tfq.model import Model, Operator
from tfq.numerics.noise import sqnr
from tfq.passes.equalize import equalize
from tfq.passes.expand import expand
from tfq.passes.float_weights import float_weights
from tfq.runtime import Runner

Samples = list[dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def images(samples: Path) -> Samples:
    rows = np.load(samples / "evaluation.npz")["image"][:20, None]
    return [{"image": row.astype(np.float32)} for row in rows]


def by_operator(reference: Model, candidate: Model, images: Samples) -> dict[int, LayerError]:
    found = layer_errors(reference, candidate, images)
    return {each.operator: each for each in found.layers}


def scaled(model: Model, operator: Operator, place: str, factor: float) -> Model:
    """A model that is wrong in one scale: of an operator's weights or of its output."""
    tensor = operator.weights if place == "weights" else operator.outputs[0]
    assert tensor is not None
    draft = model.draft()
    parameters = draft["subgraphs"][0]["tensors"][tensor.index]["quantization"]
    parameters["scale"] = tuple([factor * scale for scale in parameters["scale"]])
    return Model.from_draft(draft)


def test_a_model_has_no_errors_against_itself(
    digits: Callable[..., Model], images: Samples
) -> None:
    plain = digits(mode="float32")

    found = layer_errors(plain, plain, images)

    assert found.matched == found.total == len(found.layers) == len(plain.operators)
    assert {each.sqnr for each in found.layers} == {math.inf}
    assert {each.isolated for each in found.layers} == {math.inf}
    assert {each.max_error for each in found.layers} == {0.0}


def test_errors_are_those_of_all_samples_together(
    digits: Callable[..., Model], images: Samples
) -> None:
    reference, candidate = digits(mode="float32"), digits(mode="full_integer", accuracy="none")
    runners = [Runner(each, every_tensor=True) for each in (reference, candidate)]
    tensors = [each.operators[5].outputs[0].index for each in (reference, candidate)]
    assert reference.tensors[tensors[0]].name == candidate.tensors[tensors[1]].name
    rows: list[list[np.ndarray]] = [[], []]
    for image in images:
        for runner, index, values in zip(runners, tensors, rows, strict=True):
            runner.run(image)
            values.append(runner.tensor(index))
    wanted, found = (np.concatenate(values) for values in rows)

    layer = by_operator(reference, candidate, images)[5]

    assert layer.sqnr == pytest.approx(sqnr(wanted, found), abs=1e-3)
    assert layer.max_error == pytest.approx(np.abs(wanted - found).max(), rel=1e-5)
    assert layer.mean_error == pytest.approx(np.abs(wanted - found).mean(), rel=1e-4)


def test_the_worst_come_first_and_alone_they_are_no_worse_in_the_middle(
    digits: Callable[..., Model], images: Samples
) -> None:
    candidate = digits(mode="full_integer", accuracy="none")

    found = layer_errors(digits(mode="float32"), candidate, images).layers

    assert [each.sqnr for each in found] == sorted(each.sqnr for each in found)
    alone = [each.isolated for each in found if each.isolated is not None]
    assert len(alone) == len(found)
    assert np.median(alone) > np.median([each.sqnr for each in found]) + 3


def test_a_broken_layer_shows_alone_and_in_its_weights(
    digits: Callable[..., Model], images: Samples
) -> None:
    whole = digits(mode="full_integer", accuracy="none")
    broken = scaled(whole, whole.operators[4], "weights", 1.5)

    layers = by_operator(digits(mode="float32"), broken, images)

    worst = min(layers.values(), key=lambda each: each.isolated or 0.0)
    assert worst.operator == 4
    assert worst.weight_sqnr == pytest.approx(20 * math.log10(2), abs=0.2)
    assert all(
        each.weight_sqnr is None or each.weight_sqnr > 30
        for each in layers.values()
        if each is not worst
    )
    # What comes after has its error, but does not make it.
    assert layers[5].sqnr < 15 < 30 < (layers[5].isolated or 0.0)
    assert not any(each.rescaled for each in layers.values())


def test_a_range_that_is_too_narrow_clips(digits: Callable[..., Model], images: Samples) -> None:
    whole = digits(mode="full_integer", accuracy="none")
    narrow = scaled(whole, whole.operators[3], "output", 0.4)
    reference = digits(mode="float32")

    before, after = (by_operator(reference, each, images)[3] for each in (whole, narrow))

    assert before.saturation is not None and before.saturation < 0.001
    assert after.saturation is not None and after.saturation > 0.01
    assert after.range_use == 1.0
    assert after.sqnr < before.sqnr


def test_a_range_that_is_too_wide_stays_empty(
    digits: Callable[..., Model], images: Samples
) -> None:
    whole = digits(mode="full_integer", accuracy="none")
    wide = scaled(whole, whole.operators[3], "output", 8.0)

    layer = by_operator(digits(mode="float32"), wide, images)[3]

    assert layer.range_use is not None and layer.range_use < 0.15
    assert layer.saturation == 0.0


def test_floats_have_no_range(digits: Callable[..., Model], images: Samples) -> None:
    found = layer_errors(digits(mode="float32"), digits(mode="dynamic_range"), images).layers

    assert {each.range_use for each in found} == {each.saturation for each in found} == {None}
    assert all(each.sqnr > 20 for each in found)


def test_equalized_layers_are_compared_up_to_their_scales(faces: dict[str, Path]) -> None:
    plain = float_weights(tfq.load(faces["face_detection_front"]))[0]
    equalized, _ = equalize(plain)
    images = as_samples(plain, photographs(plain.inputs[0].shape, 4, seed=1))

    found = layer_errors(plain, equalized, images)

    inner = [each for each in found.layers if each.rescaled]
    assert len(inner) > 50
    assert min(each.sqnr for each in found.layers) > 80
    assert min(each.isolated or 0.0 for each in found.layers) > 80
    weights = [each.weight_sqnr for each in found.layers if each.weight_sqnr is not None]
    assert min(weights) > 80
    names = {each.name for each in plain.outputs}
    assert not any(each.rescaled for each in found.layers if each.name in names)


def test_weights_stored_in_half_the_bits_are_compared_as_what_they_stand_for(
    digits: Callable[..., Model], images: Samples
) -> None:
    found = layer_errors(digits(mode="float32"), digits(mode="float16"), images[:2]).layers

    weights = [each.weight_sqnr for each in found if each.weight_sqnr is not None]
    assert len(weights) == 10
    assert all(60 < each < 100 for each in weights)


def test_values_that_are_no_numbers_are_the_worst_error(bindings: Any) -> None:
    net = Graph(bindings)
    model = net.made(net.op("RELU", [net.op("LOG", [net.input(1, 4)])]))
    sample = {model.input_names[0]: np.array([[-1.0, 1.0, 2.0, 3.0]], np.float32)}

    found = layer_errors(model, model, [sample]).layers

    assert found[0].sqnr == -math.inf


def test_huge_and_tiny_values_keep_their_errors(bindings: Any) -> None:
    """Their squares are more, or less, than float32 holds."""

    def net(factor: float) -> Model:
        graph = Graph(bindings)
        return graph.made(graph.op("MUL", [graph.input(1, 4), graph.constant([[factor] * 4])]))

    for size in (1e25, 1e-25):
        wanted, found = net(size), net(1.1 * size)
        (layer,) = layer_errors(wanted, found, inputs_for(wanted)).layers
        assert layer.sqnr == pytest.approx(20, abs=0.1)


def test_a_scalar_is_compared_too(bindings: Any) -> None:
    net = Graph(bindings)
    axes = net.constant([0, 1], np.int32)
    model = net.made(net.add("SUM", [net.input(1, 4), axes], [()]))

    (layer,) = layer_errors(model, model, inputs_for(model)).layers

    assert layer.sqnr == math.inf


def test_what_only_xnnpack_runs_is_compared_all_the_same(bindings: Any) -> None:
    """LiteRT's own kernels refuse a 6 that is beyond 32 bits."""
    net = Graph(bindings)
    first = net.conv(net.input(1, 6, 6, 3), 1e-9 * dice(1, 4, 3, 3, 3), activation="RELU6")
    reference = net.made(first)
    candidate, _ = quantized(reference)
    with pytest.raises(tfq.InvalidModelError):
        Runner(candidate, every_tensor=True)

    found = layer_errors(reference, candidate, inputs_for(reference))

    assert found.matched == found.total
    assert all(each.isolated is not None for each in found.layers)


def test_what_cannot_be_taken_apart_has_accumulated_errors_only(shared_models: Path) -> None:
    model = tfq.load(shared_models / "litert" / "l2_norm_composite.tflite")

    found = layer_errors(model, model, inputs_for(model))

    assert found.matched == found.total == 1
    assert [(each.sqnr, each.isolated) for each in found.layers] == [(math.inf, None)]


def test_an_activation_of_another_size_ends_isolated_errors_with_a_warning(bindings: Any) -> None:
    """How many numbers are positive is not known before; the file states two."""
    net = Graph(bindings)
    data = net.input(1, 4, name="x")
    is_positive = net.add("GREATER", [data, net.constant([[0.0]])], [(1, 4)], dtypes=("bool",))
    places = net.add("WHERE", [is_positive], [(2, 2)], dtypes=("int64",))
    found = net.op("GATHER_ND", [data, places], 2)
    model = net.made(net.op("RELU", [found]))
    rows = [[1, 2, -1, -2], [1, -2, 3, 4], [1, -2, 3, -4]]
    images = [{"x": np.array([row], np.float32)} for row in rows]

    with pytest.warns(UserWarning, match="isolated errors are left out"):
        layers = layer_errors(model, model, images).layers

    assert [each.op for each in layers] == ["GATHER_ND", "RELU"]
    assert {(each.sqnr, each.isolated) for each in layers} == {(math.inf, None)}


def test_parts_of_what_the_reference_does_in_one_are_alone_together(bindings: Any) -> None:
    net = Graph(bindings)
    data = net.op("TANH", [net.input(1, 4, 4, 3)])
    slopes = net.constant(np.full((1, 1, 3), 0.5))
    reference = net.made(net.op("NEG", [net.op("PRELU", [data, slopes])]))
    candidate = expand(reference, "int16")[0]
    assert len(candidate.operators) > 4

    found = layer_errors(reference, candidate, inputs_for(reference))

    assert [each.name for each in found.layers] == [
        each.outputs[0].name for each in reference.operators
    ]
    assert min(each.isolated or 0.0 for each in found.layers) > 100


def test_what_softmax_reads_is_not_rescaled(digits: Callable[..., Model], images: Samples) -> None:
    """Nobody could make up for it."""
    layers = by_operator(digits(mode="float32"), digits(mode="full_integer"), images)

    assert sum(each.rescaled for each in layers.values()) > 8
    assert not any(each.rescaled for each in layers.values() if each.operator >= 10)


def test_wrong_scales_of_what_was_equalized_before_are_errors(
    digits: Callable[..., Model], images: Samples
) -> None:
    """The record of both says that they were equalized: that explains no difference."""
    equalized = digits(mode="full_integer")
    weights = equalized.operators[4].weights
    assert weights is not None
    draft = equalized.draft()
    parameters = draft["subgraphs"][0]["tensors"][weights.index]["quantization"]
    factors = [1.5 if place % 2 else 1.0 for place in range(len(parameters["scale"]))]
    parameters["scale"] = tuple(map(math.prod, zip(parameters["scale"], factors, strict=True)))

    layers = by_operator(equalized, Model.from_draft(draft), images)

    assert not any(each.rescaled for each in layers.values())
    assert layers[4].sqnr < 20


def test_lowered_channels_are_said(bindings: Any, tmp_path: Path) -> None:
    net = Graph(bindings)
    first = net.conv(net.input(1, 4, 4, 3), 0.3 * dice(1, 4, 3, 3, 3), [20, 0, 9, 35])
    net.made(net.conv(first, dice(2, 5, 1, 1, 4))).save(tmp_path / "float.tflite")
    reference = tfq.load(tmp_path / "float.tflite")
    candidate = tfq.convert(
        tmp_path / "float.tflite",
        mode="full_integer",
        passes="absorb_bias",
        calibration_data=inputs_for(reference, 4, seed=7),
    )

    with pytest.warns(UserWarning, match="absorb_bias has lowered channels"):
        layer_errors(reference, candidate, inputs_for(reference))


def test_what_a_vendor_compiled_is_refused_with_what_to_do(shared_models: Path) -> None:
    stem = str(shared_models / "edgetpu_pairs" / "split_concat")
    reference, compiled = tfq.load(f"{stem}.tflite"), tfq.load(f"{stem}_edgetpu.tflite")

    with pytest.raises(tfq.InvalidModelError, match="the file that went into the compiler"):
        layer_errors(reference, compiled, inputs_for(reference))
    with pytest.raises(tfq.InvalidModelError, match="the file that went into the compiler"):
        tfq.compare(reference, compiled, inputs_for(reference))


def test_numbers_that_count_things_are_no_layers(bindings: Any) -> None:
    net = Graph(bindings)
    data = net.op("RELU", [net.input(1, 8)])
    net.graph.outputs.append(data)
    model = net.made(data, net.add("RANK", [data], [()], dtypes=("int32",)))

    found = layer_errors(model, model, inputs_for(model))

    assert [each.op for each in found.layers] == ["RELU"]
    assert found.total == 1


def test_a_comparison_needs_samples(digits: Callable[..., Model]) -> None:
    plain = digits(mode="float32")

    with pytest.raises(tfq.CalibrationDataError, match="expected samples"):
        layer_errors(plain, plain, [])


@pytest.mark.parametrize(("certain", "count"), [(True, 1), (False, 0)])
def test_channels_that_are_scaled_a_little_count_where_the_model_is_known_to_be_equalized(
    digits: Callable[..., Model], certain: bool, count: int
) -> None:
    tensor = digits(mode="float32").tensors[0]
    expected = np.random.default_rng(0).standard_normal((50, 4))
    scales = np.array([1.02, 0.99, 1.01, 0.98])
    fit = channel_scales.Fit()
    fit.add(expected, expected / scales)
    found = channel_scales.channel_scales({tensor: fit}, {tensor}, certain=certain)
    assert len(found) == count
    for each in found.values():
        np.testing.assert_allclose(each, scales, rtol=1e-6)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice
from op_nets import quantized

import tfq
from tfq.accuracy.counterparts import Counterparts, counterparts
from tfq.accuracy.values import is_fixed
from tfq.model import Model
from tfq.passes.equalize import equalize
from tfq.passes.float_weights import float_weights


def nameless(model: Model) -> Model:
    """The same model, where nothing has a name."""
    draft = model.draft()
    for tensor in draft["subgraphs"][0]["tensors"]:
        tensor["name"] = None
    draft["signature_defs"] = None
    return Model.from_draft(draft)


def indices(found: Counterparts) -> dict[int, int]:
    return {mine.index: theirs.index for mine, theirs in found.tensors.items()}


def made(model: Model) -> list[int]:
    return [
        tensor.index
        for operator in model.operators
        for tensor in operator.outputs
        if not is_fixed(tensor)
    ]


def by_names(reference: Model, candidate: Model) -> dict[str, str]:
    found = counterparts(reference, candidate).tensors
    return {mine.name: theirs.name for mine, theirs in found.items()}


@pytest.mark.parametrize("mode", ["float16", "dynamic_range", "full_integer", "int16x8"])
def test_every_layer_of_a_converted_model_has_a_counterpart(
    digits: Callable[..., Model], mode: str
) -> None:
    candidate = digits(mode=mode)

    found = counterparts(digits(mode="float32"), candidate)

    assert {each.index for each in found.tensors} >= set(made(candidate))
    assert set(found.operators) == {each for each in candidate.operators if each.all_weights}


@pytest.mark.parametrize("name", ["face_detection_front", "face_landmark"])
def test_position_and_weights_tell_what_names_tell(faces: dict[str, Path], name: str) -> None:
    reference = tfq.load(faces[name])
    candidate, changes = equalize(float_weights(reference)[0])

    named = indices(counterparts(reference, candidate))
    found = indices(counterparts(reference, nameless(candidate)))

    assert changes
    assert found == named
    assert set(made(candidate)) <= set(found)


def test_names_of_what_a_pass_took_apart_still_count(faces: dict[str, Path]) -> None:
    from tfq.passes.expand import expand

    reference = float_weights(tfq.load(faces["face_landmark"]))[0]
    candidate = expand(reference, "int16")[0]

    found = counterparts(reference, candidate).tensors

    assert {mine.name: theirs.name for mine, theirs in found.items()} == {
        tensor.name: tensor.name
        for tensor in reference.tensors
        if tensor in reference.inputs or tensor.producer is not None
    }


@pytest.fixture
def pair(bindings: Any) -> Callable[[str, str], Model]:
    """A convolution between two others, with its activation function inside or behind it."""

    def pair(inside: str, prefix: str) -> Model:
        net = Graph(bindings)
        data = net.op("RELU", [net.input(1, 6, 6, 3)])
        first = net.conv(data, dice(1, 4, 3, 3, 3), activation=inside)
        net.graph.tensors[first].name = f"{prefix}first"
        behind = first if inside != "NONE" else net.op("RELU6", [first])
        net.graph.tensors[behind].name = f"{prefix}behind"
        return net.made(net.conv(behind, dice(2, 5, 1, 1, 4)))

    return pair


def test_a_fused_activation_function_is_found_behind_its_operator(
    pair: Callable[[str, str], Model],
) -> None:
    found = by_names(pair("NONE", "a_"), pair("RELU6", "b_"))

    assert found["b_behind"] == "a_behind"
    assert len(found) == 4


def test_an_activation_function_is_found_fused_to_what_is_before_it(
    pair: Callable[[str, str], Model],
) -> None:
    candidate = pair("NONE", "b_")

    found = counterparts(pair("RELU6", "a_"), candidate)

    names = {mine.name: theirs.name for mine, theirs in found.tensors.items()}
    assert names["b_behind"] == "a_behind"
    assert "b_first" not in names
    assert candidate.operators[1] in found.operators


def test_a_name_does_not_count_where_one_has_the_activation_function_inside(
    pair: Callable[[str, str], Model],
) -> None:
    reference, candidate = pair("NONE", ""), pair("RELU6", "")
    draft = candidate.draft()
    fused = candidate.operators[1].outputs[0].index
    draft["subgraphs"][0]["tensors"][fused]["name"] = "first"

    found = by_names(reference, Model.from_draft(draft))

    assert found["first"] == "behind"


def test_layers_with_other_weights_are_no_counterparts(shared_models: Path) -> None:
    """Two trainings of one network: all names agree."""
    folder = shared_models / "micro"
    reference, candidate = (
        tfq.load(folder / f"hello_world_{each}.tflite") for each in ("float", "int8")
    )

    found = counterparts(reference, candidate).tensors

    assert set(found) == {*candidate.inputs, *candidate.outputs}


def test_like_branches_are_told_apart_by_their_weights(bindings: Any) -> None:
    def branches(seeds: list[int]) -> Model:
        net = Graph(bindings)
        data = net.input(1, 4, 4, 4)
        ends = [net.op("RELU", [net.conv(data, dice(seed, 4, 1, 1, 4))]) for seed in seeds]
        return net.made(net.op("CONCATENATION", ends, 1, 4, 4, 12, axis=3))

    found = counterparts(branches([1, 2, 3]), nameless(branches([3, 1, 2])))

    # Of each branch the convolution and what follows: weights and bias stand before them.
    layers = {mine.index: theirs.index for mine, theirs in found.operators.items()}
    assert layers == {0: 4, 2: 0, 4: 2}


def test_shapes_of_counterparts_agree(bindings: Any) -> None:
    def net(size: int) -> Model:
        net = Graph(bindings)
        middle = net.op("RELU", [net.input(1, 8, name="in")])
        net.graph.tensors[middle].name = "middle"
        first = net.dense(middle, dice(1, size, 8))
        net.graph.tensors[first].name = "first"
        return net.made(net.dense(first, dice(2, 3, size)))

    found = by_names(net(4), net(5))

    assert found.get("middle") == "middle"
    assert "first" not in found


def test_copies_in_other_types_have_the_counterpart_of_what_they_copy(bindings: Any) -> None:
    """From int8 to int16 it takes CAST, which has none, and ADD."""
    net = Graph(bindings)
    first = net.conv(net.input(1, 6, 6, 3), dice(1, 4, 3, 3, 3))
    reference = net.made(net.conv(first, dice(2, 5, 1, 1, 4)))

    candidate, _ = quantized(reference, types={reference.operators[1]: "int16"})

    found = counterparts(reference, candidate).tensors
    names = [each.name for each in candidate.operators]
    assert names == ["CONV_2D", "CAST", "ADD", "CONV_2D", "QUANTIZE"]
    wanted = reference.operators[0].outputs[0]
    assert [found.get(each.outputs[0]) for each in candidate.operators] == [
        wanted,
        None,
        wanted,
        reference.outputs[0],
        reference.outputs[0],
    ]


def test_what_a_compiler_swallowed_has_no_counterpart(shared_models: Path) -> None:
    stem = str(shared_models / "edgetpu_pairs" / "mobilenet_v1_0.25_128_quant")
    reference, candidate = tfq.load(f"{stem}.tflite"), tfq.load(f"{stem}_edgetpu.tflite")

    found = counterparts(reference, candidate).tensors

    assert found == dict(
        zip(
            (*candidate.inputs, *candidate.outputs),
            (*reference.inputs, *reference.outputs),
            strict=True,
        )
    )


def test_another_number_of_inputs_is_an_error(bindings: Any) -> None:
    one, two = Graph(bindings), Graph(bindings)
    reference = one.made(one.op("RELU", [one.input(1, 4)]))
    candidate = two.made(two.op("ADD", [two.input(1, 4), two.input(1, 4)]))

    with pytest.raises(tfq.InvalidModelError, match="expected inputs"):
        counterparts(reference, candidate)


def test_the_same_constants_make_the_same_parts(bindings: Any) -> None:
    """Slices of one tensor differ in nothing but where they begin."""

    def slices(places: list[int]) -> Model:
        net = Graph(bindings)
        data = net.op("RELU", [net.input(1, 8)])
        size = net.constant([1, 2], np.int32)
        parts = [
            net.op("SLICE", [data, net.constant([0, place], np.int32), size], 1, 2)
            for place in places
        ]
        return net.made(net.op("CONCATENATION", parts, 1, 6, axis=1))

    reference, candidate = slices([0, 2, 4]), nameless(slices([4, 0, 2]))

    found = counterparts(reference, candidate).tensors

    pairs = [
        (each.inputs[1].values, found[each.outputs[0]].producer.inputs[1].values)
        for each in candidate.operators
        if each.name == "SLICE"
    ]
    assert len(pairs) == 3
    assert all(mine == theirs for mine, theirs in pairs)

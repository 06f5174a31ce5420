from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice

import tfq
from tfq.accuracy.isolated import Exploded, explode
from tfq.accuracy.values import is_fixed
from tfq.model import Model, Tensor
from tfq.runtime import Runner


def activations(model: Model) -> list[Tensor]:
    made = [tensor for operator in model.operators for tensor in operator.outputs]
    return [*model.inputs, *(each for each in made if not is_fixed(each))]


def exploded(model: Model) -> Exploded:
    found = explode(model, activations(model))
    assert found is not None
    return found


@pytest.mark.parametrize("mode", ["float32", "float16", "dynamic_range", "full_integer"])
def test_operators_alone_compute_what_they_compute_together(
    digits: Callable[..., Model], samples: Path, mode: str
) -> None:
    model = digits(mode=mode)
    together = Runner(model, every_tensor=True)
    together.run({"image": np.load(samples / "calibration.npz")["image"][:1].astype(np.float32)})

    apart = exploded(model)
    alone = Runner(apart.model, every_tensor=True)
    alone.run({name: together.tensor(each.index) for name, each in apart.inputs.items()})

    for operator in apart.operators:
        index = operator.outputs[0].index
        np.testing.assert_array_equal(alone.stored(index), together.stored(index))
    assert len(apart.operators) == len(activations(model)) - 1


def test_an_error_does_not_reach_the_next_operator(bindings: Any) -> None:
    net = Graph(bindings)
    first = net.op("RELU", [net.input(1, 4)])
    model = net.made(net.op("NEG", [first]))

    apart = exploded(model)
    runner = Runner(apart.model, every_tensor=True)
    names = {tensor.index: name for name, tensor in apart.inputs.items()}
    given = {index: np.full((1, 4), value, np.float32) for index, value in ((0, 2.0), (first, 5.0))}
    runner.run({names[index]: values for index, values in given.items()})

    assert runner.tensor(model.outputs[0].index).tolist() == [[-5.0] * 4]


def test_operators_that_read_what_is_not_known_stay_with_those_that_make_it(bindings: Any) -> None:
    net = Graph(bindings)
    first = net.op("RELU", [net.input(1, 4)])
    second = net.op("NEG", [first])
    model = net.made(net.op("ABS", [second]))

    found = explode(model, [model.inputs[0], model.tensors[second]])

    assert found is not None
    assert [each.name for each in found.operators] == ["RELU", "NEG", "ABS"]
    assert list(found.inputs.values()) == [model.inputs[0], model.tensors[second]]
    runner = Runner(found.model, every_tensor=True)
    runner.run({name: np.full((1, 4), 3.0, np.float32) for name in found.inputs})
    assert runner.tensor(second).tolist() == [[-3.0] * 4]


def test_operators_that_read_what_nobody_can_compute_are_left_out(bindings: Any) -> None:
    net = Graph(bindings)
    data = [net.input(1, 4), net.input(1, 4)]
    model = net.made(net.op("NEG", data[:1]), net.op("ABS", [net.op("RELU", data[1:])]))

    found = explode(model, [model.inputs[0]])

    assert found is not None
    assert [each.name for each in found.operators] == ["NEG"]


def test_operators_with_a_state_are_left_out(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro" / "trained_lstm_int8.tflite")

    left = {each.name for each in model.operators} - {
        each.name for each in exploded(model).operators
    }

    assert left == {"UNIDIRECTIONAL_SEQUENCE_LSTM"}


@pytest.mark.parametrize(
    "path",
    ["edgetpu_pairs/split_concat_edgetpu.tflite", "litert/l2_norm_composite.tflite"],
)
def test_nothing_is_left_of_custom_operators_and_those_with_subgraphs(
    shared_models: Path, path: str
) -> None:
    model = tfq.load(shared_models / path)

    assert explode(model, activations(model)) is None


def test_what_is_computed_from_constants_alone_stays_connected(bindings: Any) -> None:
    net = Graph(bindings)
    sums = net.op("ADD", [net.constant(dice(1, 1, 4)), net.constant(dice(2, 1, 4))])
    model = net.made(net.op("MUL", [net.input(1, 4), sums]))

    apart = exploded(model)

    assert list(apart.inputs.values()) == [model.inputs[0]]
    assert [each.name for each in apart.model.operators] == ["ADD", "MUL"]
    assert [each.name for each in apart.operators] == ["MUL"]

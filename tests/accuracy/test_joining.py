from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice

from tfq.accuracy.joining import are_joined, joined, joins
from tfq.accuracy.layers import layer_errors
from tfq.model import Model

Samples = list[dict[str, np.ndarray]]


def rows(count: int, *shape: int) -> Samples:
    return [{"x": dice(seed, 1, *shape)} for seed in range(count)]


def opened(net: Graph, *outputs: int) -> Model:
    """The finished model, whose batch is open."""
    for tensor in net.graph.tensors:
        if len(tensor.shape) > 1 and not tensor.buffer:
            tensor.shapeSignature = [-1, *tensor.shape[1:]]
    return net.made(*outputs)


def test_samples_of_like_shapes_are_joined_and_none_is_lost() -> None:
    samples = [*rows(5, 4), *rows(2, 3)]

    found = [each["x"] for each in joined(samples, 3)]

    assert [each.shape for each in found] == [(3, 4), (2, 4), (2, 3)]
    np.testing.assert_array_equal(np.concatenate(found[:2])[4:], samples[4]["x"])


def test_values_are_those_of_one_run_each_or_they_are_not() -> None:
    first, second = dice(1, 1, 4), dice(2, 1, 4)
    both = np.concatenate([first, second])

    assert are_joined([both], [[first], [second]])
    assert not are_joined([both], [[second], [first]])
    assert not are_joined([both], [[first.T], [second.T]])
    assert not are_joined([np.float32(3.0)], [[np.float32(1.0)], [np.float32(2.0)]])


def test_samples_together_have_the_errors_of_samples_one_by_one(
    digits: Callable[..., Model], samples: Path
) -> None:
    images = np.load(samples / "evaluation.npz")["image"][:30, None].astype(np.float32)
    reference, candidate = digits(mode="float32", batch_size=None), digits(mode="full_integer")
    both = digits(mode="full_integer", batch_size=None)
    assert joins(reference) and joins(both) and not joins(candidate)

    runs = [
        layer_errors(reference, each, [{"image": image} for image in images]).layers
        for each in (both, candidate)
    ]

    for one, other in zip(*runs, strict=True):
        assert one.operator == other.operator
        assert one.sqnr == pytest.approx(other.sqnr, abs=0.01)
        assert one.isolated == pytest.approx(other.isolated, abs=0.01)
        assert one.max_error == pytest.approx(other.max_error, rel=1e-3)


def test_what_looks_at_all_samples_of_a_run_sees_one(bindings: Any) -> None:
    """Of one row, the sum up to each row is the row."""

    def net(name: str) -> Model:
        graph = Graph(bindings)
        data = graph.op("RELU", [graph.input(1, 4, name="x")])
        other = graph.constant(np.zeros(()), np.int32) if name == "CUMSUM" else graph.constant(1.0)
        sums = graph.op(name, [data, other])
        graph.graph.tensors[sums].name = "sums"
        return opened(graph, sums)

    reference, candidate = net("MUL"), net("CUMSUM")
    assert joins(reference) and joins(candidate)

    found = layer_errors(reference, candidate, rows(20, 4))

    assert {each.op for each in found.layers} == {"RELU", "CUMSUM"}
    assert {each.sqnr for each in found.layers} == {math.inf}


def test_a_shape_that_holds_one_sample_is_run_with_one(bindings: Any) -> None:
    net = Graph(bindings)
    flat = net.op("RESHAPE", [net.input(1, 2, 2, name="x"), net.constant([1, 4], np.int32)], 1, 4)
    model = opened(net, net.op("RELU", [flat]))
    assert joins(model)

    found = layer_errors(model, model, rows(20, 2, 2))

    assert found.matched == found.total == 2
    assert {each.isolated for each in found.layers} == {math.inf}

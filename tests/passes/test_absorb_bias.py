from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, assert_same, dice
from op_nets import inputs_for

from tfq.model import Model
from tfq.passes.absorb_bias import absorb_bias, absorb_bias_needs
from tfq.passes.observe import extremes

pytest.importorskip("ai_edge_litert.interpreter")

Piece = Callable[[Graph, int], int]
# Two channels never come near zero, one does.
HIGH = np.array([20, 0, 9, 35], np.float32)


def high(graph: Graph, activation: str = "RELU") -> int:
    """A layer whose channels are high, 1 x 4 x 4 x 4."""
    data = graph.input(1, 4, 4, 3)
    return graph.conv(data, dice(1, 4, 3, 3, 3) * 0.3, HIGH, activation=activation)


def read(graph: Graph, data: int) -> int:
    shape = graph.shape(data)
    if len(shape) == 4:
        return graph.conv(data, dice(3, 5, 1, 1, shape[3]), dice(4, 5))
    return graph.dense(data, dice(3, 5, int(np.prod(shape[1:]))))


def absorbed(model: Model) -> tuple[Model, list[dict[str, np.ndarray]]]:
    samples = inputs_for(model, 4, seed=7)
    seen = extremes(model, absorb_bias_needs(model), samples)
    return absorb_bias(model, seen)[0], samples


def numbers(name: str, values: Any, *shape: int, **options: Any) -> Piece:
    return lambda graph, data: graph.op(
        name, [data, graph.constant(values, "i4")], *shape, **options
    )


def windows(height: int, stride: int, size: int, padding: str, *, depthwise: bool = False) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        shape = (1, height, height, 4) if depthwise else (4, height, height, 4)
        inputs = [data, graph.constant(dice(5, *shape)), graph.constant(dice(6, 4))]
        name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        options = {"strideH": stride, "strideW": stride, "padding": padding}
        return graph.op(name, inputs, 1, size, size, 4, **options)

    return piece


TAKING: dict[str, Piece] = {
    "1x1": lambda _, data: data,
    "RELU": lambda graph, data: graph.op("RELU", [data]),
    "LEAKY_RELU": lambda graph, data: graph.op("LEAKY_RELU", [data], alpha=0.3),
    "PRELU": lambda graph, data: graph.op("PRELU", [data, graph.constant(dice(5, 1, 1, 4))]),
    "average pooling with a border": lambda graph, data: graph.op("AVERAGE_POOL_2D", [data]),
    "max pooling with a border": lambda graph, data: graph.op("MAX_POOL_2D", [data]),
    "MEAN": numbers("MEAN", [1, 2], 1, 4),
    "flattening": numbers("RESHAPE", [1, 64], 1, 64),
    "RESIZE_BILINEAR": numbers("RESIZE_BILINEAR", [7, 7], 1, 7, 7, 4),
    "RESIZE_NEAREST_NEIGHBOR": numbers("RESIZE_NEAREST_NEIGHBOR", [7, 7], 1, 7, 7, 4),
    "VALID": windows(3, 1, 2, "VALID"),
    "SAME that fills": windows(2, 2, 2, "SAME"),
    "depthwise": windows(3, 1, 2, "VALID", depthwise=True),
    "depthwise with a multiplier": lambda graph, data: graph.conv(
        data, dice(5, 1, 2, 2, 8), dice(6, 8), padding="VALID"
    ),
}
REFUSING: dict[str, Piece] = {
    "SAME with a border": windows(3, 1, 4, "SAME"),
    "depthwise with a border": windows(3, 1, 4, "SAME", depthwise=True),
    "SAME that does not fill": windows(3, 2, 2, "SAME"),
    "PAD": numbers("PAD", [[0, 0], [1, 1], [1, 1], [0, 0]], 1, 6, 6, 4),
    "SUM": numbers("SUM", [1, 2], 1, 4),
    "MEAN of channels": numbers("MEAN", [3], 1, 4, 4),
    "RELU6": lambda graph, data: graph.op("RELU6", [data]),
    "LOGISTIC": lambda graph, data: graph.op("LOGISTIC", [data]),
    "ADD with the input": lambda graph, data: graph.op("ADD", [data, graph.input(1, 4, 4, 4)]),
}


@pytest.mark.parametrize("name", TAKING)
def test_what_channels_never_fall_below_moves_on(name: str, bindings: Any) -> None:
    graph = Graph(bindings)
    model = graph.made(read(graph, TAKING[name](graph, high(graph))))

    after, samples = absorbed(model)

    assert_same(model, after, samples)
    bias = after.operators[0].bias
    assert bias is not None
    lowered = HIGH - bias.numpy()
    assert lowered[1] == 0
    assert (lowered[[0, 2, 3]] > 3).all()
    made = after.operators[0].outputs[0]
    lows = extremes(after, [made], samples)[made.name].lows
    np.testing.assert_allclose(lows, 0, atol=1e-4)


@pytest.mark.parametrize("name", REFUSING)
def test_readers_that_would_compute_something_else_keep_all_as_it_is(
    name: str, bindings: Any
) -> None:
    graph = Graph(bindings)
    model = graph.made(read(graph, REFUSING[name](graph, high(graph))))

    after, samples = absorbed(model)

    bias = after.operators[0].bias
    assert bias is not None
    np.testing.assert_array_equal(bias.numpy(), HIGH)
    assert_same(model, after, samples)


def test_an_output_of_the_model_keeps_its_values(bindings: Any) -> None:
    graph = Graph(bindings)
    made = high(graph)

    assert absorb_bias_needs(graph.made(read(graph, made), made)) == []


@pytest.mark.parametrize("activation", ["RELU6", "TANH"])
def test_layers_with_other_activation_functions_are_left_alone(
    activation: str, bindings: Any
) -> None:
    graph = Graph(bindings)

    assert absorb_bias_needs(graph.made(read(graph, high(graph, activation)))) == []


def test_one_reader_that_refuses_is_enough(bindings: Any) -> None:
    graph = Graph(bindings)
    made = high(graph)
    other = read(graph, windows(3, 1, 4, "SAME")(graph, made))
    model = graph.made(read(graph, made), other)

    assert model.operators[0].outputs[0] not in absorb_bias_needs(model)


def test_without_data_nothing_is_moved(bindings: Any) -> None:
    graph = Graph(bindings)
    model = graph.made(read(graph, high(graph)))

    after, changes = absorb_bias(model, {})

    assert after is model
    assert not changes.modified


def test_a_dense_layer_without_a_bias_gets_one(bindings: Any) -> None:
    graph = Graph(bindings)
    flat = graph.op("RESHAPE", [high(graph), graph.constant([1, 64], "i4")], 1, 64)
    inputs = [flat, graph.constant(dice(3, 5, 64))]
    model = graph.made(graph.op("FULLY_CONNECTED", inputs, 1, 5))

    after, samples = absorbed(model)

    assert model.operators[-1].bias is None
    bias = after.operators[-1].bias
    assert bias is not None
    assert bias.shape == (5,)
    assert_same(model, after, samples)


def test_a_bias_that_another_layer_reads_stays_for_that_one(bindings: Any) -> None:
    graph = Graph(bindings)
    made, other = high(graph), graph.input(1, 4, 4, 4)
    bias = graph.constant(dice(2, 5))
    outputs = [
        graph.op("CONV_2D", [data, graph.constant(dice(3, 5, 1, 1, 4)), bias], 1, 4, 4, 5)
        for data in (made, other)
    ]
    model = graph.made(*outputs)

    after, samples = absorbed(model)

    first, second = (op.bias for op in after.operators[1:])
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(second.numpy(), dice(2, 5))
    assert np.abs(first.numpy() - dice(2, 5)).max() > 1
    assert_same(model, after, samples)


def test_a_layer_in_a_chain_takes_and_gives(bindings: Any) -> None:
    graph = Graph(bindings)
    weights = np.abs(dice(3, 4, 1, 1, 4)) * 0.1
    second = graph.conv(high(graph), weights, HIGH, activation="RELU")
    model = graph.made(read(graph, second))

    after, samples = absorbed(model)

    assert len(absorb_bias_needs(model)) == 2
    assert_same(model, after, samples)

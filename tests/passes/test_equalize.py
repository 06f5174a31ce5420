from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_graphs import Graph, assert_same, dice
from op_nets import inputs_for
from pieces import BLOCKING, CARRYING, ROUGH, between, plain

from tfq.model import Model
from tfq.passes.equalize import equalize, equalize_needs
from tfq.passes.observe import extremes

pytest.importorskip("ai_edge_litert.interpreter")


def first_weights(model: Model) -> np.ndarray:
    weights = model.operators[0].weights
    assert weights is not None
    return weights.numpy()


def rows(weights: np.ndarray) -> np.ndarray:
    return np.abs(weights).reshape(len(weights), -1).max(axis=1)


@pytest.mark.parametrize("name", CARRYING)
def test_operators_carry_scales(name: str, bindings: Any) -> None:
    model = between(bindings, CARRYING[name])

    equalized, changes = equalize(model)

    assert changes.modified
    assert not np.array_equal(first_weights(equalized), first_weights(model))
    assert_same(model, equalized, inputs_for(model, 3, seed=1))


@pytest.mark.parametrize("name", BLOCKING)
def test_operators_need_numbers_as_they_are(name: str, bindings: Any) -> None:
    model = between(bindings, BLOCKING[name])

    equalized, _ = equalize(model)

    np.testing.assert_array_equal(first_weights(equalized), first_weights(model))
    assert_same(model, equalized, inputs_for(model, 2, seed=2))


def test_channels_reach_alike_on_both_sides(bindings: Any) -> None:
    model = between(bindings, plain("RELU"))
    assert np.ptp(np.log(rows(first_weights(model)))) > np.log(300)

    equalized, changes = equalize(model)

    made, reader = rows(first_weights(equalized)), equalized.operators[-1].weights
    assert reader is not None
    read = rows(reader.numpy().reshape(5, 8).T)
    np.testing.assert_allclose(made / made.max(), read / read.max(), rtol=0.05)
    assert [change.what.split(" by ")[0] for change in changes.changed] == [
        "scaled: outputs",
        "scaled: inputs",
    ]


def test_an_output_of_the_model_is_left_alone(bindings: Any) -> None:
    graph = Graph(bindings)
    rough = graph.conv(graph.input(1, 4, 4, 3), dice(1, 8, 3, 3, 3) * ROUGH)
    read = graph.conv(rough, dice(3, 5, 1, 1, 8))
    model = graph.made(read, rough)

    equalized, changes = equalize(model)

    assert equalized is model
    assert not changes.modified


def test_only_the_part_that_reaches_an_output_is_left_alone(bindings: Any) -> None:
    graph = Graph(bindings)
    rough = graph.conv(graph.input(1, 4, 4, 3), dice(1, 8, 3, 3, 3) * ROUGH)
    axis = graph.constant(3, "i4")
    shown, inner = graph.ops("SPLIT", [axis, rough], [(1, 4, 4, 4)] * 2, numSplits=2)
    model = graph.made(shown, graph.conv(inner, dice(3, 5, 1, 1, 4)))

    equalized, _ = equalize(model)

    same = (first_weights(equalized) == first_weights(model)).reshape(8, -1).all(axis=1)
    np.testing.assert_array_equal(same, [True] * 4 + [False] * 4)
    assert_same(model, equalized, inputs_for(model, 2, seed=3))


def shared(schema: Any, *, second: str) -> Model:
    """Two layers with the same weights, on two ways from the input to the output."""
    graph = Graph(schema)
    weights = graph.constant(dice(1, 4, 1, 1, 4) * ROUGH[:4])
    ways = []
    for seed in (2, 3):
        first = graph.conv(graph.input(1, 4, 4, 3), dice(seed, 4, 1, 1, 3))
        bias = graph.constant(dice(seed, 4))
        ways.append(graph.op("CONV_2D", [first, weights, bias], 1, 4, 4, 4))
    ways[1] = graph.op(second, [ways[1]])
    return graph.made(*(graph.conv(each, dice(4, 5, 1, 1, 4)) for each in ways))


def test_layers_that_share_weights_are_scaled_alike(bindings: Any) -> None:
    model = shared(bindings, second="RELU")

    equalized, changes = equalize(model)

    assert changes.modified
    assert_same(model, equalized, inputs_for(model, 2, seed=4))


def test_weights_shared_with_a_layer_that_cannot_be_scaled_keep_their_rows(bindings: Any) -> None:
    model = shared(bindings, second="TANH")

    equalized, _ = equalize(model)

    before, after = (
        next(op.weights for op in each.operators if op.index == 1) for each in (model, equalized)
    )
    assert before is not None
    assert after is not None
    columns = after.numpy() / before.numpy()
    np.testing.assert_allclose(columns, np.broadcast_to(columns[:1], columns.shape), rtol=1e-6)
    assert_same(model, equalized, inputs_for(model, 2, seed=5))


def test_weights_shared_with_an_operator_of_unknown_bias_are_left_alone(bindings: Any) -> None:
    graph = Graph(bindings)
    weights = graph.constant(dice(1, 8, 1, 1, 8) * ROUGH)
    first = graph.conv(graph.input(1, 4, 4, 3), dice(2, 8, 1, 1, 3) * ROUGH[::-1])
    one = graph.op("CONV_2D", [first, weights, graph.constant(dice(3, 8))], 1, 4, 4, 8)
    other_data, bias = graph.input(1, 4, 4, 8), graph.input(8)
    other = graph.op("CONV_2D", [other_data, weights, bias], 1, 4, 4, 8)
    model = graph.made(graph.conv(one, dice(4, 5, 1, 1, 8)), other)

    equalized, _ = equalize(model)

    assert_same(model, equalized, inputs_for(model, 2, seed=6))


def clipped(schema: Any, fused: str, tops: list[float]) -> Model:
    """A convolution whose channels reach so far on inputs of up to 1, clipped."""
    graph, size = Graph(schema), len(tops)
    weights = np.zeros((size, 1, 1, 1), np.float32)
    weights[:, 0, 0, 0] = tops
    data = graph.input(1, 2, 2, 1)
    if fused in ("RELU6", "RELU_N1_TO_1"):
        made = graph.conv(data, weights, activation=fused)
    else:
        made = graph.op(fused, [graph.conv(data, weights)])
    return graph.made(graph.conv(made, np.ones((3, 1, 1, size))))


@pytest.mark.parametrize(
    ("fused", "limit"), [("RELU6", 6.0), ("RELU_N1_TO_1", 1.0), ("RELU_0_TO_1", 1.0)]
)
def test_channels_far_from_the_limit_are_scaled_up_to_half_of_it(
    fused: str, limit: float, bindings: Any
) -> None:
    tops = np.array([2, 1, 0.6, 0.3, 0.01, 0.0]) * limit
    model = clipped(bindings, fused, tops.tolist())
    pixels = np.array([0, 1, 0.5, -1], np.float32).reshape(1, 2, 2, 1)
    (name,) = model.input_names
    samples = [{name: pixels}]
    needs = equalize_needs(model)
    seen = extremes(model, needs, samples)

    equalized, _ = equalize(model, seen)

    assert len(needs) == 1
    after = first_weights(equalized).ravel()
    np.testing.assert_array_equal(after[[0, 1, 2, 5]], tops[[0, 1, 2, 5]].astype(np.float32))
    # Those below come nearer to the others, but not nearer than half of the limit.
    assert 0.3 * limit < after[3] <= 0.5 * limit * (1 + 1e-6)
    assert 0.05 * limit < after[4] <= 0.5 * limit * (1 + 1e-6)
    assert_same(model, equalized, samples)
    # Twice of what was seen changes nothing either; of a channel below the limit, that is.
    assert_same(model, equalized, [{name: 2 * pixels}])


def test_added_channels_keep_to_the_tightest_limit(bindings: Any) -> None:
    graph, data = Graph(bindings), None
    data = graph.input(1, 1, 1, 1)
    ways = [
        graph.conv(data, np.reshape(tops, (2, 1, 1, 1)), activation="RELU6")
        for tops in ([6.0, 0.01], [6.0, 1.5])
    ]
    model = graph.made(graph.conv(graph.op("ADD", ways), np.ones((3, 1, 1, 2))))
    (name,) = model.input_names
    samples = [{name: np.ones((1, 1, 1, 1), np.float32)}]

    equalized, _ = equalize(model, extremes(model, equalize_needs(model), samples))

    grown = [op.weights.numpy().ravel() for op in equalized.operators[:2] if op.weights]
    assert 1.5 < grown[1][1] <= 3.0 * (1 + 1e-6)
    np.testing.assert_allclose(grown[0][1] / 0.01, grown[1][1] / 1.5, rtol=1e-6)
    assert_same(model, equalized, samples)


def test_a_model_without_clipping_needs_no_data(bindings: Any) -> None:
    assert equalize_needs(between(bindings, plain("RELU"))) == []


WEIGHTS = st.sampled_from([0.0, 1e-42, 1e-30, 1e-4, 0.1, 1.0, 7.0, 1e5, 2e30])


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    tops=st.lists(st.lists(WEIGHTS, min_size=4, max_size=4), min_size=2, max_size=4),
    adds=st.booleans(),
)
def test_any_weights_stay_finite(tops: list[list[float]], adds: bool, bindings: Any) -> None:
    """Zeros, denormals and numbers near the end of float32; long ways around convolutions."""
    graph = Graph(bindings)
    data = graph.conv(graph.input(1, 2, 2, 4), dice(1, 4, 1, 1, 4))
    for place, row in enumerate(tops):
        sizes = np.array(row, np.float32)[:, None, None, None]
        made = graph.conv(data, np.tanh(dice(place, 4, 1, 1, 4)) * sizes, activation="RELU")
        data = graph.op("ADD", [data, made]) if adds else made
    model = graph.made(graph.conv(data, dice(9, 3, 1, 1, 4)))

    equalized, _ = equalize(model)

    for tensor in equalized.tensors:
        if tensor.is_constant:
            assert np.isfinite(tensor.numpy()).all()


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), length=st.integers(1, 12))
def test_long_residual_chains_settle(seed: int, length: int, bindings: Any) -> None:
    """One label a channel for all of them: each convolution takes and makes the same ones."""
    graph, random = Graph(bindings), np.random.default_rng(seed)
    data = graph.conv(graph.input(1, 2, 2, 6), random.normal(size=(6, 1, 1, 6)))
    for _ in range(length):
        rough = random.normal(size=(6, 1, 1, 6)) * np.exp(random.uniform(-4, 4, (6, 1, 1, 6)))
        data = graph.op("ADD", [data, graph.conv(data, rough, activation="RELU")])
    model = graph.made(graph.conv(data, random.normal(size=(3, 1, 1, 6))))

    once, _ = equalize(model)
    twice, _ = equalize(once)

    for before, after in zip(once.tensors, twice.tensors, strict=True):
        if before.is_constant:
            np.testing.assert_allclose(after.numpy(), before.numpy(), rtol=0.1, atol=1e-6)
    assert_same(model, once, inputs_for(model, 1, seed=seed))

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_graphs import Graph, dice

from tfq.model import Model
from tfq.passes.clip_weights import clip_weights


def dense(schema: Any, weights: np.ndarray) -> Model:
    graph = Graph(schema)
    return graph.made(graph.dense(graph.input(1, weights.shape[1]), weights))


def weights_of(model: Model) -> np.ndarray:
    weights = model.operators[0].weights
    assert weights is not None
    return weights.numpy().astype(np.float64)


def noise(before: np.ndarray, after: np.ndarray, axis: int | None) -> np.ndarray:
    """The squared error of the integers that `after` becomes."""
    step = np.abs(after).max(axis=axis, keepdims=True) / 127
    step = np.where(step > 0, step, 1)
    return np.square(np.rint(after / step) * step - before).sum(axis=axis)


def outliers(seed: int) -> np.ndarray:
    """Many small weights, and in each row one that reaches much further."""
    weights = dice(seed, 4, 100_000) * 0.05
    weights[:, 7] = [0.4, 0.5, 0.45, 0]
    return weights


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_few_large_weights_give_way(per_channel: bool, bindings: Any) -> None:
    model = dense(bindings, outliers(1))
    axis = 1 if per_channel else None

    clipped, changes = clip_weights(model, per_channel)

    before, after = weights_of(model), weights_of(clipped)
    assert (noise(before, after, axis) <= noise(before, before, axis)).all()
    assert noise(before, after, axis).sum() < 0.9 * noise(before, before, axis).sum()
    top = np.abs(after).max(axis=axis, keepdims=True)
    np.testing.assert_allclose(after, np.clip(before, -top, top), rtol=1e-6)
    (change,) = changes.changed
    assert change.cost is not None
    assert change.cost.worst == pytest.approx(np.abs(after - before).max())


def test_weights_that_integers_hold_exactly_are_left_alone(bindings: Any) -> None:
    model = dense(bindings, np.arange(-127, 128, dtype=np.float32).reshape(3, 85))

    assert clip_weights(model, per_channel=False)[0] is model


def test_channels_lie_where_the_operator_has_them(bindings: Any) -> None:
    graph = Graph(bindings)
    weights = dice(1, 1, 300, 300, 3) * np.array([0.05, 0.5, 5], np.float32)
    weights[0, 0, 0] = [0.4, 4, 0]
    data = graph.input(1, 300, 300, 3)
    model = graph.made(graph.conv(data, weights, depthwise=True))

    after = weights_of(clip_weights(model, per_channel=True)[0])

    assert (after[0, 0, 0, :2] < [0.35, 3.5]).all()
    changed = (after != weights).reshape(-1, 3).sum(axis=0)
    # Of 90,000 normal numbers some 50 are beyond 3.5 times their standard deviation.
    assert (changed < 50).all()


VALUES = st.floats(-100, 100, width=32)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=1, max_size=3))
@pytest.mark.parametrize("per_channel", [False, True])
def test_integers_are_never_worse_than_before(
    rows: list[list[float]], per_channel: bool, bindings: Any
) -> None:
    model = dense(bindings, np.array(rows, np.float32))
    axis = 1 if per_channel else None

    after = weights_of(clip_weights(model, per_channel)[0])

    before = weights_of(model)
    # float32 against float64 where a weight lies between two integers.
    room = 1e-5 * np.square(before).sum() + 1e-12
    assert (noise(before, after, axis) <= noise(before, before, axis) + room).all()

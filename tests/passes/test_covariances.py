from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from float_models import photographs

import tfq
from tfq.model import Model
from tfq.numerics.noise import sqnr
from tfq.passes.covariances import _PLACES, Covariance, _rows, covariances
from tfq.passes.float_weights import float_weights
from tfq.passes.integer_kernels import layer
from tfq.passes.observe import observe
from tfq.passes.parameters import Parameters
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.rounding import RoundedWeights, rounded
from tfq.runtime import Runner

pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def full_range(faces: dict[str, Path]) -> Model:
    return float_weights(tfq.load(faces["face_detection_full_range"]))[0]


def samples(model: Model, count: int, seed: int) -> list[dict[str, np.ndarray]]:
    images = photographs(model.inputs[0].shape, count, seed)
    return [{model.input_names[0]: image} for image in images]


def test_what_layers_multiply_is_what_the_interpreter_multiplies(full_range: Model) -> None:
    """Rows times weights plus bias, then the activation, are values of the output."""
    runner = Runner(full_range, every_tensor=True)
    runner.run(samples(full_range, 1, seed=1)[0])
    kinds = set()
    for operator in full_range.operators:
        found = layer(operator)
        if found is None or operator.options.get("fused_activation_function") not in (
            "NONE",
            "RELU",
        ):
            continue
        rows = _rows(operator, found, runner.tensor(found.data.index))
        assert rows is not None
        weights, made = found.weights.numpy(), runner.tensor(operator.outputs[0].index)
        flat = made.reshape(-1, made.shape[-1])
        step = int(len(flat) * (np.sqrt(5) - 1) / 2) | 1
        few = len(flat) <= _PLACES
        places = np.arange(len(flat)) if few else np.arange(_PLACES) * step % len(flat)
        if operator.name == "DEPTHWISE_CONV_2D":
            sums = np.einsum("cpt,tc->pc", rows, weights.reshape(-1, weights.shape[-1]))
        else:
            sums = rows @ weights.reshape(len(weights), -1).T
        sums = sums + (found.bias.numpy() if found.bias is not None else 0)
        if operator.options["fused_activation_function"] == "RELU":
            sums = np.maximum(sums, 0)
        np.testing.assert_allclose(sums, flat[places], rtol=1e-3, atol=1e-3)
        kinds.add((operator.name, operator.options["stride_h"], weights.shape[1]))
    assert len(kinds) >= 4


def test_covariances_are_about_the_mean_where_a_bias_takes_it_up(full_range: Model) -> None:
    data = samples(full_range, 3, seed=2)

    found = covariances(full_range, data)

    runner, rows = Runner(full_range, every_tensor=True), []
    operator = next(op for op in full_range.operators if op.name == "CONV_2D")
    each = layer(operator)
    assert each is not None
    assert each.bias is not None
    for sample in data:
        runner.run(sample)
        part = _rows(operator, each, runner.tensor(each.data.index))
        assert part is not None
        rows.append(part)
    wanted = np.cov(np.concatenate(rows).astype("f8").T, bias=True)
    np.testing.assert_allclose(found[operator.index].matrix, wanted, rtol=1e-2, atol=1e-4)
    assert found[operator.index].places == len(data) * _PLACES


@pytest.fixture
def dense(full_range: Model):
    """A pointwise convolution, whose weights are a matrix."""
    return next(
        op for op in full_range.operators if op.name == "CONV_2D" and op.weights.shape[1] == 1
    )


def correlated(size: int, seed: int, rank: int) -> np.ndarray:
    mixed = np.random.default_rng(seed).normal(size=(rank, size))
    return (mixed.T @ mixed / rank).astype("f4")


@pytest.mark.parametrize("rank", [3, 20, 200])
def test_rounding_with_regard_to_others_costs_less(dense, rank: int) -> None:
    weights = np.random.default_rng(5).normal(size=(8, 1, 1, 100)).astype("f4")
    target = Parameters("int8", (0.05,), (0,))
    matrix = correlated(100, seed=6, rank=rank)

    def noise(integers: np.ndarray) -> float:
        errors = (integers * 0.05 - weights).reshape(8, -1)
        return float(np.einsum("oi,ij,oj->", errors, matrix, errors))

    nearest = rounded(dense, weights, target, None)
    better = rounded(dense, weights, target, Covariance(matrix, 10_000))

    assert noise(better) < 0.8 * noise(nearest)
    assert np.abs(better).max() <= 127
    assert (better == np.rint(better)).all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((100, 100)),
        np.diag(np.arange(100.0)),
        np.full((100, 100), np.nan),
        np.full((100, 100), np.inf),
        np.eye(99),
        np.zeros((8, 100, 100)),
    ],
    ids=["nothing varies", "alone", "NaN", "infinite", "another size", "of channels"],
)
def test_without_anything_to_go_by_rounding_is_to_the_nearest(dense, matrix: np.ndarray) -> None:
    weights = np.random.default_rng(7).normal(size=(8, 1, 1, 100)).astype("f4")
    target = Parameters("int8", tuple(np.linspace(0.02, 0.1, 8)), (0,) * 8, 0)

    found = rounded(dense, weights, target, Covariance(matrix.astype("f4"), 1000))

    np.testing.assert_array_equal(found, rounded(dense, weights, target, None))


def test_few_samples_are_trusted_little(dense) -> None:
    weights = np.random.default_rng(8).normal(size=(8, 1, 1, 100)).astype("f4")
    target, matrix = Parameters("int8", (0.05,), (0,)), correlated(100, seed=9, rank=2)
    nearest = rounded(dense, weights, target, None)

    moved = [
        np.count_nonzero(rounded(dense, weights, target, Covariance(matrix, places)) != nearest)
        for places in (1, 100, 100_000)
    ]

    assert moved[0] < min(moved[1:]) / 2


@pytest.mark.parametrize("scheme", [Scheme(), Scheme("int16"), Scheme(weight_bits=4)])
def test_outputs_come_nearer_on_unseen_photographs(full_range: Model, scheme: Scheme) -> None:
    data, unseen = samples(full_range, 12, seed=10), samples(full_range, 8, seed=11)
    ranges = observe(full_range, data)
    means = {key: each.values for key, each in ranges.means.items()}
    runner = Runner(full_range)
    expected = np.stack([runner.run(each)[0] for each in unseen])

    def precision(known) -> float:
        made, _ = quantize(
            full_range, ranges.spans(), scheme, means=means, weights=RoundedWeights(known)
        )
        runner = Runner(made)
        return sqnr(expected, np.stack([runner.run(each)[0] for each in unseen]))

    assert precision(covariances(full_range, data)) > precision({})

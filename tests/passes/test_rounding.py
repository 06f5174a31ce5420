from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from float_models import photographs
from op_nets import Net, dense

import tfq
from tfq.numerics.noise import sqnr
from tfq.passes.float_weights import float_weights
from tfq.passes.integer_kernels import layer
from tfq.passes.observe import observe
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.rounding import mean_shift
from tfq.runtime import Runner

FACES = ("face_detection_full_range", "face_landmark", "iris_landmark")


@pytest.mark.parametrize("name", FACES)
def test_what_rounding_adds_in_the_mean_is_known_beforehand(
    name: str, faces: dict[str, Path]
) -> None:
    """Against the outputs of each layer, computed with and without errors in its weights."""
    pytest.importorskip("ai_edge_litert.interpreter")
    model, _ = float_weights(tfq.load(faces[name]))
    runner = Runner(model, every_tensor=True)
    runner.run({model.input_names[0]: photographs(model.inputs[0].shape, 1, seed=3)[0]})
    dice, kinds = np.random.default_rng(4), set()
    for operator in model.operators:
        found = layer(operator)
        if found is None or (operator.name, found.weights.shape[1:3]) in kinds:
            continue
        data = runner.tensor(found.data.index)
        errors = dice.normal(size=found.weights.shape)
        means = data.reshape(-1, data.shape[-1]).mean(axis=0)
        shift = mean_shift(operator, found, errors, means)
        assert shift is not None
        if found.weights.shape[1:3] == (1, 1):
            # Nothing is padded, so that it is exact.
            exact = np.einsum("oyxi,nhwi->nhwo", errors, data.astype("f8")).mean(axis=(0, 1, 2))
            np.testing.assert_allclose(shift, exact, rtol=1e-3, atol=1e-3)
        kinds.add((operator.name, found.weights.shape[1:3]))
    assert len(kinds) > 2


def test_padding_counts_as_nothing(faces: dict[str, Path]) -> None:
    """A depthwise layer on an image of ones: the mean of its output is what the taps add."""
    pytest.importorskip("ai_edge_litert.interpreter")
    model, _ = float_weights(tfq.load(faces["face_detection_full_range"]))
    operator = next(op for op in model.operators if op.name == "DEPTHWISE_CONV_2D")
    found = layer(operator)
    assert found is not None
    height, width, channels = found.data.shape[1:]
    taps = found.weights.shape[1]
    stride, padding = operator.options["stride_h"], operator.options["padding"]
    ones = np.ones(found.weights.shape)

    shift = mean_shift(operator, found, ones, np.ones(channels))

    assert padding == "SAME"
    made = -(-height // stride)
    before = max((made - 1) * stride + taps - height, 0) // 2
    padded = np.zeros((height + taps * 2, width + taps * 2))
    padded[before : before + height, before : before + width] = 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (taps, taps))
    exact = windows[: made * stride : stride, : made * stride : stride].sum(axis=(2, 3)).mean()
    np.testing.assert_allclose(shift, exact)


@pytest.mark.parametrize("name", ["face_detection_front", "face_detection_full_range"])
def test_biases_that_know_the_means_bring_outputs_nearer(name: str, faces: dict[str, Path]) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    model, _ = float_weights(tfq.load(faces[name]))
    shape, key = model.inputs[0].shape, model.input_names[0]
    ranges = observe(model, [{key: each} for each in photographs(shape, 8, seed=5)])
    means = {name: each.values for name, each in ranges.means.items()}
    runner = Runner(model)
    unseen = photographs(shape, 6, seed=6)
    expected = np.stack([runner.run({key: each})[0] for each in unseen])

    def precision(known: dict[str, np.ndarray]) -> float:
        made, _ = quantize(model, ranges.spans(), Scheme(), means=known)
        runner = Runner(made)
        return sqnr(expected, np.stack([runner.run({key: each})[0] for each in unseen]))

    assert precision(means) > precision({})


def test_a_bias_of_two_layers_stays_as_it_is(bindings) -> None:
    net = Net(bindings)
    model = net.made(dense(net, net.input(1, 8), 0))
    found = layer(model.operators[0])
    assert found is not None
    assert mean_shift(model.operators[0], found, np.ones((8, 8)), np.ones(3)) is None

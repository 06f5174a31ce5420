from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from op_nets import (
    ADD,
    CONV,
    DENSE,
    Net,
    dense,
    inputs_for,
    noise,
    precision,
    quantized,
    run_both,
    spans_of,
)

import tfq
from tfq.model import Model
from tfq.passes.quantize import Scheme, quantize

pytest.importorskip("ai_edge_litert.interpreter")


# Ranges.


def test_activations_without_a_name_of_their_own_are_told_apart(bindings: ModuleType) -> None:
    net = Net(bindings)
    large = net.add("MUL", [net.input(1, 8), net.constant(99.0)], [(1, 8)], ("MulOptions", {}))
    model = net.made(net.add("LOGISTIC", [large], [(1, 8)]), large)
    for each in net.graph.tensors:
        each.name = "same"
    model = net.made(*net.graph.outputs)

    assert precision(model, quantized(model)[0]) > 30


def test_an_activation_without_a_usable_range_is_named(chain: Model) -> None:
    spans = spans_of(chain, inputs_for(chain))

    with pytest.raises(tfq.ConversionError, match=r"'t3'\): has no range; was it calibrated"):
        quantize(chain, {key: each for key, each in spans.items() if key != "t3"}, Scheme())
    with pytest.raises(tfq.ConversionError, match=r"'t3'\): expected a finite range, got 0.0 to"):
        quantize(chain, {**spans, "t3": (0.0, float("inf"))}, Scheme())


@pytest.mark.parametrize(("value", "called"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_weights_that_are_not_finite_are_named(
    value: float, called: str, bindings: ModuleType
) -> None:
    net = Net(bindings)
    given = net.input(1, 1)
    made = net.add("FULLY_CONNECTED", [given, net.constant([[value]])], [(1, 1)], DENSE)
    model = net.made(made)

    with pytest.raises(tfq.ConversionError, match=f"expected finite weights, got {called}"):
        quantize(model, {"t0": (0, 1), "t2": (0, 1)}, Scheme())


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("RELU", 0, 9), ("RELU6", 0, 6), ("RELU_N1_TO_1", -1, 1), ("NONE", -9, 9)],
)
def test_a_range_is_cut_to_what_the_fused_activation_gives(
    kind: str, low: float, high: float, bindings: ModuleType
) -> None:
    net = Net(bindings)
    number = getattr(bindings.ActivationFunctionType, kind)
    model = net.made(dense(net, net.input(1, 8), fusedActivationFunction=number))

    done, _ = quantize(model, {"t0": (-3, 3), "t3": (-9, 9)}, Scheme())

    found = done.outputs[0].quantization
    (scale,), (point,) = found.scales, found.zero_points
    assert ((-128 - point) * scale, (127 - point) * scale) == pytest.approx((low, high), abs=0.1)


_SPANS = [0.0, 1e-38, 1e-20, 1e-6, 1.0, 1e6, 1e20, 3e38]


@pytest.mark.parametrize("power_of_two", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("weights", [0.0, 1e-20, 1.0, 1e20])
def test_the_most_extreme_ranges_load_and_run(
    weights: float, dtype: str, power_of_two: bool, bindings: ModuleType
) -> None:
    net = Net(bindings)
    data = net.input(1, 4, 4, 2)
    inputs = [data, net.constant(weights * noise(2, 1, 1, 2)), net.constant(noise(2))]
    made = net.add("CONV_2D", inputs, [(1, 4, 4, 2)], ("Conv2DOptions", CONV))
    total = net.add("ADD", [made, data], [(1, 4, 4, 2)], ADD)
    model = net.made(net.add("MUL", [total, made], [(1, 4, 4, 2)], ("MulOptions", {})))
    keys = [each.name for each in model.tensors if not each.is_constant]

    for first, second in pairwise([*_SPANS, *_SPANS[::3], *_SPANS[::-2]]):
        spans = {key: (-each, each) for key, each in zip(keys, [first, second] * 2, strict=True)}
        done, _ = quantize(model, spans, Scheme(dtype, power_of_two=power_of_two))
        run_both(done, inputs_for(model, 1))


# Schemes.


def scales(model: Model) -> list[float]:
    found = [each.quantization for each in model.tensors if each.quantization is not None]
    return [scale for each in found for scale in each.scales]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_powers_of_two_clip_weights_where_that_costs_less(dtype: str, bindings: ModuleType) -> None:
    net = Net(bindings)
    values = np.random.default_rng(1).uniform(-0.9, 0.9, (64, 64)).astype(np.float32)
    values[0, 0] = 1.02  # The only one that a scale of 2^-7 does not reach.
    inputs = [net.input(1, 64), net.constant(values)]
    model = net.made(net.add("FULLY_CONNECTED", inputs, [(1, 64)], DENSE))

    done, _ = quantized(model, Scheme(dtype, power_of_two=True))

    weights = done.operators[0].weights
    assert weights.quantization.scales == (2.0**-7,)
    assert all(np.log2(each).is_integer() for each in scales(done))
    assert all(not any(each.quantization.zero_points) for each in done.tensors)
    assert precision(model, done) > 30


def test_symmetric_activations_reach_both_ends(chain: Model) -> None:
    done, _ = quantized(chain, Scheme(symmetric=True))

    low, high = spans_of(chain, inputs_for(chain))["t0"]
    found = done.inputs[0].quantization
    assert found.zero_points == (0,)
    assert found.scales[0] == pytest.approx(max(-low, high) / 127)
    assert precision(chain, done) > 25


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_channels_of_zeros_have_a_scale_too(dtype: str, bindings: ModuleType) -> None:
    net = Net(bindings)
    values, biases = noise(4, 3, 3, 2), noise(4)
    values[1] = biases[1] = values[2] = 0
    inputs = [net.input(1, 4, 4, 2), net.constant(values), net.constant(biases)]
    model = net.made(net.add("CONV_2D", inputs, [(1, 4, 4, 4)], ("Conv2DOptions", CONV)))

    done, _ = quantized(model, Scheme(dtype, per_channel=True))

    assert len(done.operators[0].weights.quantization.scales) == 4
    assert min(scales(done)) >= 2.0**-80
    assert precision(model, done) > 30


def test_a_limit_far_beyond_the_values_costs_no_precision(bindings: ModuleType) -> None:
    net = Net(bindings)
    limits = ("MaximumMinimumOptions", {})
    below = net.add("MINIMUM", [net.input(1, 8), net.constant(1e30)], [(1, 8)], limits)
    model = net.made(net.add("MAXIMUM", [below, net.constant(0.0)], [(1, 8)], limits))

    assert precision(model, quantized(model)[0]) > 30


def test_infinite_padding_becomes_the_end_of_the_range(bindings: ModuleType) -> None:
    net = Net(bindings)
    border = net.constant([[0, 0], [1, 1]], np.int32)
    padded = net.add("PADV2", [net.input(1, 8), border, net.constant(-np.inf)], [(1, 10)])
    model = net.made(padded)

    done, _ = quantize(model, {"t1": (-3, 3), "t3": (-3, 3)}, Scheme())

    found = run_both(done, [{"t1": np.zeros((1, 8), np.float32)}])[0][0]
    np.testing.assert_allclose(found[0, 0, [0, 1, 9]], [-3, 0, -3], atol=0.03)

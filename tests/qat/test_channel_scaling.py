"""Channels are scaled to like ranges before training begins."""

from __future__ import annotations

import keras
import numpy as np

import tfq.qat
from tfq.qat.weighted import QuantizedWeights

L = keras.layers


def _unlike_channels() -> keras.Model:
    """Layers whose channels differ by a factor of up to a thousand."""
    keras.utils.set_random_seed(1)
    image = keras.Input((10, 10, 3))
    x = L.Conv2D(8, 3, activation="relu")(image)
    x = L.BatchNormalization()(L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x))
    x = L.MaxPooling2D()(L.ReLU()(x))
    x = L.Conv2DTranspose(5, 2)(L.LeakyReLU()(L.Conv2D(6, 1)(x)))
    model = keras.Model(image, L.Dense(4)(L.GlobalAveragePooling2D()(L.ReLU()(x))))
    dice = np.random.default_rng(0)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            spread = 10 ** dice.uniform(-1.5, 1.5, layer.kernel.shape[-1])
            layer.kernel.assign(np.asarray(layer.kernel) * spread)
    return model


def _spread(kernel: np.ndarray, axes: tuple[int, ...]) -> float:
    """By which power of ten the channels of a layer differ."""
    axes = tuple(axis % kernel.ndim for axis in axes)
    others = tuple(axis for axis in range(kernel.ndim) if axis not in axes)
    tops = np.abs(kernel).max(axis=others)
    return float(np.log10(tops.max() / tops.min()))


def test_channels_become_alike_and_the_model_computes_the_same() -> None:
    model = _unlike_channels()
    data = np.random.default_rng(1).uniform(-1, 1, (4, 10, 10, 3)).astype("float32")
    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme("int16", per_channel=True))

    layers = [each for each in made.layers if isinstance(each, QuantizedWeights)]
    spreads = [_spread(np.asarray(each.folded("kernel")), each.axes["kernel"]) for each in layers]
    old = [each for each in model.layers if hasattr(each, "kernel")]
    before = [
        _spread(np.asarray(each.kernel), layer.axes["kernel"])
        for each, layer in zip(old, layers, strict=True)
    ]
    assert np.mean(spreads[:-1]) < 0.8 * np.mean(before[:-1])
    expected = np.asarray(model(data))
    # Weights of 8 bits are what is left of the difference.
    assert np.abs(made(data) - expected).max() < 0.05 * np.abs(expected).max()


def test_one_scale_for_unlike_channels_costs_little_then() -> None:
    model = _unlike_channels()
    data = np.random.default_rng(1).uniform(-1, 1, (4, 10, 10, 3)).astype("float32")
    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    expected = np.asarray(model(data))
    assert np.abs(made(data) - expected).max() < 0.1 * np.abs(expected).max()


def test_layers_called_twice_stay_as_they_are() -> None:
    first, second = keras.Input((6, 6, 2)), keras.Input((6, 6, 2))
    shared, after = L.Conv2D(4, 3), L.Conv2D(3, 1)
    x = after(L.Add()([L.ReLU()(shared(each)) for each in (first, second)]))
    model = keras.Model([first, second], L.Softmax()(x))
    made = tfq.qat.quantize_model(model, profile="artpec8")
    np.testing.assert_array_equal(made.get_layer(shared.name).layer.kernel, shared.kernel)
    np.testing.assert_array_equal(made.get_layer(after.name).layer.kernel, after.kernel)

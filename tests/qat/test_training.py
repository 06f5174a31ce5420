"""Training: gradients, statistics, ranges, and what surrounds `fit`."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from qat_nets import inputs, plain, train, unlike

import tfq
import tfq.qat
from tfq.qat import fake

L = keras.layers


def _normalized() -> keras.Model:
    image = keras.Input((8, 8, 2))
    x = L.Conv2D(6, 3, name="conv")(image)
    return unlike(keras.Model(image, L.BatchNormalization(momentum=0.5, name="norm")(x)))


def _trained_norm(model: keras.Model) -> keras.layers.Layer:
    return model.get_layer("conv").norm


def test_folded_normalization_follows_batches_as_the_layer_itself_does() -> None:
    model = _normalized()
    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme("int16", per_channel=True))
    data = inputs(model)
    for _ in range(3):
        expected, found = model(data, training=True), made(data, training=True)

    assert np.abs(expected - found).max() < 0.05 * np.abs(expected).max()
    norm, mine = model.get_layer("norm"), _trained_norm(made)
    np.testing.assert_allclose(mine.moving_mean, norm.moving_mean, atol=0.02)
    np.testing.assert_allclose(mine.moving_variance, norm.moving_variance, rtol=0.05)


def test_gradients_of_folded_normalization_are_those_of_the_layer_itself() -> None:
    model = _normalized()
    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme("int16", per_channel=True))
    data = inputs(model)

    def gradients(each: keras.Model, norm: keras.layers.Layer) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.math.cos(each(data, training=True)))
        return [np.asarray(g) for g in tape.gradient(loss, [norm.gamma.value, norm.beta.value])]

    expected = gradients(model, model.get_layer("norm"))
    found = gradients(made, _trained_norm(made))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=0.05 * np.abs(one).max())


def test_frozen_statistics_and_ranges_stay() -> None:
    model = _normalized()
    made = tfq.qat.quantize_model(model, profile="artpec8")
    data = inputs(model)
    train(made, data)
    tfq.qat.freeze_statistics(made)
    ranges = made.get_layer("conv_quantizer")
    before = [np.asarray(each) for each in (_trained_norm(made).moving_mean, ranges.highs)]
    train(made, 3 * data)
    after = [np.asarray(each) for each in (_trained_norm(made).moving_mean, ranges.highs)]

    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    expected, found = made(data, training=True), made(data, training=False)
    np.testing.assert_allclose(expected, found, atol=1e-5)


def test_the_callback_freezes_after_so_many_epochs() -> None:
    model = tfq.qat.quantize_model(plain(), profile="artpec8")
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((inputs(model, 8), np.zeros((8, 10), np.float32)))
    frozen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: frozen.append(float(model.get_layer("second").frozen))
    )
    model.fit(data, epochs=3, verbose=0, callbacks=[tfq.qat.FreezeStatistics(2), watch])
    assert frozen == [0, 0, 1]


def test_statistics_frozen_from_the_start_still_leave_ranges_to_be_found() -> None:
    model = tfq.qat.quantize_model(plain(), profile="artpec8")
    tfq.qat.freeze_statistics(model)
    train(model, inputs(model))
    assert tfq.convert(model, profile="artpec8").report.ok


def test_a_model_that_is_not_trainable_stays_as_it_is() -> None:
    image = keras.Input((8, 8, 2))
    base = _normalized()
    base.trainable = False
    model = keras.Model(image, L.Dense(3)(L.Flatten()(base(image, training=False))))
    made = tfq.qat.quantize_model(model, profile="artpec8")
    layer = made.get_layer("conv")
    before = [np.asarray(each) for each in (*layer.layer.weights, *layer.norm.weights)]
    train(made, 5 * inputs(model))
    after = [np.asarray(each) for each in (*layer.layer.weights, *layer.norm.weights)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert tfq.convert(made, profile="artpec8").report.ok


def test_what_cannot_be_frozen_is_refused() -> None:
    with pytest.raises(tfq.ArgumentError, match="quantize_model"):
        tfq.qat.freeze_statistics(plain())
    with pytest.raises(tfq.ArgumentError, match="0 or more, got -1"):
        tfq.qat.FreezeStatistics(-1)


@pytest.mark.parametrize("threshold", [0.0, -3.5, 1.2])
def test_thresholds_learn_from_rounding_and_clipping(threshold: float) -> None:
    values = tf.constant(np.random.default_rng(0).normal(0, 0.5, 200), tf.float32)
    variable = tf.Variable(threshold)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(fake.trained_quantize(values, variable, 4) - values))
    found = float(tape.gradient(loss, variable))

    # The formula of the paper, in integers: eq. 6 of Jain et al. 2019.
    scale = 2.0 ** np.ceil(threshold) / 8
    steps = np.asarray(values) / scale
    rounded = np.clip(np.floor(steps + 0.5), -8, 7)
    inside = (np.floor(steps + 0.5) >= -8) & (np.floor(steps + 0.5) <= 7)
    slope = scale * np.log(2) * np.where(inside, rounded - steps, rounded)
    expected = np.sum(2 * (rounded * scale - values) * slope) / np.sqrt(200 * 8)
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=1e-3)


def test_a_threshold_finds_its_optimum() -> None:
    values = tf.constant(np.random.default_rng(0).normal(0, 1, 5000), tf.float32)
    threshold = tf.Variable(5.0)
    optimizer = keras.optimizers.Adam(0.1)
    for _ in range(150):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(fake.trained_quantize(values, threshold, 4) - values))
        optimizer.apply_gradients([(tape.gradient(loss, threshold), threshold)])

    def error(power: int) -> float:
        made = fake.trained_quantize(values, tf.constant(float(power)), 4)
        return float(tf.reduce_mean(tf.square(made - values)))

    best = min(range(-3, 7), key=error)
    assert best - 1 < float(threshold) <= best + 0.5


def test_weights_are_rounded_to_as_many_integers_on_both_sides() -> None:
    weights = tf.Variable([[-0.9, 0.1], [0.3, 0.02]])
    with tf.GradientTape() as tape:
        made = fake.quantize_weights(weights, fake.weight_scales(weights, (0,), 4), 4)
        total = tf.reduce_sum(made)
    np.testing.assert_allclose(made, [[-0.9, 0.1], [0.9 / 7 * 2, 0.1 / 7]], rtol=1e-6)
    assert tape.gradient(total, weights) is not None


def test_it_trains_on_mirrored_devices() -> None:
    # Devices must be known before TensorFlow starts.
    code = """
        import tensorflow as tf
        (cpu,) = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        import keras, numpy as np, tfq, tfq.qat
        L = keras.layers
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            image = keras.Input((6, 6, 1))
            x = L.ReLU()(L.BatchNormalization()(L.Conv2D(3, 3)(image)))
            x = L.Concatenate()([x, L.Conv2D(2, 1)(x)])
            model = keras.Model(image, L.Dense(2, activation="softmax")(L.Flatten()(x)))
            made = tfq.qat.quantize_model(model, profile="tidl-tda4vm")
            made.compile("adam", "sparse_categorical_crossentropy")
        dice = np.random.default_rng(0)
        data = dice.uniform(0, 1, (32, 6, 6, 1)).astype("f"), dice.integers(0, 2, 32)
        made.fit(tf.data.Dataset.from_tensor_slices(data).batch(8), verbose=0)
        quantizers = [each for each in made.layers if hasattr(each, "seen")]
        assert {int(each.seen[0]) for each in quantizers} == {4}
        assert tfq.convert(made, profile="tidl-tda4vm").report.ok
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]

"""Small models of every kind of layer, and what shows that simulation and device agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import tfq
import tfq.qat
from tfq.runtime import Runner

L = keras.layers
SCHEMES = {
    "per_tensor": tfq.qat.Scheme(),
    "per_channel": tfq.qat.Scheme(per_channel=True),
    "symmetric": tfq.qat.Scheme(symmetric=True),
    "power_of_two": tfq.qat.Scheme(symmetric=True, power_of_two=True),
    "16x8": tfq.qat.Scheme("int16", per_channel=True),
    "16x8_per_tensor": tfq.qat.Scheme("int16"),
    "4_bits": tfq.qat.Scheme(per_channel=True, weight_bits=4),
    "4_bits_per_tensor": tfq.qat.Scheme(weight_bits=4),
}


def plain() -> keras.Model:
    x = image = keras.Input((12, 12, 3), name="image")
    x = L.Conv2D(8, 3, padding="same", activation="relu", name="first")(x)
    x = L.MaxPooling2D()(x)
    x = L.BatchNormalization(name="norm")(L.Conv2D(12, 3, name="second")(x))
    x = L.Dropout(0.2)(L.ReLU(max_value=6)(x))
    x = L.Flatten()(x)
    return keras.Model(image, L.Dense(10, activation="softmax", name="probabilities")(x))


def residual() -> keras.Model:
    x = image = keras.Input((12, 12, 3))
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 3, use_bias=False)(x)))
    y = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", activation="relu")(x))
    x = L.ReLU()(L.Add()([x, y]))
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = L.Activation("relu6")(L.BatchNormalization()(y))
    y = L.SeparableConv2D(8, 3, padding="same", activation="relu")(y)
    return keras.Model(image, L.Dense(5)(L.GlobalAveragePooling2D()(x + y)))


def normalized_first() -> keras.Model:
    x = image = keras.Input((12, 12, 3))
    x = first = L.Conv2D(8, 3, padding="same")(x)
    x = L.Conv2D(8, 3, padding="same")(L.ReLU()(L.BatchNormalization()(x)))
    x = L.BatchNormalization()(L.Add()([x, first, x]))
    x = L.BatchNormalization()(L.Dense(8, activation="relu")(L.GlobalAveragePooling2D()(x)))
    return keras.Model(image, L.Dense(4, activation="sigmoid")(x))


def encoder_decoder() -> keras.Model:
    x = image = keras.Input((12, 12, 2))
    fine = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(fine))
    x = L.ReLU()(L.BatchNormalization()(L.Conv2DTranspose(6, 2, strides=2)(x)))
    x = L.Concatenate()([fine, x])
    coarse = L.UpSampling2D()(L.AveragePooling2D(2)(x))
    x = L.Conv2D(3, 1, activation="sigmoid")(L.Concatenate()([x, coarse]))
    return keras.Model(image, x)


def activations() -> keras.Model:
    x = image = keras.Input((10, 10, 3))
    x = L.Conv2D(8, 3, activation="silu")(x)
    x = L.Activation("hard_silu")(L.Conv2D(8, 3)(x))
    x = L.LeakyReLU()(L.Conv2D(8, 1)(x))
    x = L.Conv2D(8, 1, activation="tanh")(x)
    x = L.UpSampling2D(interpolation="bilinear")(L.ZeroPadding2D()(x))
    return keras.Model(image, L.Dense(6)(L.GlobalMaxPooling2D()(x)))


def gated() -> keras.Model:
    x = image = keras.Input((10, 10, 3))
    x = L.Conv2D(8, 3, activation="relu")(x)
    gate = L.Conv2D(4, 1, activation="relu")(L.GlobalAveragePooling2D(keepdims=True)(x))
    x = L.Multiply()([x, L.Conv2D(8, 1, activation="sigmoid")(gate)])
    return keras.Model(image, L.Dense(3)(L.Flatten()(x)))


def several() -> keras.Model:
    """Two images through shared layers, a vector, a sigmoid that others are put beside."""
    first, second = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    vector = keras.Input((6,), name="c")
    shared, norm = L.Conv2D(4, 3, activation="linear"), L.BatchNormalization()
    images = L.Concatenate()([L.ReLU()(norm(shared(each))) for each in (first, second)])
    dense = L.Dense(6)(vector)
    x = L.Concatenate()([L.Flatten()(images), dense, L.Activation("sigmoid")(dense)])
    outputs = {"one": L.Dense(3)(x), "two": L.Dense(1, activation="sigmoid")(x)}
    return keras.Model({"a": first, "b": second, "c": vector}, outputs)


def nested() -> keras.Model:
    """A model called twice within a model, and a Sequential one."""
    image = keras.Input((8, 8, 3))
    inner = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False, name="deep")(image)))
    encoder = keras.Model(image, inner, name="encoder")
    head = keras.Sequential([L.Flatten(), L.Dense(4, activation="relu"), L.Dense(3)], name="head")
    first, second = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    return keras.Model([first, second], head(L.Subtract()([encoder(first), encoder(second)])))


def sequence() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((20, 3)),
            L.Conv1D(8, 3, activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling1D(),
            L.Conv1D(8, 3),
            L.ReLU(),
            L.GlobalAveragePooling1D(),
            L.Dense(4, activation="softmax"),
        ]
    )


def operations() -> keras.Model:
    """Rescaled inputs, and operations of `keras.ops` on symbolic tensors."""
    x = image = keras.Input((8, 8, 3))
    x = L.ReLU()(L.Conv2D(8, 3)(L.Rescaling(2.0, offset=-0.5)(x)))
    x = keras.ops.relu(x * 0.5) + 1.0
    return keras.Model(image, L.Softmax()(L.Dense(4)(L.Flatten()(x[:, 1:]))))


def several_outputs() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    linear = L.Conv2D(4, 3, name="linear")(image)
    clipped = L.ReLU(name="clipped")(linear)
    pooled = L.MaxPooling2D(name="pooled")(clipped)
    return keras.Model(image, [linear, clipped, pooled, L.Flatten(name="flat")(image)])


BUILDERS = [
    plain,
    residual,
    normalized_first,
    encoder_decoder,
    activations,
    gated,
    several,
    nested,
    sequence,
    operations,
    several_outputs,
]


def unlike(model: keras.Model) -> keras.Model:
    """The model with normalization that does something, as after training."""
    dice = np.random.default_rng(0)
    for layer in _all_layers(model):
        if isinstance(layer, L.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.gamma.assign(dice.uniform(0.5, 2, size))
            layer.beta.assign(dice.normal(0, 0.3, size))
            layer.moving_mean.assign(dice.normal(0, 0.2, size))
            layer.moving_variance.assign(dice.uniform(0.3, 2, size))
    return model


def _all_layers(model: keras.Model) -> list[keras.Layer]:
    inner = (
        [each for layer in model.layers for each in _all_layers(layer)]
        if hasattr(model, "layers")
        else []
    )
    return [*getattr(model, "layers", ()), *inner]


def inputs(model: keras.Model, count: int = 48) -> Any:
    """Random inputs, in the structure that the model takes."""
    dice = np.random.default_rng(1)
    like = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(
        lambda each: dice.uniform(-1, 1, (count, *each.shape[1:])).astype("float32"), like
    )


def train(model: keras.Model, data: Any, steps: int = 2) -> None:
    """Trains a model a little, towards nothing of use, in a loop of one's own."""
    optimizer = keras.optimizers.Adam(1e-3)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(model(data, training=True))
            loss = sum(tf.reduce_mean(tf.square(each - 0.3)) for each in outputs)
        found = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(found, model.trainable_variables, strict=True))


class Distance(NamedTuple):
    """How far apart an output is in Keras and in the file, in steps of 8 bits."""

    mean: float
    most: float


def distances(model: keras.Model, file: tfq.Model, data: Any, count: int = 16) -> list[Distance]:
    """Compares each output of a Keras model with that of the file made of it."""
    flat = keras.tree.flatten(data)
    names = sorted(data) if isinstance(data, dict) else [each.name for each in model.inputs]
    named = dict(zip(names, flat, strict=True))
    runner = Runner(file)
    rows = [
        runner.run({name: named.get(name, flat[0])[place : place + 1] for name in file.input_names})
        for place in range(count)
    ]
    expected = model(keras.tree.map_structure(lambda each: each[:count], data), training=False)
    if not isinstance(expected, dict):
        expected = dict(zip(model.output_names, keras.tree.flatten(expected), strict=True))
    found = []
    for place, (name, tensor) in enumerate(zip(file.output_names, file.outputs, strict=True)):
        step = tensor.quantization.scales[0] * (256 if tensor.dtype == "int16" else 1)
        values = expected[name] if name in expected else next(iter(expected.values()))
        apart = np.abs(np.concatenate([row[place] for row in rows]) - np.asarray(values)) / step
        found.append(Distance(float(apart.mean()), float(apart.max())))
    return found

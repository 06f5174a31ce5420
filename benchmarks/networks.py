"""Small networks for handwritten digits, to measure what quantization costs.

One is the sample that comes with tfq; the others are trained here. The images are those of
scikit-learn, in the parts of `samples/train_digits.py`, made larger and turned, stretched and moved
at random: hard enough that a rough quantization shows. Everything is seeded. Training takes half a
minute, once: the networks are kept under `build/`, by the hash of what they depend on.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from scipy import ndimage

_CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_CHECKOUT / "samples"))

import train_digits  # noqa: E402

NAMES = ("digits", "plain", "relu", "relu6", "rescaled")
SEED = 30
SIDE = 16
TRAINING_COPIES = 10
EVALUATION_COPIES = 5
EPOCHS = 6
BATCH_SIZE = 64
LEARNING_RATE = 4e-3
# Channels are scaled by up to e to this power, up and down.
LARGEST_EXPONENT = 2.5
_FOLDER = _CHECKOUT / "build" / "networks"


class Images(NamedTuple):
    """What a network is quantized and judged with.

    Attributes:
        calibration: 100 images, float32 in 0..1, of shape (100, side, side, 1).
        evaluation: Some thousands of other digits, with labels.
    """

    calibration: np.ndarray
    evaluation: train_digits.Part


def images(name: str) -> Images:
    """Gives the images for a network: the same ones each time.

    Args:
        name: One of `NAMES`.

    Returns:
        Variants of the digits that training leaves out; for the sample, its own calibration data,
        and its evaluation data with all shifts by a pixel.
    """
    parts = train_digits.split(train_digits.load_images())
    if name == "digits":
        return Images(parts.calibration.image, train_digits.add_shifted(parts.evaluation))
    drawn = _drawn()
    return Images(drawn.calibration.image, drawn.evaluation)


class _Drawn(NamedTuple):
    calibration: train_digits.Part
    evaluation: train_digits.Part
    training: train_digits.Part


@functools.cache
def _drawn() -> _Drawn:
    parts = train_digits.split(train_digits.load_images())
    dice = np.random.RandomState(SEED)
    return _Drawn(
        _varied(parts.calibration, 1, dice),
        _varied(parts.evaluation, EVALUATION_COPIES, dice),
        _varied(parts.training, TRAINING_COPIES, dice),
    )


def _varied(part: train_digits.Part, copies: int, dice: np.random.RandomState) -> train_digits.Part:
    """Turns, stretches, moves and enlarges each image, as often as asked."""
    made = [_variant(image[..., 0], dice) for image in np.tile(part.image, (copies, 1, 1, 1))]
    return train_digits.Part(np.stack(made)[..., None], np.tile(part.label, copies))


def _variant(image: np.ndarray, dice: np.random.RandomState) -> np.ndarray:
    angle, shear = dice.uniform(-0.35, 0.35), dice.uniform(-0.2, 0.2)
    stretch = dice.uniform(0.85, 1.2, 2) * len(image) / SIDE
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, 1.0]]) * stretch
    middle, target = (len(image) - 1) / 2, (SIDE - 1) / 2
    offset = middle - matrix @ np.full(2, target) + dice.uniform(-0.7, 0.7, 2)
    drawn = ndimage.affine_transform(image, matrix, offset, (SIDE, SIDE), order=1)
    noisy = drawn * dice.uniform(0.7, 1.0) + dice.normal(0, 0.05, drawn.shape)
    return noisy.clip(0, 1).astype(np.float32)


def network(name: str) -> keras.Model:
    """Gives one of the networks; trains it if it is not on disk.

    Args:
        name: `digits`, the sample of tfq; `plain`, depthwise-separable with BatchNorm and ReLU;
            `relu`, convolutions with ReLU; `relu6`, inverted residuals with RELU6 as in
            MobileNetV2; or `rescaled`, which computes what `plain` does, with channels of very
            unlike ranges.

    Returns:
        A functional model from `image` (side, side, 1) to the scores of ten classes.
    """
    if name == "digits":
        return keras.models.load_model(_CHECKOUT / "samples" / "digits.keras")
    path = _FOLDER / f"{name}-{_digest()}.keras"
    if not path.exists():
        made = rescaled(network("plain"), SEED) if name == "rescaled" else _train(name)
        _FOLDER.mkdir(parents=True, exist_ok=True)
        made.save(path)
    return keras.models.load_model(path)


def _digest() -> str:
    found = hashlib.sha256()
    for source in (__file__, train_digits.__file__):
        found.update(Path(source).read_bytes())
    for package in ("keras", "tensorflow", "scikit-learn"):
        found.update(version(package).encode())
    return found.hexdigest()[:16]


def _train(name: str) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    data, build = _drawn().training, _BUILDERS[name]
    model = build()
    steps = EPOCHS * -(-len(data.image) // BATCH_SIZE)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        "sparse_categorical_crossentropy",
    )
    model.fit(*data, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    # A model that was never compiled has no optimizer state.
    bare: keras.Model = build()
    bare.set_weights(model.get_weights())
    return bare


def _plain() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 1), name="image")
    x = _norm(keras.layers.Conv2D(16, 3, 2, "same", use_bias=False)(image), "relu")
    for filters, stride in ((32, 1), (64, 2), (64, 1)):
        x = keras.layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x)
        x = keras.layers.Conv2D(filters, 1, use_bias=False)(_norm(x, "relu"))
        x = _norm(x, "relu")
    return keras.Model(image, _head(x), name="plain")


def _relu() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 1), name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(keras.layers.Conv2D(32, 3, activation="relu")(x))
    x = keras.layers.Dense(64, activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x), name="relu")


def _relu6() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 1), name="image")
    x = _norm(keras.layers.Conv2D(16, 3, 2, "same", use_bias=False)(image), "relu6")
    for filters, stride in ((16, 1), (24, 2), (24, 1)):
        wide = keras.layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x)
        wide = keras.layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(_norm(wide, "relu6"))
        narrow = _norm(keras.layers.Conv2D(filters, 1, use_bias=False)(_norm(wide, "relu6")))
        x = keras.layers.Add()([x, narrow]) if x.shape == narrow.shape else narrow
    x = _norm(keras.layers.Conv2D(64, 1, use_bias=False)(x), "relu6")
    return keras.Model(image, _head(x), name="relu6")


_BUILDERS = {"plain": _plain, "relu": _relu, "relu6": _relu6}


def _norm(x: keras.KerasTensor, activation: str = "linear") -> keras.KerasTensor:
    # The default momentum of 0.99 lets the averages lag behind in a training this short.
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return x if activation == "linear" else keras.layers.Activation(activation)(x)


def _head(x: keras.KerasTensor) -> keras.KerasTensor:
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Dense(10, activation="softmax")(x)


def rescaled(model: keras.Model, seed: int, exponent: float = LARGEST_EXPONENT) -> keras.Model:
    """Scales channels at random, and undoes it in the layer that reads them.

    ReLU and averages let a positive factor through, so that the function stays the same.

    Args:
        model: The `plain` network.
        seed: Of the factors.
        exponent: They lie between e to its negative and e to it, evenly in their logarithm.

    Returns:
        A model of convolutions with bias and ReLU: BatchNorm is folded into the weights.
    """
    dice = np.random.RandomState(seed)
    image = x = keras.Input((SIDE, SIDE, 1), name="image")
    taken = np.ones(1)
    for layer, norm in _layers(model):
        kernel, bias = _folded(layer, norm)
        is_last = norm is None
        made = np.ones(10) if is_last else np.exp(dice.uniform(-exponent, exponent, len(bias)))
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel = kernel / taken[:, None] * made[:, None]
        else:
            kernel = kernel / taken[:, None] * made
        fresh = type(layer).from_config(
            {**layer.get_config(), "use_bias": True, "activation": "softmax" if is_last else "relu"}
        )
        x = fresh(keras.layers.GlobalAveragePooling2D()(x) if is_last else x)
        fresh.set_weights([kernel, bias * made])
        taken = made
    return keras.Model(image, x, name="rescaled")


def _layers(model: keras.Model) -> list[tuple[keras.Layer, keras.Layer | None]]:
    """Pairs each layer that has a kernel with the BatchNorm behind it; the last has none."""
    kernels = [each for each in model.layers if hasattr(each, "kernel")]
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    return list(zip(kernels, [*norms, None], strict=True))


def _folded(layer: keras.Layer, norm: keras.Layer | None) -> tuple[np.ndarray, np.ndarray]:
    """Folds a BatchNorm into the kernel and bias before it."""
    if norm is None:
        kernel, bias = layer.get_weights()
        return kernel, bias
    (kernel,) = layer.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    factor = gamma / np.sqrt(variance + norm.epsilon)
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return kernel * (factor[:, None] if is_depthwise else factor), beta - mean * factor

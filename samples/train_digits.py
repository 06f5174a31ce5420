"""Trains the sample network on scikit-learn's handwritten digits and writes the sample files.

Run it from anywhere: ``python samples/train_digits.py [--output-dir DIR]``. It writes
``digits.keras``, ``calibration.npz`` and ``evaluation.npz``, by default next to this script.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

SEED = 20
CALIBRATION_SIZE = 100
EVALUATION_SIZE = 400
VALIDATION_SIZE = 150

BATCH_SIZE = 64
MAX_EPOCHS = 40
PATIENCE = 10
LEARNING_RATE = 3e-3

# Filters of the pointwise convolution and stride of the depthwise one, block after block.
BLOCKS = ((32, 1), (64, 2), (64, 1), (96, 2))


class Part(NamedTuple):
    """One part of the data: images of shape (n, 8, 8, 1) in 0..1, and their n labels."""

    image: np.ndarray
    label: np.ndarray


class Parts(NamedTuple):
    """The four disjoint parts of the data set."""

    calibration: Part
    evaluation: Part
    validation: Part
    training: Part


def load_images() -> Part:
    """Loads all digits, each distinct image once.

    Returns:
        The images, scaled from 0..16 to 0..1 (exact in float32), and their labels.
    """
    digits = load_digits()
    # A repeated image could land in two parts; only its first copy is kept.
    first = np.sort(np.unique(digits.data, axis=0, return_index=True)[1])
    image = (digits.images[first, ..., np.newaxis] / 16).astype(np.float32)
    return Part(image, digits.target[first].astype(np.int64))


def split(data: Part) -> Parts:
    """Splits the data into parts, the same way every time.

    Args:
        data: All images with their labels.

    Returns:
        The parts; what calibration, evaluation and validation leave is for training.
    """
    # RandomState rather than default_rng: NumPy promises that its stream never changes, so that
    # the parts stay the same with every NumPy.
    order = np.random.RandomState(SEED).permutation(len(data.image))
    ends = np.cumsum([CALIBRATION_SIZE, EVALUATION_SIZE, VALIDATION_SIZE])
    return Parts(*(Part(data.image[i], data.label[i]) for i in np.split(order, ends)))


def add_shifted(part: Part) -> Part:
    """Adds to a part its images shifted by one pixel.

    Args:
        part: The images to shift.

    Returns:
        Nine images for each: itself, and it shifted to each of the eight neighbouring positions.
    """
    height, width = part.image.shape[1:3]
    padded = np.pad(part.image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return Part(np.concatenate(shifted), np.tile(part.label, len(shifted)))


def build_model() -> keras.Model:
    """Builds the untrained MobileNet-style network.

    Returns:
        A functional model with the input ``image`` and the output ``probabilities``.
    """
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem_conv")(image)
    x = _norm_relu(x, "stem")
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        x = _separable_block(x, filters, stride, f"block{number}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(10, name="logits")(x)
    x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model(image, x, name="digits")


def _separable_block(x, filters: int, stride: int, name: str):
    x = keras.layers.DepthwiseConv2D(
        3, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _norm_relu(x, f"{name}_depthwise")
    x = keras.layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return _norm_relu(x, f"{name}_pointwise")


def _norm_relu(x, name: str):
    # The default momentum of 0.99 lets the averages lag behind in a training this short.
    x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def train(training: Part, validation: Part) -> keras.Model:
    """Trains the network, reproducibly on one machine.

    Args:
        training: What the weights are fitted to.
        validation: What decides which epoch's weights are kept.

    Returns:
        The trained model, not compiled.
    """
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    model = build_model()
    shifted = add_shifted(training)
    steps = MAX_EPOCHS * -(-len(shifted.image) // BATCH_SIZE)
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        *shifted,
        batch_size=BATCH_SIZE,
        epochs=MAX_EPOCHS,
        validation_data=validation,
        callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)],
        verbose=2,
    )
    # A model that was never compiled has no optimizer state, which would triple the file.
    bare = build_model()
    bare.set_weights(model.get_weights())
    return bare


def accuracy(model: keras.Model, part: Part) -> float:
    """Measures how many images a model labels correctly.

    Args:
        model: The trained model.
        part: The images to label, with their true labels.

    Returns:
        The share of correct labels, in 0..1.
    """
    scores = keras.ops.convert_to_numpy(model(part.image, training=False))
    return float(np.mean(scores.argmax(axis=-1) == part.label))


def write_samples(parts: Parts, model: keras.Model, directory: Path) -> None:
    """Writes the sample files.

    Args:
        parts: The data; only calibration and evaluation are written.
        model: The trained model.
        directory: An existing directory.
    """
    np.savez_compressed(directory / "calibration.npz", image=parts.calibration.image)
    np.savez_compressed(
        directory / "evaluation.npz", image=parts.evaluation.image, y=parts.evaluation.label
    )
    model.save(directory / "digits.keras")


def main() -> None:
    """Trains the model, writes the sample files and prints the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output-dir", type=Path, default=Path(__file__).resolve().parent)
    directory = parser.parse_args().output_dir
    directory.mkdir(parents=True, exist_ok=True)

    parts = split(load_images())
    start = time.monotonic()
    model = train(parts.training, parts.validation)
    print(f"training took {time.monotonic() - start:.0f} s")
    write_samples(parts, model, directory)
    for name in ("training", "validation", "evaluation"):
        print(f"{name} accuracy: {accuracy(model, getattr(parts, name)):.4f}")


if __name__ == "__main__":
    main()

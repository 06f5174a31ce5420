"""What training for a device gives: tfq's quantization-aware training beside conversion alone.

The networks of `networks.py` are trained for three epochs more, on the digits that they were
trained on. Shown is the share of other digits that are labelled correctly, in percent: by the float
network; by what TFLiteConverter makes of it with calibration data; by the network that simulates
the device; and by the `.tflite` made of that, without calibration data. Then how often these two
agree, and how far apart their outputs are, in steps of 8 bits of the last output's range. At last
what a step of training takes, beside one of the float network; medians, in turns.

Exits with 1 if a bound of `BOUNDS` is not met: points that int8 per tensor and powers of two may
cost, agreement, distance, and how many times the float network's a step may take.

Usage: python benchmarks/qat.py [--networks=digits,rescaled] [--epochs=3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import NamedTuple

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import networks
import numpy as np
import train_digits

import tfq
import tfq.qat
from tfq.report.table import table
from tfq.runtime import Runner
from tfq.runtime.quiet import silenced

SCHEMES = {
    "int8 per tensor": tfq.qat.Scheme(),
    "int8 per channel": tfq.qat.Scheme(per_channel=True),
    "power of two": tfq.qat.Scheme(symmetric=True, power_of_two=True),
    "16x8 per tensor": tfq.qat.Scheme("int16"),
    "4-bit weights per channel": tfq.qat.Scheme(per_channel=True, weight_bits=4),
    "4-bit weights per tensor": tfq.qat.Scheme(weight_bits=4),
}
BOUNDS = {"int8 per tensor": 0.5, "power of two": 1.0}
LEAST_AGREEMENT, MOST_STEPS, MOST_TIMES = 99.5, 2.0, 2.5
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
TURNS, STEPS = 7, 40


class Row(NamedTuple):
    """What one scheme gives.

    Attributes:
        converted: The share that TFLiteConverter's file labels correctly; None if it has no such
            scheme.
        trained: That of the network that simulates the device.
        file: That of the `.tflite` made of it.
        agreement: How often these two label alike, in percent.
        steps: How far apart their outputs are in the mean, in steps of 8 bits.
    """

    converted: float | None
    trained: float
    file: float
    agreement: float
    steps: float


def training(name: str) -> train_digits.Part:
    """Gives the digits that a network was trained on."""
    if name == "digits":
        parts = train_digits.split(train_digits.load_images())
        return train_digits.add_shifted(parts.training)
    return networks._drawn().training


def trained(model: keras.Model, name: str, scheme: tfq.qat.Scheme, epochs: int) -> keras.Model:
    """Trains a network for a scheme."""
    keras.utils.set_random_seed(1)
    made = tfq.qat.quantize_model(model, scheme=scheme)
    data = training(name)
    steps = epochs * -(-len(data.image) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    made.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    freeze = tfq.qat.FreezeStatistics(epochs - 1)
    made.fit(*data, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[freeze])
    return made


def outputs(model: tfq.Model, images: np.ndarray) -> np.ndarray:
    """Runs a file with one input and one output on images."""
    runner, name = Runner(model), model.input_names[0]
    return np.concatenate([runner.run({name: image})[0] for image in images[:, None]])


def points(scores: np.ndarray, labels: np.ndarray) -> float:
    """The share of labels that scores give, in percent."""
    return float(100 * np.mean(scores.argmax(axis=-1) == labels))


def row(model: keras.Model, name: str, scheme: tfq.qat.Scheme, epochs: int) -> Row:
    """Measures one scheme on one network."""
    images = networks.images(name)
    image, label = images.evaluation
    made = trained(model, name, scheme, epochs)
    with silenced():
        file = tfq.convert(made)
    simulated = made.predict(image, verbose=0)
    computed = outputs(file, image)
    scale = file.outputs[0].quantization.scales[0]
    scale *= 256 if file.outputs[0].dtype == "int16" else 1
    alike = points(computed, simulated.argmax(axis=-1))
    distance = float(np.abs(computed - simulated).mean() / scale)
    converted = _converted(model, scheme, images)
    return Row(converted, points(simulated, label), points(computed, label), alike, distance)


def _converted(model: keras.Model, scheme: tfq.qat.Scheme, images: networks.Images) -> float | None:
    if scheme.power_of_two or scheme.weight_bits != 8:
        return None
    with silenced():
        file = tfq.convert(
            model,
            mode="int16x8" if scheme.activations == "int16" else "full_integer",
            granularity="per_channel" if scheme.per_channel else "per_tensor",
            calibration_data=images.calibration,
            accuracy="none",
        )
    return points(outputs(file, images.evaluation.image), images.evaluation.label)


def step_times(model: keras.Model, name: str, scheme: tfq.qat.Scheme) -> tuple[float, float]:
    """The milliseconds of a training step of the float network and of the one that simulates."""
    data = training(name)
    image, label = data.image[:BATCH_SIZE], data.label[:BATCH_SIZE]
    pair = [keras.models.clone_model(model), tfq.qat.quantize_model(model, scheme=scheme)]
    for each in pair:
        each.compile("adam", "sparse_categorical_crossentropy")
        each.train_on_batch(image, label)
    found: list[list[float]] = [[], []]
    for _ in range(TURNS):
        for each, times in zip(pair, found, strict=True):
            start = time.perf_counter()
            for _ in range(STEPS):
                each.train_on_batch(image, label)
            times.append(1000 * (time.perf_counter() - start) / STEPS)
    first, second = (statistics.median(times) for times in found)
    return first, second


def print_network(name: str, epochs: int) -> list[str]:
    """Prints what all schemes give on one network; returns what misses a bound."""
    model = networks.network(name)
    image, label = networks.images(name).evaluation
    exact = points(model.predict(image, verbose=0), label)
    rows, failures = [["float", "", f"{exact:.2f}", "", "", ""]], []
    for scheme, each in SCHEMES.items():
        found = row(model, name, each, epochs)
        rows.append([scheme, *("" if each is None else f"{each:.2f}" for each in found)])
        bound = BOUNDS.get(scheme)
        if bound is not None and found.file < exact - bound:
            failures.append(f"{name}, {scheme}: {exact - found.file:.2f} points below float")
        if found.agreement < LEAST_AGREEMENT or found.steps > MOST_STEPS:
            failures.append(f"{name}, {scheme}: simulated and computed differ")
    head = ["", "TFLiteConverter", "simulated", "file", "alike, %", "distance"]
    print(f"{name}: top-1 of {len(label)}, in %")
    print(table(head, rows, align="<>>>>>"), end="\n\n")
    return failures


def print_times(names: list[str]) -> list[str]:
    """Prints what a step of training takes; returns what misses the bound."""
    rows, failures = [], []
    for name in names:
        for scheme in BOUNDS:
            first, second = step_times(networks.network(name), name, SCHEMES[scheme])
            rows.append([name, scheme, f"{first:.1f}", f"{second:.1f}", f"{second / first:.2f}"])
            if second > MOST_TIMES * first:
                failures.append(f"{name}, {scheme}: a step takes {second / first:.2f} times")
    print(f"a training step of {BATCH_SIZE} images, in ms")
    print(table(["", "", "float", "simulated", "times"], rows, align="<<>>>"))
    return failures


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="digits,rescaled")
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    names = arguments.networks.split(",")
    failures = [each for name in names for each in print_network(name, arguments.epochs)]
    failures += print_times(names)
    print(*failures, sep="\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

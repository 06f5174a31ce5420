"""How long a sweep takes: `tfq.sweep` beside one int8 conversion, and beside one by one.

MobileNetV2 at 224x224 with random weights (seeded, `equalizing.network`), 8 samples to calibrate
and to evaluate, two profiles. TFLiteConverter.from_keras_model makes one full-integer file as its
guide says; the sweep makes, runs and lints all modes; `--one_by_one` converts each with
`tfq.convert`, and only that. They take turns; medians. TensorFlow is imported before. Exits with 1
if the sweep takes longer than its goal.
"""

import os
import statistics
import sys
import tempfile
import time
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from conversion import with_tensorflow
from equalizing import network

import tfq
from tfq.sweep.ways import chosen

PROFILES = ("artpec8", "tidl-tda4vm")
SAMPLES, TURNS = 8, 3
MOST_TIMES = 1.5


def one_by_one(model: keras.Model, data: np.ndarray) -> None:
    """All that the sweep converts, each from the start."""
    for way in chosen([tfq.profiles.load(name) for name in PROFILES]):
        tfq.convert(model, calibration_data=data, **way.options)


def seconds(work, *arguments: object, **options: object) -> float:
    """Time a call."""
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start


def swept(model: keras.Model, data: np.ndarray) -> None:
    """All modes."""
    with tempfile.TemporaryDirectory() as folder:
        tfq.sweep(model, profiles=PROFILES, calibration_data=data, output=folder)


def resumed(model: keras.Model, data: np.ndarray) -> float:
    """Time a sweep of a file that finds all done; a Keras object would be converted to know it."""
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source.tflite"
        tfq.convert(model, mode="float32").save(source)
        asked = {"profiles": PROFILES, "calibration_data": data, "output": f"{folder}/swept"}
        tfq.sweep(source, **asked)
        return seconds(tfq.sweep, source, **asked)


def main() -> int:
    """Print the times and their ratio."""
    warnings.simplefilter("ignore")
    model = network()
    data = np.random.default_rng(0).random((SAMPLES, 224, 224, 3), np.float32)
    works = (with_tensorflow, swept)
    times = [[seconds(work, model, data) for work in works] for _ in range(TURNS)]
    once, all_modes = (statistics.median(column) for column in zip(*times, strict=True))
    verdict = "ok" if all_modes <= MOST_TIMES * once else f"MISSED: at most {MOST_TIMES}x"
    print(f"MobileNetV2-224, {SAMPLES} samples, median of {TURNS}")
    print(f"  TFLiteConverter.from_keras_model, int8    {once:7.2f} s")
    print(
        f"  tfq.sweep, all modes, evaluated, linted   {all_modes:7.2f} s, "
        f"{all_modes / once:.2f}x  {verdict}"
    )
    print(f"  tfq.sweep again, nothing changed          {resumed(model, data):7.2f} s")
    if "--one_by_one" in sys.argv[1:]:
        each = seconds(one_by_one, model, data)
        print(f"  tfq.convert, one mode after the other     {each:7.2f} s, {each / once:.2f}x")
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())

"""How long a sweep takes: `tfq.sweep` beside one int8 conversion, and beside one by one.

MobileNetV2 at 224x224 with random weights (seeded), 8 samples to calibrate and to evaluate, two
profiles. TFLiteConverter.from_keras_model makes one full-integer file as its guide says; the sweep
makes, runs and lints all modes; `--one_by_one` converts each with `tfq.convert`, and only that.
TensorFlow is imported before.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

import tfq
from tfq.runtime.quiet import silenced
from tfq.sweep.ways import chosen

PROFILES = ("artpec8", "tidl-tda4vm")
SAMPLES = 8


def with_tensorflow(model: keras.Model, data: np.ndarray) -> bytes:
    """What TensorFlow's guide says."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in data)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with silenced(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def one_by_one(model: keras.Model, data: np.ndarray) -> None:
    """All that the sweep converts, each from the start."""
    for way in chosen([tfq.profiles.load(name) for name in PROFILES]):
        tfq.convert(model, calibration_data=data, **way.options)


def seconds(work, *arguments: object, **options: object) -> float:
    """Time a call."""
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start


def main() -> None:
    """Print the times and their ratio."""
    warnings.simplefilter("ignore")
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    data = np.random.default_rng(0).random((SAMPLES, 224, 224, 3), np.float32)
    once = seconds(with_tensorflow, model, data)
    asked = {"profiles": PROFILES, "calibration_data": data}
    with tempfile.TemporaryDirectory() as folder:
        all_modes = seconds(tfq.sweep, model, output=folder, **asked)
        # A file, because a Keras object tells its content only by being converted.
        again = f"{folder}/float32.tflite"
        with tempfile.TemporaryDirectory() as other:
            seconds(tfq.sweep, again, output=other, **asked)
            resumed = seconds(tfq.sweep, again, output=other, **asked)
    print(f"MobileNetV2-224, {SAMPLES} samples")
    print(f"  TFLiteConverter.from_keras_model, int8    {once:7.2f} s")
    print(
        f"  tfq.sweep, all modes, evaluated, linted   {all_modes:7.2f} s, {all_modes / once:.2f}x"
    )
    print(f"  tfq.sweep again, nothing changed          {resumed:7.2f} s")
    if "--one_by_one" in sys.argv[1:]:
        each = seconds(one_by_one, model, data)
        print(f"  tfq.convert, one mode after the other     {each:7.2f} s, {each / once:.2f}x")


if __name__ == "__main__":
    main()

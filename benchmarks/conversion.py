"""How long an int8 conversion takes: tfq beside TFLiteConverter.from_keras_model.

MobileNetV2 at 224x224 with random weights (seeded), 20 calibration samples. All get the same Keras
model object and data and give an int8 full-integer file: TFLiteConverter as its guide says; tfq
with `accuracy="none"`, which asks the same of it; and tfq with "standard", which makes a model of
its own, too, and keeps the better one. They take turns; medians.
"""

import contextlib
import io
import os
import statistics
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

import tfq
from tfq.runtime.quiet import silenced

TURNS = 3


def with_tensorflow(model: keras.Model, data: np.ndarray) -> bytes:
    """What TensorFlow's guide says."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in data)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with silenced(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def with_none(model: keras.Model, data: np.ndarray) -> bytes:
    """The same with tfq, which also reads the result back and checks it."""
    return bytes(tfq.convert(model, mode="full_integer", accuracy="none", calibration_data=data))


def with_standard(model: keras.Model, data: np.ndarray) -> bytes:
    """What tfq does where nothing is said."""
    return bytes(tfq.convert(model, mode="full_integer", calibration_data=data))


def main() -> None:
    """Prints the medians and their ratios."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    data = np.random.default_rng(0).random((20, 224, 224, 3), np.float32)
    seconds: dict[str, list[float]] = {}
    for _ in range(TURNS):
        for convert in (with_tensorflow, with_none, with_standard):
            start = time.perf_counter()
            convert(model, data)
            seconds.setdefault(convert.__name__, []).append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"MobileNetV2-224 to int8, {len(data)} calibration samples, median of {TURNS}")
    print(f"  TFLiteConverter.from_keras_model  {medians['with_tensorflow']:6.2f} s")
    for level in ("none", "standard"):
        median = medians[f"with_{level}"]
        shown = f'tfq.convert, accuracy="{level}"'
        print(f"  {shown:32}  {median:6.2f} s, {median / medians['with_tensorflow']:.2f}x")


if __name__ == "__main__":
    main()

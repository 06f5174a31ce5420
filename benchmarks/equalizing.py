"""How long equalizing takes: MobileNetV2 at 224x224, beside TFLiteConverter's int8 conversion.

Random weights (seeded), and BatchNorm parameters that make channels reach differently far. Exits
with 1 if equalizing takes longer than its goal.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

import tfq
from tfq.passes.equalize import equalize, equalize_needs
from tfq.passes.observe import extremes
from tfq.runtime.quiet import silenced

TURNS = 7
SAMPLES = 8
MOST_SECONDS = 1.0


def network() -> keras.Model:
    """MobileNetV2 with channels of different ranges."""
    keras.utils.set_random_seed(0)
    model, dice = keras.applications.MobileNetV2(weights=None), np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            rough, shift = np.exp(dice.normal(size=(2, size))), dice.normal(size=(2, size))
            layer.set_weights([rough[0], shift[0] / 2, shift[1] / 3, rough[1]])
    return model


def with_tensorflow(model: keras.Model, data: np.ndarray) -> bytes:
    """Convert to int8 as TensorFlow's guide says."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in data)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with silenced(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def seconds(work: Callable[[], object], turns: int) -> float:
    """Return the median time of a function."""
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> int:
    """Print the medians."""
    source = network()
    model = tfq.convert(source, mode="float32")
    data = np.random.default_rng(1).random((SAMPLES, 224, 224, 3), np.float32)
    (name,) = model.input_names
    needs = equalize_needs(model)
    seen = extremes(model, needs, [{name: sample[None]} for sample in data])

    def anew(**options: object) -> Callable[[], object]:
        # Views keep what they have read: each turn starts from the bytes.
        content = bytes(model)
        return lambda: equalize(tfq.load(content), **options)

    rows = {
        "equalize, RELU6 left alone": seconds(anew(), TURNS),
        f"equalize, with extremes of {len(needs)} RELU6": seconds(anew(extremes=seen), TURNS),
    }
    slowest = max(rows.values())
    rows[f"TFLiteConverter to int8, {SAMPLES} samples"] = seconds(
        lambda: with_tensorflow(source, data), 1
    )
    print(f"MobileNetV2-224, medians of {TURNS}; equalizing at most {MOST_SECONDS:g} s")
    for what, each in rows.items():
        print(f"  {what:40}{each:8.2f} s")
    print("  ok" if slowest <= MOST_SECONDS else "  MISSED")
    return 0 if slowest <= MOST_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())

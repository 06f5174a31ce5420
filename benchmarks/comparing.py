"""How long per-layer comparison takes: `layer_errors` beside TensorFlow's QuantizationDebugger.

Both look at the int8 model that TFLiteConverter makes of the digits sample, on 100 samples of it.
tfq takes that file and the float one. The debugger cannot: it needs a model with operators of its
own, which it makes of a calibrated one; converting and calibrating is not counted, that is. It
feeds each layer with float inputs and knows no accumulated error; tfq measures both. They take
turns, each in a process of its own; medians. Exits with 1 if tfq takes longer than the debugger,
with imports or without, or even once the debugger's model is there.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

CHECKOUT = Path(__file__).resolve().parents[1]
DATA = CHECKOUT / "samples" / "calibration.npz"
SAMPLES, TURNS = 100, 5
FILES = ("float.tflite", "int8.tflite", "calibrated.tflite")


def with_tfq(folder: Path) -> tuple[float, ...]:
    """Return the seconds of imports and reading data, of making what is run, of running it."""
    start = time.perf_counter()
    import numpy as np

    import tfq
    from tfq.accuracy.layers import layer_errors
    from tfq.runtime import interpreter_class

    interpreter_class()
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    imported = time.perf_counter()
    reference, candidate = (tfq.load(folder / name) for name in FILES[:2])
    found = layer_errors(reference, candidate, [{"image": row} for row in rows])
    assert found.matched == found.total and all(each.isolated for each in found.layers)
    return imported - start, 0.0, time.perf_counter() - imported


def with_tensorflow(folder: Path) -> tuple[float, ...]:
    """Likewise, of QuantizationDebugger."""
    start = time.perf_counter()
    import numpy as np
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    # TensorFlow loads most of it when it is first asked for.
    debugger = tf.lite.experimental.QuantizationDebugger
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    imported = time.perf_counter()
    debugged = mlir_quantize((folder / FILES[2]).read_bytes(), enable_numeric_verify=True)
    made = time.perf_counter()
    work = debugger(
        quant_debug_model_content=debugged,
        float_model_path=str(folder / FILES[0]),
        debug_dataset=lambda: ([row] for row in rows),
    )
    work.run()
    assert work.layer_statistics
    return imported - start, made - imported, time.perf_counter() - made


def make(folder: Path) -> None:
    """Write the float model, the int8 one, and the one that is calibrated."""
    import keras
    import numpy as np
    import tensorflow as tf

    network = keras.models.load_model(CHECKOUT / "samples" / "digits.keras")
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    (folder / FILES[0]).write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row] for row in rows)
    (folder / FILES[1]).write_bytes(converter.convert())
    converter._experimental_calibrate_only = True
    (folder / FILES[2]).write_bytes(converter.convert())


WORKS = {"tfq": with_tfq, "TensorFlow": with_tensorflow}


def timed(name: str, folder: Path) -> tuple[float, ...]:
    """Run one of them in a process of its own."""
    command = [sys.executable, __file__, name, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(map(float, run.stdout.split()[-3:]))


def main() -> int:
    """Print the medians and the ratios."""
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in WORKS}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "make", folder], check=True, capture_output=True)
        for _ in range(TURNS):
            for name, times in rows.items():
                times.append(timed(name, Path(folder)))
    print(f"errors of layers, {SAMPLES} samples of digits, median of {TURNS} processes")
    missed = False
    for first, title in enumerate(("with imports", "after imports", "run alone")):
        ours, theirs = (
            statistics.median(sum(each[first:]) for each in times) for times in rows.values()
        )
        missed |= ours > theirs
        print(
            f"  {title:14} tfq {ours * 1e3:6.0f} ms  QuantizationDebugger {theirs * 1e3:6.0f} ms"
            f"  ratio {ours / theirs:5.2f}  {'MISSED' if ours > theirs else 'ok'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]))
    elif len(sys.argv) == 3:
        print(*WORKS[sys.argv[1]](Path(sys.argv[2])))
    else:
        sys.exit(main())

"""How long per-layer comparison takes: `layer_errors` beside TensorFlow's QuantizationDebugger.

Both get the int8 model that TFLiteConverter makes of the digits sample, and 100 samples of it.
tfq's numbers include the errors of layers on their own; the debugger's run likewise feeds each
layer with float inputs, and knows no accumulated error. They take turns, each in a process of its
own; medians. Exits with 1 if tfq takes longer than the debugger, with imports or without.

The debugger's model is made before its clock starts, and so are tfq's two.
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
FILES = ("float.tflite", "int8.tflite", "debug.tflite")


def with_tfq(folder: Path) -> tuple[float, float]:
    """Return the seconds that imports take, and those of the comparison."""
    start = time.perf_counter()
    import numpy as np

    import tfq
    from tfq.accuracy.layers import layer_errors
    from tfq.runtime import interpreter_class

    interpreter_class()
    imported = time.perf_counter()
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    reference, candidate = (tfq.load(folder / name) for name in FILES[:2])
    found = layer_errors(reference, candidate, [{"image": row} for row in rows])
    assert found.matched == found.total and all(each.isolated for each in found.layers)
    return imported - start, time.perf_counter() - imported


def with_tensorflow(folder: Path) -> tuple[float, float]:
    """Likewise, of QuantizationDebugger."""
    start = time.perf_counter()
    import numpy as np
    import tensorflow as tf

    # TensorFlow loads most of it when it is first asked for.
    debugger = tf.lite.experimental.QuantizationDebugger
    imported = time.perf_counter()
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    work = debugger(
        quant_debug_model_path=str(folder / FILES[2]),
        float_model_path=str(folder / FILES[0]),
        debug_dataset=lambda: ([row] for row in rows),
    )
    work.run()
    assert work.layer_statistics
    return imported - start, time.perf_counter() - imported


def make(folder: Path) -> None:
    """Write the float model, the int8 one, and the one with the debugger's operators."""
    import keras
    import numpy as np
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    network = keras.models.load_model(CHECKOUT / "samples" / "digits.keras")
    rows = np.load(DATA)["image"][:SAMPLES, None].astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    (folder / FILES[0]).write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row] for row in rows)
    (folder / FILES[1]).write_bytes(converter.convert())
    converter._experimental_calibrate_only = True
    calibrated = converter.convert()
    (folder / FILES[2]).write_bytes(mlir_quantize(calibrated, enable_numeric_verify=True))


WORKS = {"tfq": with_tfq, "TensorFlow": with_tensorflow}


def timed(name: str, folder: Path) -> tuple[float, float]:
    """Run one of them in a process of its own."""
    command = [sys.executable, __file__, name, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    imports, work = run.stdout.split()[-2:]
    return float(imports), float(work)


def main() -> int:
    """Print the medians and the ratios."""
    if len(sys.argv) == 3:
        print(*WORKS[sys.argv[1]](Path(sys.argv[2])))
        return 0
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in WORKS}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "make", folder], check=True, capture_output=True)
        for _ in range(TURNS):
            for name, times in rows.items():
                times.append(timed(name, Path(folder)))
    print(f"errors of layers, {SAMPLES} samples of digits, median of {TURNS} processes")
    work = {name: statistics.median(each[1] for each in times) for name, times in rows.items()}
    whole = {name: statistics.median(map(sum, times)) for name, times in rows.items()}
    missed = False
    for title, found in (("after imports", work), ("with imports", whole)):
        ratio = found["tfq"] / found["TensorFlow"]
        missed |= ratio > 1
        print(
            f"  {title:14} tfq {found['tfq'] * 1e3:6.0f} ms"
            f"  QuantizationDebugger {found['TensorFlow'] * 1e3:6.0f} ms"
            f"  ratio {ratio:5.2f}  {'MISSED' if ratio > 1 else 'ok'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]))
        sys.exit(0)
    sys.exit(main())

"""What tfq counts beside what runs: Arm's compiler vela and TensorFlow Lite for Microcontrollers.

MACs of the operators that both tfq and vela count, on an Ethos-U55; vela's own total, which has
more (see tfq/ops/counting.py); the peak of activations as tfq counts it from the file, beside the
arena that tflite-micro allocates and the SRAM that vela plans, which computes in place and in
stripes. A dash: the tool does not take the model, or leaves its MACs to the CPU.

Usage: python benchmarks/counting.py [MODEL.tflite ...]
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import tfq
from tfq import ops
from tfq.report.table import table

SHARED = Path(os.environ.get("TFQ_SHARED", Path(__file__).resolve().parents[2] / "shared"))
# What vela calls the operators that multiply and sum, and what it lowers them to.
MULTIPLYING = {
    "BATCH_MATMUL": "BatchMatMul",
    "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "FULLY_CONNECTED": "FullyConnected",
    "TRANSPOSE_CONV": "TransposeConv2D",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLstm",
}
LOWERED = {"Conv2D", "DepthwiseConv2D", "FullyConnected", "MatMul"}
# In a process of its own: a model that tflite-micro cannot run may end it.
ALLOCATE = """
import sys
from tflite_micro.python.tflite_micro.runtime import Interpreter
Interpreter.from_file(sys.argv[1], arena_size=1 << 28).print_allocations()
"""


class Vela(NamedTuple):
    """What vela prints of a model."""

    macs: dict[str, int]  # of the operators that run on the NPU, by the names of tfq
    total: int
    sram: int


def vela(path: Path) -> Vela | None:
    """Compiles a model for an Ethos-U55; None if vela cannot."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--accelerator-config=ethos-u55-128", "--verbose-performance"]
        command = [str(Path(sys.executable).with_name("vela")), str(path), *options]
        run = subprocess.run(
            [*command, f"--output-dir={folder}"], capture_output=True, text=True, check=False
        )
        if run.returncode:
            return None
        with next(Path(folder).glob("*_per-layer.csv")).open() as layers:
            rows = [row for row in csv.DictReader(layers) if row["Target"] == "NPU"]
        with next(Path(folder).glob("*_summary_*.csv")).open() as summary:
            totals = next(csv.DictReader(summary))
    macs = {}
    for name, theirs in MULTIPLYING.items():
        mine = [row for row in rows if row["Original Operator"] == theirs]
        if mine:
            lowered = [row for row in mine if row["NNG Operator"] in LOWERED]
            macs[name] = sum(int(row["MAC Count"]) for row in lowered)
    return Vela(macs, int(totals["nn_macs"]), round(float(totals["sram_memory_used"]) * 1024))


def arena(path: Path) -> int | None:
    """The bytes of arena that tflite-micro allocates for a model; None if it cannot run it."""
    run = subprocess.run(
        [sys.executable, "-c", ALLOCATE, str(path)], capture_output=True, text=True, check=False
    )
    found = re.search(r"Arena allocation total (\d+) bytes", run.stderr)
    return int(found[1]) if found and run.returncode == 0 else None


def row(path: Path, model: tfq.Model) -> list[str]:
    """One line of the table."""
    peak, compiled = ops.peak_activations(model).bytes, vela(path)
    macs = sum(operator.macs for operator in model.operators)
    numbers = [
        macs,
        sum(compiled.macs.values()) if compiled and (compiled.macs or not macs) else None,
        compiled.total if compiled else None,
        peak,
        arena(path),
        compiled.sram if compiled else None,
    ]
    return [path.stem, *["-" if number is None else f"{number:,}" for number in numbers]]


def main() -> None:
    """Prints the table."""
    names = sys.argv[1:] or [str(path) for path in sorted((SHARED / "models").rglob("*.tflite"))]
    rows = []
    for path in map(Path, names):
        model = tfq.load(path)
        if all(op.compute == "integer" and not op.is_custom for op in model.operators):
            rows.append(row(path, model))
    header = ["model", "MACs", "vela: same ops", "vela: all", "peak", "arena", "vela: SRAM"]
    print(table(header, rows, align="<>>>>>>"))


if __name__ == "__main__":
    main()

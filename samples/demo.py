"""Converts the digits sample in every mode and says what each costs and whether ARTPEC-8 runs it.

Run by `make demo`; the files go to build/demo/.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up chatter

import tfq
from tfq.accuracy import top1
from tfq.convert import calibration
from tfq.convert.modes import MODES
from tfq.convert.sources import open_source
from tfq.ops import integer_share
from tfq.report.table import table

HERE = Path(__file__).parent
OUTPUT = Path("build/demo")
PROFILE = "artpec8"
HEADER = ["mode", "granularity", "KiB", "compression", "accuracy", "integer ops", f"{PROFILE}"]


def main() -> int:
    """Prints the table and writes the files."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    source = open_source(HERE / "digits.keras")
    baseline = None
    rows = []
    for mode in MODES.values():
        for granularity in mode.granularities or (None,):
            model = tfq.convert(
                HERE / "digits.keras",
                mode=mode.name,
                granularity=granularity,
                calibration_data=HERE / "calibration.npz",
                profile=PROFILE,
            )
            baseline = baseline or model.size
            name = "_".join(filter(None, ["digits", mode.name, granularity]))
            model.save(OUTPUT / f"{name}.tflite")
            samples = calibration.read(HERE / "evaluation.npz", source.inputs)
            rows.append(
                [
                    mode.name,
                    granularity or "-",
                    f"{model.size / 1024:.1f}",
                    f"{baseline / model.size:.1f}x",
                    f"{top1(model, samples):.1%}",
                    f"{int(100 * integer_share(model.operators))}%",
                    model.report.verdict,
                ]
            )
    print(table(HEADER, rows, align="<<>>>><"))
    print(
        f"\nCompression is against the float32 file. The {len(rows)} files are in {OUTPUT}/; look:"
    )
    print(f"  .venv/bin/tfq inspect {OUTPUT}/digits_full_integer_per_tensor.tflite")
    return 0


if __name__ == "__main__":
    sys.exit(main())

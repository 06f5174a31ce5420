"""On how many operators tfq's placement agrees with the vendors' own tools, device by device.

Ethos-U: what Arm's compiler vela leaves to the CPU. tflm and cpu: whether the interpreter loads the
model; where it does not, only the operator that it blames counts. Edge TPU: what Google's compiler
left on the CPU in models that are there compiled, too. A model that a tool refuses as a whole, and
in which it blames no operator, is not counted; it is named below the table.

Usage: python benchmarks/placement.py [MODEL.tflite ...]
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import edgetpu_pairs

import tfq
from tfq import profiles
from tfq.lint.verify import verify
from tfq.report.table import table

DOWNLOADED = Path(__file__).resolve().parents[1] / "build" / "packages"
VERIFIED = ("ethos-u55", "ethos-u65", "ethos-u85", "tflm", "cpu")


class Row(NamedTuple):
    """One model on one device; `problem` is what the tool says where it gives no answer."""

    device: str
    model: str
    operators: int
    agree: int
    problem: str = ""


def verified(paths: list[Path]) -> Iterator[Row]:
    """Compares with the tools that are installed."""
    for name in VERIFIED:
        profile = profiles.load(name)
        for path in paths:
            answer = verify(tfq.load(path), profile)
            assert answer is not None
            told = sum(each.is_taken is not None for each in answer.operators)
            agree = told - len(answer.disagreements)
            # Both say that the device does not take the model.
            silent = not told and not answer.agrees
            yield Row(name, path.stem, told, agree, answer.summary if silent else "")


def compiled(paths: list[Path]) -> Iterator[Row]:
    """Compares with what Google's compiler made of models."""
    for folder in sorted({path.parent for path in paths}):
        for pair in edgetpu_pairs.pairs(folder):
            yield Row("edgetpu", pair.name, pair.operators, pair.agree)


def percent(rows: list[Row]) -> str:
    """The share of operators on which both agree."""
    operators = sum(row.operators for row in rows)
    return f"{100 * sum(row.agree for row in rows) / operators:.2f}" if operators else "-"


def main() -> None:
    """Prints a line a device, then each model that is not right, then those without an answer."""
    folders = (edgetpu_pairs.SHARED / "models", DOWNLOADED)
    found = [path for folder in folders for path in sorted(folder.rglob("*.tflite"))]
    paths = [Path(name) for name in sys.argv[1:]] or found
    rows = [*verified(paths), *compiled(paths)]
    lines = []
    for device in dict.fromkeys(row.device for row in rows):
        mine = [row for row in rows if row.device == device and row.operators]
        counts = [len(mine), sum(row.operators for row in mine), sum(row.agree for row in mine)]
        lines.append([device, *[f"{count:,}" for count in counts], percent(mine)])
    print(table(["device", "models", "ops", "agree", "%"], lines, align="<>>>>"))
    wrong = [row for row in rows if row.agree < row.operators]
    for row in wrong:
        print(f"{row.device}: {row.model}: {row.agree} of {row.operators}")
    for row in rows:
        if row.problem:
            print(f"{row.device}: {row.model}: {row.problem}")


if __name__ == "__main__":
    main()

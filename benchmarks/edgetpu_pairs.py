"""Where tfq puts operators on the Edge TPU, beside where Google's compiler put them.

A pair is a model and what `edgetpu_compiler` made of it, `X.tflite` and `X_edgetpu.tflite` in one
folder: what it left beside its own `edgetpu-custom-op` stays on the CPU.

Usage: python benchmarks/edgetpu_pairs.py [FOLDER ...]
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tfq
from tfq import profiles
from tfq.lint.placement import CPU, place
from tfq.report.table import table

SHARED = Path(os.environ.get("TFQ_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SUFFIX = "_edgetpu"
COMPILED = "edgetpu-custom-op"


class Pair(NamedTuple):
    """One model, and the operators of it that are on the CPU, by their places in its graph."""

    name: str
    operators: int
    compiler: frozenset[int]
    tfq: frozenset[int]

    @property
    def agree(self) -> int:
        """On how many operators the compiler and tfq agree."""
        return self.operators - len(self.compiler ^ self.tfq)


def pairs(folder: Path) -> Iterator[Pair]:
    """Compare every pair of a folder."""
    for compiled in sorted(folder.glob(f"*{SUFFIX}.tflite")):
        source = compiled.with_name(compiled.name.replace(SUFFIX, ""))
        if source.exists():
            yield compare(source, compiled)


def compare(source: Path, compiled: Path) -> Pair:
    """Compare one pair: operators are the same if their outputs have the same name."""
    rest = [each for each in tfq.load(compiled).operators if each.name != COMPILED]
    left = {tensor.name for each in rest for tensor in each.outputs}
    model = tfq.load(source)
    placement = place(model, profiles.load("edgetpu"))
    return Pair(
        source.stem,
        len(model.operators),
        frozenset(
            each.index
            for each in model.operators
            if any(tensor.name in left for tensor in each.outputs)
        ),
        frozenset(each.operator.index for each in placement.operators if each.target == CPU),
    )


def main(folders: list[str]) -> None:
    """Print a line a pair, and their sum."""
    chosen = [Path(each) for each in folders] or [SHARED / "models" / "edgetpu_pairs"]
    found = [pair for folder in chosen for pair in pairs(folder)]
    rows = [
        [each.name, each.operators, len(each.compiler), len(each.tfq), each.agree] for each in found
    ]
    rows.append(["all", *(sum(int(row[at]) for row in rows) for at in range(1, 5))])
    header = ["model", "ops", "on the CPU", "on the CPU by tfq", "agree"]
    print(table(header, rows, align="<>>>>"))


if __name__ == "__main__":
    main(sys.argv[1:])

"""How many models a second one process on one core reads: the models that are there, and a chain.

Twice: load and describe all of it as JSON; load and lint it. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from inspection import FOLDER

import tfq
from tfq import profiles
from tfq.report.inspection import inspection
from tfq.report.json_text import to_json

SHARED = Path(os.environ.get("TFQ_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CHAINS = ("int8_99.tflite", "float_99.tflite")
MOST_OPERATORS = 100
LEAST_A_SECOND = 100
SECONDS = 3.0


def rate(work: Callable[[Path], object], paths: list[Path]) -> float:
    """Return how many models a second a function reads, going round them for a while."""
    for path in paths:
        work(path)
    # Processor time: what else the machine does must not count.
    count, start = 0, time.process_time()
    while (passed := time.process_time() - start) < SECONDS:
        for path in paths:
            work(path)
        count += len(paths)
    return count / passed


def as_json(path: Path) -> str:
    """Load a model and describe it."""
    return to_json(inspection(tfq.load(path)))


def real_models() -> list[Path]:
    """The models beside the checkout that have up to `MOST_OPERATORS` operators."""
    return [
        path
        for path in sorted((SHARED / "models").rglob("*.tflite"))
        if sum(len(each.operators) for each in tfq.load(path).subgraphs) <= MOST_OPERATORS
    ]


def main() -> int:
    """Print the rates."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    subprocess.run([sys.executable, str(Path(__file__).with_name("models.py")), FOLDER], check=True)
    profile = profiles.load("cpu")
    models = real_models()
    sets = {f"{len(models)} real models": models}
    sets |= {name: [FOLDER / name] for name in CHAINS}
    works = {"load + JSON": as_json, "load + lint": lambda path: tfq.lint(path, profile)}
    missed = False
    print(f"models a second, one process on one core, at least {LEAST_A_SECOND}")
    for name, paths in sets.items():
        for what, work in works.items():
            a_second = rate(work, paths) if paths else float("nan")
            verdict = "ok" if a_second >= LEAST_A_SECOND else "MISSED"
            missed |= verdict == "MISSED"
            print(f"  {name:20}{what:14}{a_second:8.0f}  {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How long it takes to look into a model, and how much memory: tfq beside LiteRT and TensorFlow.

Each number is the median of whole, cold processes, which take turns. The peak is that of resident
memory, as the kernel reports it when a process ends. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "build" / "benchmarks"
SMALL = ("int8_150.tflite", "float_150.tflite")
LARGE = "float_150_50mb.tflite"
TURNS = 11
SLOW_TURNS = 2
MOST_MIB = 45
MOST_LARGE_RATIO = 1.3
MOST_LARGE_MIB = 10

TFQ = str(Path(sys.executable).with_name("tfq"))
LITERT = "import sys; from ai_edge_litert.interpreter import Interpreter; Interpreter(sys.argv[1])"
ANALYZER = (
    "import sys, tensorflow as tf; tf.lite.experimental.Analyzer.analyze(model_path=sys.argv[1])"
)
COMMANDS = {
    "tfq inspect --format=json": [TFQ, "inspect", "--format=json"],
    "tfq lint --profile=cpu": [TFQ, "lint", "--profile=cpu"],
    "tfq inspect": [TFQ, "inspect"],
    "LiteRT Interpreter(model)": [sys.executable, "-c", LITERT],
}
BESIDE = "LiteRT Interpreter(model)"
# What the goals are about; the text is for people, who wait longer.
WITH_GOALS = ("tfq inspect --format=json", "tfq lint --profile=cpu")


class Cost(NamedTuple):
    """What one process took."""

    seconds: float
    mib: float


def run(command: list[str], model: str) -> Cost:
    """Run one process from its start to its end.

    Args:
        command: The program and its first arguments.
        model: The last one, a file in `FOLDER`.

    Returns:
        Its time and peak memory.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    start = time.perf_counter()
    # This process must stay small: the kernel counts it into the peak of those it starts.
    process = subprocess.Popen(
        [*command, str(FOLDER / model)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    # Lint says 1 when it finds something.
    if process.returncode not in (0, 1) or (process.returncode and "lint" not in command):
        raise RuntimeError(f"{command} {model}: exit status {process.returncode}")
    return Cost(seconds, usage.ru_maxrss / 1024)


# Users have compiled modules, and TensorFlow's log is no work of the analyzer.
_UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME")


def median(costs: list[Cost]) -> Cost:
    """The medians of times and of peaks."""
    return Cost(*(statistics.median(each) for each in zip(*costs, strict=True)))


def measure(models: tuple[str, ...]) -> dict[tuple[str, str], Cost]:
    """Run every command on every model, in turns, after one run that does not count."""
    costs: dict[tuple[str, str], list[Cost]] = {}
    for turn in range(TURNS + 1):
        for name, command in COMMANDS.items():
            for model in models:
                cost = run(command, model)
                if turn:
                    costs.setdefault((name, model), []).append(cost)
    return {key: median(each) for key, each in costs.items()}


def goals(costs: dict[tuple[str, str], Cost]) -> list[tuple[str, float, float]]:
    """What is to be reached: a description, what was measured, and the most that is fine."""
    rows = []
    for name in WITH_GOALS:
        for model in SMALL:
            ratio = costs[name, model].seconds / costs[BESIDE, model].seconds
            rows.append((f"{name} {model}: x LiteRT's load", ratio, 1.0))
            rows.append((f"{name} {model}: peak MiB", costs[name, model].mib, MOST_MIB))
        small, large = costs[name, SMALL[1]], costs[name, LARGE]
        ratio = large.seconds / small.seconds
        rows.append((f"{name} 50 MB: x the small one", ratio, MOST_LARGE_RATIO))
        rows.append((f"{name} 50 MB: MiB more", large.mib - small.mib, MOST_LARGE_MIB))
    return rows


def main() -> int:
    """Print all costs, then the goals."""
    subprocess.run([sys.executable, str(Path(__file__).with_name("models.py")), FOLDER], check=True)
    models = (*SMALL, LARGE)
    costs = measure(models)
    name = "TensorFlow Analyzer.analyze(model)"
    slow = median([run([sys.executable, "-c", ANALYZER], SMALL[0]) for _ in range(SLOW_TURNS)])
    print(f"150 operators, whole cold processes, median of {TURNS} (TensorFlow: {SLOW_TURNS})")
    print(f"{'':36}{''.join(f'{model:>26}' for model in models)}")
    for command in COMMANDS:
        cells = [costs[command, model] for model in models]
        print(f"{command:36}{''.join(map(_cell, cells))}")
    print(f"{name:36}{_cell(slow)}")
    print()
    missed = 0
    for what, value, most in goals(costs):
        missed += value > most
        verdict = "ok" if value <= most else "MISSED"
        print(f"  {what:64}{value:7.2f}  at most {most:5.2f}  {verdict}")
    return 1 if missed else 0


def _cell(cost: Cost) -> str:
    return f"{1000 * cost.seconds:12.0f} ms {cost.mib:6.0f} MiB"


if __name__ == "__main__":
    raise SystemExit(main())

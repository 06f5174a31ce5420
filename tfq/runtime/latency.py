"""How long a model takes on this machine."""

from __future__ import annotations

import platform
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.runtime import Runner, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from tfq.model import Model

THREADS = 1
MOST_RUNS = 50
MOST_SECONDS = 0.03
"""A median of three runs is steady to a few percent; models that take longer get one or two."""

SLOW = 5
"""Of a model that takes so many times as long, preparing is too little to count it out."""

# In the order in which `interpreter_class` tries them.
_PACKAGES = ("ai-edge-litert", "tensorflow", "tflite-runtime")


class Machine(NamedTuple):
    """What a latency was measured on.

    Attributes:
        threads: How many the kernels may use.
        delegate: What runs the operators that it takes, with the interpreter's name and version.
        cpu: The processor, as the system names it.
    """

    threads: int
    delegate: str
    cpu: str


def machine(threads: int = THREADS) -> Machine:
    """Describe this machine and its interpreter, without loading that.

    Args:
        threads: How many the kernels may use.
    """
    found = (f"{name} {version}" for name in _PACKAGES if (version := _version(name)))
    return Machine(threads, f"XNNPACK ({next(found, 'no interpreter')})", cpu())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def latency(
    model: Model,
    sample: Mapping[str, np.ndarray[Any, Any]],
    *,
    threads: int = THREADS,
    most_runs: int = MOST_RUNS,
    most_seconds: float = MOST_SECONDS,
) -> float:
    """Measure the median time of warm runs, with LiteRT's default delegate.

    The first run prepares kernels and caches and does not count; after it the model runs until
    either limit is reached, and once in any case. Of a model that takes much longer than the limit
    the first run is the only one. Inputs are set before, outputs not read.

    Args:
        model: Any model.
        sample: Its inputs, as `Runner.run` takes them.
        threads: How many the kernels may use.
        most_runs: The most runs that count.
        most_seconds: After so much time none begins.

    Returns:
        Seconds.

    Raises:
        InvalidModelError: If the model does not load or run.
        ArgumentError: If the sample does not fit.
        MissingDependencyError: If no interpreter is installed.
    """
    runner = Runner(model, threads=threads)
    start = time.perf_counter()
    runner.run(sample)
    first = time.perf_counter() - start
    if first > SLOW * most_seconds:
        return first
    times: list[float] = []
    with quiet.silenced():
        until = time.perf_counter() + most_seconds
        while not times or (len(times) < most_runs and time.perf_counter() < until):
            start = time.perf_counter()
            runner.run_again()
            times.append(time.perf_counter() - start)
    return statistics.median(times)

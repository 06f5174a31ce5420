"""What tests share that hold tfq's numbers against other programs."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def measuring() -> SimpleNamespace:
    """The functions of benchmarks/counting.py, which run vela and tflite-micro."""
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "counting.py"
    return SimpleNamespace(**runpy.run_path(str(script)))

"""One sweep of the digits sample, for all tests of what a sweep finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfq.sweep import sweep
from tfq.sweep.result import Sweep

PROFILES = ["artpec8", "tidl-tda4vm"]


@pytest.fixture(scope="session")
def evaluation_data(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty samples with labels."""
    path = tmp_path_factory.mktemp("data") / "evaluation.npz"
    with np.load(samples / "evaluation.npz") as data:
        np.savez(path, **{name: data[name][:50] for name in data.files})
    return path


@pytest.fixture(scope="session")
def again(samples: Path, evaluation_data: Path) -> Callable[..., Sweep]:
    """Sweeps the digits sample into a directory: `again(output=DIR)`, with other options."""

    def again(**options: Any) -> Sweep:
        asked = {
            "profiles": PROFILES,
            "calibration_data": samples / "calibration.npz",
            "evaluation_data": evaluation_data,
        }
        return sweep(samples / "digits.keras", **{**asked, **options})

    return again


@pytest.fixture(scope="session")
def digits_sweep(again: Callable[..., Sweep], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep of all modes."""
    pytest.importorskip("tensorflow")
    return again(output=tmp_path_factory.mktemp("digits") / "swept")


@pytest.fixture
def swept(digits_sweep: Sweep, tmp_path: Path) -> Path:
    """A copy of its directory, to be changed."""
    assert digits_sweep.directory is not None
    return Path(shutil.copytree(digits_sweep.directory, tmp_path / "swept"))

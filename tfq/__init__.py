"""Turns TensorFlow models into `.tflite` files that a device runs in integers, and proves it.

Nothing heavy is imported here; a test keeps it so.
"""

from __future__ import annotations

from tfq.accuracy import compare
from tfq.accuracy.diagnosis import diagnose
from tfq.convert import convert
from tfq.errors import (
    ArgumentError,
    CalibrationDataError,
    ConversionError,
    ConversionWarning,
    Error,
    InvalidModelError,
    MissingDependencyError,
    ProfileError,
)
from tfq.lint import Finding, Report, lint
from tfq.model import Model, load
from tfq.report.html import write_report
from tfq.retarget import retarget
from tfq.sweep import sweep

# `tfq.convert`, `tfq.lint`, `tfq.retarget` and `tfq.sweep` are functions though modules of these
# names exist: those are loaded above, so no later import puts them in the functions' place.
__all__ = [
    "ArgumentError",
    "CalibrationDataError",
    "ConversionError",
    "ConversionWarning",
    "Error",
    "Finding",
    "InvalidModelError",
    "MissingDependencyError",
    "Model",
    "ProfileError",
    "Report",
    "compare",
    "convert",
    "diagnose",
    "lint",
    "load",
    "retarget",
    "sweep",
    "write_report",
]


def __getattr__(name: str) -> object:
    """Import `tfq.keras` and `tfq.qat`, which need Keras, when they are first used."""
    if name in ("keras", "qat"):
        from importlib import import_module

        return import_module(f"tfq.{name}")
    raise AttributeError(f"module 'tfq' has no attribute {name!r}")

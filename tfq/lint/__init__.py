"""Does a .tflite file meet a device's profile? Rules, findings, the report and its formats."""

from tfq.lint.finding import SEVERITIES, Finding
from tfq.lint.linter import lint
from tfq.lint.report import FindingsError, Report

__all__ = ["SEVERITIES", "Finding", "FindingsError", "Report", "lint"]

"""`make demo`, as the README shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def test_it_prints_the_table_of_the_readme_and_writes_the_files(
    samples: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    run = subprocess.run(
        [sys.executable, str(samples / "demo.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in run.stdout.splitlines()[1:11]]
    assert all(float(row[4].rstrip("%")) >= 96 for row in rows)
    assert [row[:2] for row in rows if row[-1] == "pass"] == [["full_integer", "per_tensor"]]
    shown = re.search(r"\$ make demo\n(.*?)```", README.read_text(), re.DOTALL)
    assert shown is not None
    # Sizes and accuracy may differ in their last digits on another processor.
    expected = [line.split() for line in shown[1].splitlines()[1:]]
    assert [[*row[:2], *row[5:]] for row in rows] == [[*row[:2], *row[5:]] for row in expected]
    assert len(list((tmp_path / "build" / "demo").glob("*.tflite"))) == 10
    assert run.stderr == ""

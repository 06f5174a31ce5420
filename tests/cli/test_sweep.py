"""`tfq sweep`, as a user types it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from tfq.cli import main
from tfq.schemas import load as load_schema

pytest.importorskip("tensorflow")


@pytest.fixture
def words(samples: Path, tmp_path: Path) -> list[str]:
    """A command that works, and takes a second."""
    return [
        "sweep",
        f"--model={samples / 'digits.keras'}",
        f"--calibration_data={samples / 'calibration.npz'}",
        f"--evaluation_data={samples / 'evaluation.npz'}",
        "--modes=float32,full_integer.per_tensor.none",
        "--profiles=artpec8",
        f"--output={tmp_path / 'swept'}",
    ]


def test_it_prints_a_table_and_then_json_of_the_same(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert "tfq:" not in err
    assert "★ full_integer.per_tensor.none" in out and "artpec8" in out
    assert f"files: {tmp_path / 'swept'}" in out.replace("\n  ", "")
    assert main([*words, "--format=json"]) == 0
    content = json.loads(capfd.readouterr().out)
    jsonschema.validate(content, load_schema("sweep.schema"))
    assert content == json.loads((tmp_path / "swept" / "sweep.json").read_text())
    assert content["metric"] == "top1" and content["recommended"] == "full_integer.per_tensor.none"


def test_the_command_below_the_table_makes_the_file_again(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    out = capfd.readouterr().out.replace("\\\n", "")
    line = next(each for each in out.splitlines() if each.startswith("  tfq convert "))
    made = tmp_path / "again.tflite"
    assert main([*shlex.split(line)[1:], f"--output={made}"]) == 0
    swept = tmp_path / "swept" / "full_integer.per_tensor.none.tflite"
    assert made.read_bytes() == swept.read_bytes()


def test_if_every_row_fails_the_status_is_1(
    samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", f"--model={samples / 'digits.keras'}", f"--output={tmp_path / 'swept'}"]
    assert main([*words, "--modes=full_integer.per_tensor.*"]) == 1
    assert "0 of 4 rows converted" in capfd.readouterr().out
    assert main([*words, "--modes=float32,full_integer.per_tensor.none"]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--profiles=artpec"], "unknown profile 'artpec'"),
        (["--modes=fast"], "modes: expected patterns of float32"),
        (["--max_accuracy_drop=-1"], "--max_accuracy_drop=-1"),
        (["--model=missing.keras"], "missing.keras: no such file"),
        (["--evaluation_data=missing.npz"], "evaluation data: missing.npz: no such file"),
        (["--output="], "--output is missing"),
        (["model.keras"], "expected flags only"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    words: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    assert main([*words, *flags]) == 2
    out, err = capfd.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []

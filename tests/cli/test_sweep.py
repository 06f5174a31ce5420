"""`tfq sweep`, as a user types it."""

from __future__ import annotations

import json
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

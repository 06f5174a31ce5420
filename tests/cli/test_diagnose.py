"""`tfq diagnose`, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import tfq
from tfq import schemas
from tfq.cli import main
from tfq.profiles.validate import violations

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def words(digits: Callable[..., tfq.Model], samples: Path, tmp_path: Path) -> list[str]:
    """A command that works."""
    digits(mode="float32").save(tmp_path / "float.tflite")
    return [
        "diagnose",
        f"--model={tmp_path}/float.tflite",
        f"--data={samples}/evaluation.npz",
        f"--calibration_data={samples}/calibration.npz",
    ]


def unlike(tmp_path: Path, samples: Path) -> str:
    """A flag for calibration data that are ten times too dark."""
    with np.load(samples / "calibration.npz") as data:
        np.save(tmp_path / "dark.npy", data["image"] / 10)
    return f"--calibration_data={tmp_path}/dark.npy"


def one_error(words: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """What a command says that fails as it should."""
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert err.count("\n") == 1
    return err


def test_it_says_the_verdict_first(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[1].startswith("8 bits are close to float (float 9")
    rows = [line.split()[0] for line in lines[4:7]]
    assert rows == ["float", "16", "8"]
    assert "close: top1 at least 99%" in out


def test_it_names_causes_and_what_helps(
    words: list[str], samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, unlike(tmp_path, samples)]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "The calibration data are unlike the data of the evaluation" in out
    assert "SQNR along the graph" in out
    assert "tfq convert --model=" in out
    assert all(line.isprintable() and line == line.rstrip() for line in out.splitlines())


def test_json_is_as_its_schema_says(
    words: list[str], samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    schema = schemas.load("diagnose.schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    for more in ([], [unlike(tmp_path, samples)], ["--profile=artpec8"]):
        assert main([*words, *more, "--format=json"]) == 0
        found = json.loads(capfd.readouterr().out, parse_constant=pytest.fail)
        assert list(violations(found, schema)) == []
        jsonschema.Draft202012Validator(schema).validate(found)
    assert found["verdict"] == "healthy"
    assert found["profile"] == "artpec8"
    assert "per_tensor" in found["evaluations"][2]["what"]


def test_labels_of_their_own(
    words: list[str], samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with np.load(samples / "evaluation.npz") as data:
        np.save(tmp_path / "images.npy", data["image"])
        np.save(tmp_path / "labels.npy", data["y"] + 1)
    more = [f"--data={tmp_path}/images.npy", f"--labels={tmp_path}/labels.npy"]
    assert main([*words, *more]) == 0
    assert "labels -1" in capfd.readouterr().out


def test_wrong_use_is_one_line(
    words: list[str],
    digits: Callable[..., tfq.Model],
    samples: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert "--data is missing" in one_error(words[:2], capfd)
    assert "expected flags only" in one_error([*words, "more"], capfd)
    assert "nowhere.tflite" in one_error([*words, "--model=nowhere.tflite"], capfd)
    assert "artpec" in one_error([*words, "--profile=artpec99"], capfd)
    np.save(tmp_path / "other.npy", np.zeros((30, 9, 9, 1), np.float32))
    assert "[samples, 8, 8, 1]" in one_error([*words, f"--data={tmp_path}/other.npy"], capfd)
    np.save(tmp_path / "few.npy", np.zeros(3, np.int64))
    assert "labels: expected" in one_error([*words, f"--labels={tmp_path}/few.npy"], capfd)
    digits(mode="full_integer").save(tmp_path / "int8.tflite")
    quantized = one_error([*words, f"--model={tmp_path}/int8.tflite"], capfd)
    assert "already quantized" in quantized and "tfq compare" in quantized

"""`tfq diagnose`, as a user types it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
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

OneError = Callable[[list[str]], str]


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
    one_error: OneError,
) -> None:
    assert "--data is missing" in one_error(words[:2])
    assert "expected flags only" in one_error([*words, "more"])
    assert "nowhere.tflite" in one_error([*words, "--model=nowhere.tflite"])
    assert "artpec" in one_error([*words, "--profile=artpec99"])
    np.save(tmp_path / "other.npy", np.zeros((30, 9, 9, 1), np.float32))
    assert "[samples, 8, 8, 1]" in one_error([*words, f"--data={tmp_path}/other.npy"])
    np.save(tmp_path / "few.npy", np.zeros(3, np.int64))
    assert "labels: expected" in one_error([*words, f"--labels={tmp_path}/few.npy"])
    digits(mode="full_integer").save(tmp_path / "int8.tflite")
    quantized = one_error([*words, f"--model={tmp_path}/int8.tflite"])
    assert "already quantized" in quantized and "tfq compare" in quantized


def printed_command(out: str) -> list[str]:
    """The command that a text recommends, in words, as a shell reads it."""
    _, _, rest = out.partition("do this (")
    lines = rest.splitlines()[1:]
    count = next(index for index, line in enumerate(lines, 1) if not line.endswith("\\"))
    assert all(len(line) <= 100 or len(line.split()) <= 2 for line in lines[:count])
    shell = ["sh", "-c", "tfq() { printf '%s\\n' tfq \"$@\"; }\n" + "\n".join(lines[:count])]
    return subprocess.run(shell, capture_output=True, text=True, check=True).stdout.splitlines()


def test_what_it_prints_can_be_pasted(
    words: list[str],
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with np.load(samples / "evaluation.npz") as data:
        np.savez(tmp_path / "it's $HOME.npz", image=data["image"][:60], y=data["y"][:60])
    monkeypatch.chdir(tmp_path)
    names = ["--data=it's $HOME.npz", unlike(tmp_path, samples)]
    more = ["--input_shape=image:1,8,8,1", "--allow_float_fallback"]
    assert main([words[0], words[1], *names, *more, "--profile=artpec8"]) == 0
    found = printed_command(capfd.readouterr().out)
    assert found[:2] == ["tfq", "convert"]
    assert {"--calibration_data=it's $HOME.npz", "--profile=artpec8", *more} <= set(found)
    assert main(found[1:]) in (0, 1)
    assert tfq.load("OUTPUT.tflite").inputs[0].dtype == "int8"


PARSE = """
import numpy as np

def row(serialized):
    return np.frombuffer(serialized, "f4")

def rows():
    return [np.full((1, 8), index, "f4") for index in range(4)]
"""


def test_functions_are_printed_by_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfq.accuracy.diagnosis.command import command
    from tfq.convert.readers import load_function

    monkeypatch.chdir(tmp_path)
    Path("my parser.py").write_text(PARSE)
    opening = {
        "parse_function": load_function("my parser.py:row"),
        "batch_size": None,
        "image_scale": "0..1",
        "input_shapes": {"a b": (1, None, 3)},
        "signature": "serve",
        "unsafe_load": True,
    }
    words = shlex.split(command("m.tflite", "d.tfrecord", None, opening, "--mode=int16x8"))
    assert words == [
        *["tfq", "convert", "--model=m.tflite", "--calibration_data=d.tfrecord"],
        *["--image_scale=0..1", "--parse_function=my parser.py:row", "--batch_size=0"],
        *["--signature=serve", "--input_shape=a b:1,?,3", "--unsafe_load", "--mode=int16x8"],
        "--output=OUTPUT.tflite",
    ]
    nameless = command("m.tflite", np.zeros(3), None, {"parse_function": lambda row: row}, "")
    assert "--calibration_data=DATA" in nameless
    assert "--parse_function=FILE.py:FUNCTION" in nameless


def test_progress_is_for_terminals_only(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    tfq_there = shlex.join([sys.executable, "-m", "tfq", *words])
    shell = ["sh", "-c", f"stty cols 80 rows 24; {tfq_there}"]
    code = f"import pty; pty.spawn({shell!r})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "running the float model" in run.stdout
    assert main(words) == 0
    assert capfd.readouterr().err == ""

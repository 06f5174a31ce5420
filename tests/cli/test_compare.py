"""`tfq compare`, as a user types it."""

from __future__ import annotations

import json
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

pytest.importorskip("ai_edge_litert.interpreter")

OneError = Callable[[list[str]], str]


@pytest.fixture
def words(digits: Callable[..., tfq.Model], samples: Path, tmp_path: Path) -> list[str]:
    """A command that works."""
    digits(mode="float32").save(tmp_path / "float.tflite")
    digits(mode="full_integer").save(tmp_path / "int8.tflite")
    return [
        "compare",
        f"--reference={tmp_path}/float.tflite",
        f"--candidate={tmp_path}/int8.tflite",
        f"--data={samples}/evaluation.npz",
    ]


def test_it_prints_tables(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert "400 samples" in out
    assert "probabilities" in out
    assert "top5" in out
    assert "layers" not in out
    assert err == ""


def test_it_prints_json(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--per_layer", "--format=json"]) == 0
    content = json.loads(capfd.readouterr().out, parse_constant=pytest.fail)
    jsonschema.validate(content, schemas.load("compare.schema"))
    assert content["layers"]["matched"] == 12


def test_a_keras_model_is_a_reference(
    words: list[str], samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow")
    assert main([*words, f"--reference={samples}/digits.keras"]) == 0
    assert "98.50%" in capfd.readouterr().out


def test_node_data_stand_in_a_file(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--node_data={tmp_path}/nodes.json"]) == 0
    assert "12 of 12 matched" in capfd.readouterr().out
    assert len(json.loads((tmp_path / "nodes.json").read_text())["main"]["results"]) == 12


def test_node_data_are_not_written_over_what_is_read(
    words: list[str], tmp_path: Path, one_error: OneError
) -> None:
    before = (tmp_path / "int8.tflite").read_bytes()
    assert "another file" in one_error([*words, f"--node_data={tmp_path}/int8.tflite"])
    assert (tmp_path / "int8.tflite").read_bytes() == before
    assert "no directory" in one_error([*words, f"--node_data={tmp_path}/no/x.json"])


def test_what_goes_wrong_leaves_no_file(
    words: list[str], tmp_path: Path, one_error: OneError
) -> None:
    target = f"--node_data={tmp_path}/nodes.json"
    np.save(tmp_path / "labels.npy", np.arange(7))
    labels = f"--labels={tmp_path}/labels.npy"
    assert "expected 400, one a sample; got 7" in one_error([*words, target, labels])
    np.save(tmp_path / "data.npy", np.zeros((3, 5), np.float32))
    data = f"--data={tmp_path}/data.npy"
    assert "expected float32 [samples, 8, 8, 1]" in one_error([*words, target, data])
    assert not (tmp_path / "nodes.json").exists()


def test_a_metric_of_the_user(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def sure(outputs, labels): return outputs[0].max(1).mean()")
    assert main([*words, f"--metric={tmp_path}/mine.py:sure"]) == 0
    assert "sure" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--metric=topp1"], "did you mean top1?"),
        (["--metric=miou"], "expected a class a pixel (miou)"),
        (["--candidate=/nowhere.tflite"], "/nowhere.tflite"),
        (["--data=/nowhere.npz"], "/nowhere.npz"),
        (["--candidate="], "--candidate is missing"),
        (["more"], "expected flags only"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], flags: list[str], wanted: str, one_error: OneError
) -> None:
    assert wanted in one_error([*words, *flags])


def test_another_model_is_one_line(
    words: list[str], shared_models: Path, one_error: OneError
) -> None:
    other = shared_models / "micro" / "micro_speech_quantized.tflite"
    message = one_error([*words, f"--candidate={other}"])
    assert "float.tflite takes; got float32 1x1960" in message


def test_a_broken_tfrecord_is_one_line_without_tensorflows_log(
    words: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "a.tfrecord").write_bytes(b"no record at all")
    (tmp_path / "mine.py").write_text("def parse(example): return example")
    words += [f"--data={tmp_path}/a.tfrecord", f"--parse_function={tmp_path}/mine.py:parse"]
    # In a process of its own: TensorFlow speaks when it is loaded.
    run = subprocess.run([sys.executable, "-m", "tfq", *words], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("tfq: error: evaluation data: ")
    assert run.stderr.count("\n") == 1

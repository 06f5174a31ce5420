from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tfq.cli import main


def test_tables_for_people(shared_models: Path, capsys: Any) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    assert main(["inspect", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}: 18.4 KiB, 4 ops, 10 tensors\n4 of 4 ops in integers (100 %)")
    assert err == ""


def test_json_for_programs(shared_models: Path, capsys: Any) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    assert main(["inspect", "--format=json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["operators"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected the path of one .tflite file, got 0"),
        (["a.tflite", "b.tflite"], "expected the path of one .tflite file, got 2"),
        (["absent.tflite"], "absent.tflite: "),
        (["/"], "/: "),
    ],
)
def test_wrong_use(words: list[str], message: str, capsys: Any) -> None:
    assert main(["inspect", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert err.count("\n") == 1
    assert message in err

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tfq.cli import main


@pytest.fixture
def speech(shared_models: Path) -> str:
    return str(shared_models / "micro/micro_speech_quantized.tflite")


def printed(words: list[str], capsys: Any) -> str:
    assert main(["inspect", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def test_tables_for_people(speech: str, capsys: Any) -> None:
    out = printed([speech], capsys)
    assert out.startswith(f"{speech}: 18.4 KiB, 4 ops, 10 tensors\n  integers ")
    assert "\nops\n" not in out
    assert "\nops\n" in printed([speech, "--ops"], capsys)
    assert "\ntensors\n" in printed([speech, "--tensors"], capsys)


def test_json_for_programs(speech: str, capsys: Any) -> None:
    content = json.loads(printed(["--format=json", speech], capsys))
    assert content["summary"]["operators"] == 4


def test_one_thing_in_full(speech: str, capsys: Any) -> None:
    assert printed([speech, "--show=3"], capsys).startswith("operator 3: SOFTMAX, version 2\n")
    assert printed([speech, "--show=Relu"], capsys).startswith("tensor 2: Relu\n")
    content = json.loads(printed([speech, "--show=Relu", "--format=json"], capsys))
    assert content["tensor"]["name"] == "Relu"


def test_two_models(speech: str, shared_models: Path, capsys: Any) -> None:
    other = str(shared_models / "micro/hello_world_int8.tflite")
    assert printed([speech, speech], capsys) == f"identical: {speech}, {speech}\n"
    assert printed([speech, other], capsys).startswith(f"A  {speech}\nB  {other}\n")
    content = json.loads(printed([speech, other, "--format=json"], capsys))
    assert content["models"] == [speech, other]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected the path of one .tflite file, or of two to compare, got 0"),
        (["a.tflite", "b.tflite", "c.tflite"], "of two to compare, got 3"),
        (["a.tflite", "b.tflite", "--show=1"], "--show takes one .tflite file, got 2"),
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


def test_what_is_not_there_cannot_be_shown(shared_models: Path, capsys: Any) -> None:
    path = str(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    assert main(["inspect", path, "--show=CONV2D"]) == 2
    assert "did you mean CONV_2D?" in capsys.readouterr().err
    assert main(["inspect", path, "--show=CONV_2D", "--format=json"]) == 2
    assert "15 are named 'CONV_2D': expected one" in capsys.readouterr().err

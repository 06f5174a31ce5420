from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq import profiles, schemas
from tfq.cli import main, retarget
from tfq.profiles.validate import violations


@pytest.fixture
def speech(shared_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with weights per channel, in a directory of its own."""
    shutil.copy(shared_models / "micro/micro_speech_quantized.tflite", tmp_path / "speech.tflite")
    shutil.copy(shared_models / "micro/hello_world_float.tflite", tmp_path / "float.tflite")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "speech.tflite"


def test_a_model_is_repaired_and_the_given_file_stays(speech: Path, capsys: Any) -> None:
    before = speech.read_bytes()

    assert main(["retarget", "speech.tflite", "--profile=artpec8", "--output=new.tflite"]) == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("per_tensor: 1 changed, 0 left alone; SQNR worst ")
    assert "int8, 8 scales → scale " in out
    assert "\nnew.tflite: artpec8: PASS, 0 errors" in out
    assert speech.read_bytes() == before
    assert main(["lint", "--profile=artpec8", "new.tflite"]) == 0


def test_the_given_file_changes_only_where_output_names_it(speech: Path) -> None:
    assert main(["retarget", "speech.tflite", "--profile=artpec8", "--output=speech.tflite"]) == 0
    assert tfq.lint(speech, "artpec8").ok


def test_a_model_that_needs_nothing_is_copied(speech: Path, capsys: Any) -> None:
    assert main(["retarget", "speech.tflite", "--profile=cpu", "--output=new.tflite"]) == 0
    assert Path("new.tflite").read_bytes() == speech.read_bytes()
    assert capsys.readouterr().out.startswith("new.tflite: nothing changed\n")


def test_errors_that_are_left_say_why(speech: Path, capsys: Any) -> None:
    words = ["retarget", "float.tflite", "--profile=artpec8", "--output=new.tflite"]
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "left alone: input" in out
    assert "not repaired:\n  Q101: no change of the file alone can repair it\n" in out
    assert "  Q102: integer_io could not repair all of it\n" in out
    assert Path("new.tflite").exists()


@pytest.mark.parametrize("model", ["speech.tflite", "float.tflite"])
def test_json(speech: Path, capsys: Any, model: str) -> None:
    words = ["retarget", model, "--profile=artpec8", "--output=new.tflite", "--format=json"]
    status = main(words)
    content = json.loads(capsys.readouterr().out)
    assert list(violations(content, schemas.load("retarget.schema"))) == []
    assert content["verdict"] == ("fail" if status else "pass")
    assert bool(content["unrepaired"]) == bool(status)
    assert content["model"] == model


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected the path of one .tflite file, got 0"),
        (["speech.tflite"], "--profile is missing"),
        (["speech.tflite", "--profile=artpec8"], "--output is missing"),
        (["speech.tflite", "--profile=artpec0", "--output=x.tflite"], "artpec"),
        (["none.tflite", "--profile=artpec8", "--output=x.tflite"], "none.tflite"),
        (["speech.tflite", "--profile=artpec8", "--output=no/x.tflite"], "there is no directory"),
    ],
)
def test_wrong_use(speech: Path, words: list[str], message: str, capsys: Any) -> None:
    assert main(["retarget", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not Path("x.tflite").exists()


def test_it_needs_neither_tensorflow_nor_an_interpreter(speech: Path) -> None:
    words = ["retarget", "speech.tflite", "--profile=artpec8", "--output=new.tflite"]
    code = f"import sys; from tfq.cli import main; main({words}); print('\\n', *sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.splitlines()[-1].split()}
    assert "numpy" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "tf_keras", "ai_edge_litert"})


def test_several_models_are_fixed_in_place(speech: Path, capsys: Any) -> None:
    Path("broken.tflite").write_bytes(b"not a model")
    before = Path("float.tflite").read_bytes()
    names = ["float.tflite", "broken.tflite", "speech.tflite"]

    assert retarget.fix(names, profiles.load("artpec8")) == 2

    out, err = capsys.readouterr()
    assert err.startswith("tfq: error: broken.tflite: ")
    assert "speech.tflite: artpec8: PASS" in out
    assert tfq.lint(speech, "artpec8").ok
    # What cannot be repaired is not written either.
    assert Path("float.tflite").read_bytes() == before
    assert retarget.fix(names[:1], profiles.load("artpec8")) == 1
    assert retarget.fix(names[2:], profiles.load("artpec8")) == 0

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq import schemas
from tfq.cli import main
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


def test_float_inputs_and_outputs_become_integers_and_back(speech: Path, capsys: Any) -> None:
    floats = ["--profile=cpu", "--input_type=float32", "--output_type=float32"]
    assert main(["retarget", "speech.tflite", *floats, "--output=real.tflite"]) == 0
    assert capsys.readouterr().out.startswith("float_io: 2 changed, 0 left alone\n  place")
    real = tfq.load("real.tflite")
    assert {each.dtype for each in (*real.inputs, *real.outputs)} == {"float32"}

    assert main(["retarget", "real.tflite", "--profile=artpec8", "--output=new.tflite"]) == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert "\n\ninteger_io: 2 changed, 0 left alone\n  place " in out
    assert "float32 → int8" in out
    assert tfq.lint("new.tflite", "artpec8").ok


@pytest.mark.parametrize("word", ["--input_type=int16", "--output_type=float16"])
def test_other_types_of_inputs_and_outputs_are_refused(
    speech: Path, word: str, capsys: Any
) -> None:
    assert main(["retarget", "speech.tflite", "--profile=cpu", "--output=x.tflite", word]) == 2
    assert "float32" in capsys.readouterr().err
    assert not Path("x.tflite").exists()


def test_several_models_are_fixed_in_place(speech: Path, capsys: Any) -> None:
    Path("broken.tflite").write_bytes(b"not a model")
    before = Path("float.tflite").read_bytes()
    names = ["float.tflite", "broken.tflite", "speech.tflite"]
    fix = ["lint", "--profile=artpec8", "--fix"]

    assert main([*fix, *names]) == 2

    out, err = capsys.readouterr()
    assert err.startswith("tfq: error: broken.tflite: ")
    assert "speech.tflite: artpec8: PASS" in out
    assert tfq.lint(speech, "artpec8").ok
    # What cannot be repaired is not written either.
    assert Path("float.tflite").read_bytes() == before
    assert main([*fix, *names[:1]]) == 1
    assert main([*fix, *names[2:]]) == 0


def test_fixes_as_json_are_one_list(speech: Path, capsys: Any) -> None:
    words = ["lint", "--fix", "--profile=artpec8", "--format=json", "speech.tflite", "float.tflite"]
    assert main(words) == 1
    contents = json.loads(capsys.readouterr().out)
    assert [each["output"] for each in contents] == ["speech.tflite", "float.tflite"]
    assert [each["verdict"] for each in contents] == ["pass", "fail"]
    for each in contents:
        assert list(violations(each, schemas.load("retarget.schema"))) == []


@pytest.mark.parametrize(
    ("flags", "status", "changes"),
    [
        (["--ignore=Q201"], 0, False),
        (["--select=Q1"], 0, False),
        (["--severity=Q201=warning"], 0, False),
        (["--severity=Q201=warning", "--fail_on=warning"], 1, False),
        (["--fail_on=hint"], 1, True),
        (["--format=sarif"], 2, False),
    ],
)
def test_a_fix_obeys_the_flags_of_lint(
    speech: Path, flags: list[str], status: int, changes: bool
) -> None:
    before = speech.read_bytes()
    assert main(["lint", "--fix", "--profile=artpec8", "speech.tflite", *flags]) == status
    assert (speech.read_bytes() != before) == changes


def test_a_fix_obeys_config_and_baseline(speech: Path) -> None:
    before = speech.read_bytes()
    words = ["lint", "--profile=artpec8", "speech.tflite"]
    assert main([*words, "--write_baseline=known.json"]) == 0
    assert main([*words, "--fix", "--baseline=known.json"]) == 0
    assert speech.read_bytes() == before
    Path("tfq.toml").write_text('severity = {Q201 = "warning"}\nfail_on = "warning"\n')
    assert main([*words, "--fix"]) == 1
    assert speech.read_bytes() == before

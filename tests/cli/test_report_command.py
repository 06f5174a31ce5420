from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tfq.cli import main

pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")


@pytest.fixture
def speech(shared_models: Path) -> str:
    return str(shared_models / "micro/micro_speech_quantized.tflite")


def test_a_page_is_written_and_summed_up(speech: str, tmp_path: Path, capsys: Any) -> None:
    page = tmp_path / "report.html"
    assert main(["report", speech, "--profiles=artpec8, cpu", f"--output={page}"]) == 0
    out, err = capsys.readouterr()
    first, *rest = out.splitlines()
    assert err == ""
    assert first.startswith(f"{page}: ") and first.endswith(" KiB, 1 model")
    assert rest == [
        f"  {speech}: artpec8: FAIL, 1 error, 0 warnings, 2 hints",
        f"  {speech}: cpu: PASS, 0 errors, 0 warnings",
    ]
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")


def test_models_may_be_a_pattern(shared_models: Path, tmp_path: Path, capsys: Any) -> None:
    pattern = str(shared_models / "edgetpu_pairs/split_concat*.tflite")
    assert main(["report", pattern, f"--output={tmp_path / 'report.html'}"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(", 2 models")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{model}"], "expected --output=REPORT.html"),
        (["--output={page}"], "expected the path of a .tflite file, or --sweep=DIR"),
        (["{model}", "--output={page}", "--profiles=artpec88"], "did you mean artpec8?"),
        (["missing.tflite", "--output={page}"], "missing.tflite"),
        (["{model}", "--output={folder}"], "it is a directory"),
        (["{model}", "--output={page}", "--sweep={folder}"], "sweep.json"),
        (["{model}", "--output={page}", "--comparison={model}"], "got no JSON"),
        (["{model}", "--output={page}", "--comparison={folder}/none.json"], "No such file"),
    ],
)
def test_wrong_use_is_one_line(
    speech: str, tmp_path: Path, capsys: Any, words: list[str], message: str
) -> None:
    page = tmp_path / "report.html"
    places = {"model": speech, "page": page, "folder": tmp_path}
    assert main(["report", *(word.format(**places) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_a_file_is_printed_safely(speech: str, tmp_path: Path, capsys: Any) -> None:
    model = tmp_path / "\x1b[31m<b>.tflite"
    shutil.copy(speech, model)
    words = ["report", str(model), "--profiles=cpu", f"--output={tmp_path / 'report.html'}"]
    assert main(words) == 0
    assert r"\x1b[31m<b>.tflite: cpu: PASS" in capsys.readouterr().out
    assert "<b>" not in (tmp_path / "report.html").read_text("utf-8")


def test_the_layout_library_may_be_missing(
    speech: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    assert main(["report", speech, f"--output={tmp_path / 'report.html'}"]) == 2
    assert "pip install fast-sugiyama" in capsys.readouterr().err

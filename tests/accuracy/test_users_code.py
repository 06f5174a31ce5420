"""The user's own metric and data: whatever they do, it is one line, and nobody else suffers."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.accuracy.scoring import FunctionScorer
from tfq.cli import main
from tfq.convert.readers import load_function

pytest.importorskip("ai_edge_litert.interpreter")

CODE = """
import sys
from collections.abc import Mapping

import numpy as np

class Texts:
    def __repr__(self): raise RuntimeError("no repr")

class Number:
    def __float__(self): raise ZeroDivisionError

class Scores(Mapping):
    def __getitem__(self, name): raise KeyError(name)
    def __iter__(self): raise RuntimeError("no iterator")
    def __len__(self): return 3

class Silent(Exception):
    def __str__(self): raise RuntimeError("no text")

class Undecided:
    def __call__(self, outputs, labels): return 1
    @property
    def higher_is_better(self): raise ValueError("who knows")

def silent(outputs, labels): raise Silent()
def leaves(outputs, labels): raise GeneratorExit
def base(outputs, labels): raise BaseException("base")
def stops(outputs, labels): raise KeyboardInterrupt
def huge(outputs, labels): return 10**400
def texts(outputs, labels): return Texts()
def number(outputs, labels): return Number()
def scores(outputs, labels): return Scores()
def prints(outputs, labels):
    print("noise")
    return 0.5
undecided = Undecided()
print("more noise")

def data():
    yield np.zeros((8, 8, 1), np.float32)
    raise GeneratorExit
"""


@pytest.fixture
def words(digits: Callable[..., tfq.Model], samples: Path, tmp_path: Path) -> list[str]:
    """A comparison, with the user's code in `mine.py` beside the models."""
    (tmp_path / "mine.py").write_text(CODE)
    digits(mode="float32").save(tmp_path / "float.tflite")
    model = f"{tmp_path}/float.tflite"
    flags = {"reference": model, "candidate": model, "data": f"{samples}/evaluation.npz"}
    return ["compare", *(f"--{name}={value}" for name, value in flags.items())]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("silent", "Silent: its text fails with RuntimeError"),
        ("leaves", "metric leaves fails: GeneratorExit"),
        ("base", "BaseException: base"),
        ("huge", "expected a number"),
        ("texts", "RuntimeError: no repr"),
        ("number", "metric number fails: ZeroDivisionError"),
        ("scores", "RuntimeError: no iterator"),
        ("undecided", "higher_is_better fails: ValueError: who knows"),
    ],
)
def test_a_metric_that_fails_is_one_line(
    words: list[str], tmp_path: Path, name: str, wanted: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--metric={tmp_path}/mine.py:{name}"]) == 2
    out, err = capfd.readouterr()
    line = err.removeprefix("more noise\n")
    assert out == "" and line.startswith("tfq: error: ") and line.count("\n") == 1
    assert wanted in line


def test_data_that_fail_are_one_line(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--data={tmp_path}/mine.py:data"]) == 2
    assert "error: evaluation data: GeneratorExit\n" in capfd.readouterr().err


def test_ctrl_c_is_no_error_of_the_users_code(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--metric={tmp_path}/mine.py:stops"]) == 130
    assert "tfq: interrupted" in capfd.readouterr().err


def test_sigterm_ends_the_users_code_as_ctrl_c_does(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import os, signal, time\n"
        "def dies(outputs, labels):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
    )
    words = [*words, f"--metric={tmp_path}/mine.py:dies"]
    run = subprocess.run([sys.executable, "-m", "tfq", *words], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (143, "", "tfq: terminated\n")


def test_what_a_metric_prints_is_not_among_the_json(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--metric={tmp_path}/mine.py:prints", "--format=json"]) == 0
    assert json.loads(capfd.readouterr().out)["candidate_scores"] == {"prints": 0.5}


@pytest.mark.parametrize("name", ["numpy", "typing", "json", "two.dots"])
def test_a_users_file_may_be_called_as_any_module(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass, field\n"
        "from typing import ClassVar\n"
        "@dataclass\n"
        "class Score:\n"
        "    kind: ClassVar[str] = 'score'\n"
        "    value: float = field(default=0.5)\n"
        "def score(outputs, labels): return Score()\n"
    )
    before = sys.modules.get(name)
    found = load_function(f"{tmp_path}/{name}.py:score")([], [])
    assert sys.modules.get(name) is before
    for dumps in (pickle.dumps, pickle._dumps):  # type: ignore[attr-defined]
        assert pickle.loads(dumps(found)) == found


def test_two_files_of_the_same_name_are_two_modules(tmp_path: Path) -> None:
    functions = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"def f(outputs, labels): return {folder!r}")
        functions.append(load_function(f"{tmp_path}/{folder}/mine.py:f"))
    assert [each([], []) for each in functions] == ["a", "b"]
    assert functions[0].__module__ != functions[1].__module__


def test_a_number_by_name_need_not_be_finite() -> None:
    scorer = FunctionScorer("mine", lambda outputs, labels: {"a": np.inf, "b": 1})
    scorer.add([np.zeros((1, 2))], 0)
    assert scorer.result() == {"a": np.inf, "b": 1.0}


def test_a_function_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(tfq.ArgumentError, match="expected a function there, found none"):
        load_function(f"{tmp_path}/mine.py:f")

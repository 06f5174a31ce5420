"""The README's commands do what the README shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tfq.cli import main

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
COMMANDS = [tuple(block[2:].split("\n", 1)) for block in BLOCKS if block.startswith("$ tfq ")]


def without_numbers(text: str) -> str:
    """Sizes and scales differ in their last digits between processors."""
    return re.sub(r"\d+\.\d+", "#", text).strip()


@pytest.fixture
def workplace(samples: Path, tmp_path: Path, digits, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that looks as the checkout does after `make demo`."""
    pytest.importorskip("tensorflow")
    (tmp_path / "samples").symlink_to(samples)
    demo = tmp_path / "build" / "demo"
    demo.mkdir(parents=True)
    for mode, granularity in (
        ("dynamic_range", "per_tensor"),
        ("full_integer", "per_channel"),
        ("full_integer", "per_tensor"),
    ):
        model = digits(mode=mode, granularity=granularity, profile="artpec8")
        model.save(demo / f"digits_{mode}_{granularity}.tflite")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[c[0][:30] for c in COMMANDS])
def test_a_command_prints_what_the_readme_shows(
    workplace: Path, capsys: pytest.CaptureFixture[str], command: str, shown: str
) -> None:
    assert main(shlex.split(command)[1:]) == ("FAIL" in shown)
    assert without_numbers(capsys.readouterr().out) == without_numbers(shown)


def python_examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_python_example_runs(workplace: Path) -> None:
    pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")
    exec(compile(python_examples()[0], "README.md", "exec"), {})
    assert (workplace / "digits.tflite").exists()
    assert (workplace / "swept" / "sweep.json").exists() and (workplace / "report.html").exists()


def test_the_examples_of_training_run(workplace: Path) -> None:
    keras = pytest.importorskip("keras")
    data = np.load(workplace / "samples" / "evaluation.npz")
    images, labels = data["image"][:100], data["y"][:100]
    model = keras.models.load_model(workplace / "samples" / "digits.keras")
    model.compile("adam", "sparse_categorical_crossentropy")
    names = {"keras": keras, "model": model, "images": images, "labels": labels}
    names |= {"val_images": images, "val_labels": labels}
    _, *examples = python_examples()
    assert len(examples) == 2
    exec(compile("\n".join(examples), "README.md", "exec"), names)
    assert (workplace / "model.tflite").exists() and (workplace / "best.tflite").exists()

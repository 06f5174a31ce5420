"""The commands under a sweep's table make its files again."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.cli import main
from tfq.sweep import sweep
from tfq.sweep.commands import commands
from tfq.sweep.result import Sweep

pytest.importorskip("tensorflow")


@pytest.fixture
def remade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs the commands for a row in a directory of its own; what it wrote, as a hash."""
    place = tmp_path / "a place"
    place.mkdir()
    monkeypatch.chdir(place)

    def remade(found: Sweep, name: str, source: Any, data: Any, **rest: Any) -> str:
        known = {"options": {}, "profiles": {}} | rest
        for each in commands(replace(found, recommended=name), source, data, **known):
            tool, *words = shlex.split(each)
            assert tool == "tfq" and main(words) == 0
        return hashlib.sha256((place / f"{name}.tflite").read_bytes()).hexdigest()

    return remade


@pytest.mark.parametrize(
    "name",
    [
        "float16",
        "dynamic_range.per_channel.int4",
        "weight_only.per_tensor",
        "full_integer.per_tensor.none",
        "full_integer.per_channel.standard",
        "full_integer.per_tensor.power_of_two",
        "full_integer.per_channel.int4",
        "int16x8.per_tensor",
    ],
)
def test_they_make_the_same_bytes(
    digits_sweep: Sweep, samples: Path, remade: Callable[..., str], name: str
) -> None:
    data = samples / "calibration.npz"
    made = remade(digits_sweep, name, samples / "digits.keras", data)
    assert made == digits_sweep.row(name).sha256


def test_without_a_float32_row_the_source_is_converted_first(
    samples: Path, tmp_path: Path, remade: Callable[..., str]
) -> None:
    source, data = samples / "digits.keras", samples / "calibration.npz"
    name = "full_integer.per_tensor.none"
    found = sweep(source, calibration_data=data, modes=[name], output=tmp_path / "s w")
    assert remade(found, name, source, data) == found.row(name).sha256
    first, second = commands(replace(found, recommended=name), source, data, {}, {})
    assert first == f"tfq convert --model={source} --mode=float32 --output=float32.tflite"
    assert "--model=float32.tflite" in second


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 4}, {"batch_size": None}, {"input_shapes": {"image": (2, 8, 8, 1)}}],
)
def test_other_shapes_are_kept(
    samples: Path, tmp_path: Path, remade: Callable[..., str], options: dict[str, Any]
) -> None:
    source, data = samples / "digits.keras", samples / "calibration.npz"
    name, modes = "full_integer.per_tensor.none", ["float32", "full_integer.per_tensor.none"]
    found = sweep(source, calibration_data=data, modes=modes, output=tmp_path / "s w", **options)
    made = remade(found, name, source, data, options=options)
    assert made == found.row(name).sha256


def test_a_devices_own_row_names_its_profile(
    digits: Callable[..., tfq.Model], samples: Path, tmp_path: Path, remade: Callable[..., str]
) -> None:
    own = {"extends": "artpec8", "name": "camera", "convert": {"input_type": "uint8"}}
    (tmp_path / "my camera.json").write_text(json.dumps(own))
    path, data = tmp_path / "float.tflite", samples / "calibration.npz"
    digits(mode="float32").save(path)
    found = sweep(
        path,
        profiles=[tmp_path / "my camera.json"],
        calibration_data=data,
        modes=["float32", "profile.*"],
        output=tmp_path / "swept",
    )
    devices = {"camera": tmp_path / "my camera.json"}
    made = remade(found, "profile.camera", path, data, profiles=devices)
    assert made == found.row("profile.camera").sha256


def test_data_without_a_file_are_named_for_the_user_to_replace(digits_sweep: Sweep) -> None:
    (command,) = commands(digits_sweep, "digits.keras", np.zeros(3), {}, {})
    assert "--calibration_data=DATA" in command


def test_the_float32_row_is_made_of_the_source(digits_sweep: Sweep) -> None:
    found = replace(digits_sweep, recommended="float32")
    assert commands(found, "digits.keras", "data.npz", {"signature": "serve"}, {}) == [
        "tfq convert --model=digits.keras --signature=serve --mode=float32 --output=float32.tflite"
    ]


def test_without_a_recommendation_there_are_none(digits_sweep: Sweep) -> None:
    assert commands(replace(digits_sweep, recommended=None), "digits.keras", None, {}, {}) == []

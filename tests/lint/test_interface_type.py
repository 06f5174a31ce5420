from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tfq


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    """A device that takes pixels as a camera has them."""
    path = tmp_path / "chip.json"
    quantization = {"inputs": ["uint8"], "outputs": ["int8", "uint8"]}
    path.write_text(
        json.dumps({"extends": "artpec8", "name": "chip", "quantization": quantization})
    )
    return path


def test_an_input_of_another_integer_type_is_found(
    digits: Callable[..., tfq.Model], chip: Path
) -> None:
    model = digits(granularity="per_tensor")
    (finding,) = tfq.lint(model, chip, select=["Q1"]).findings
    assert finding.rule == "Q107"
    assert finding.tensor is model.inputs[0]
    assert "is int8; chip takes uint8" in finding.message


def test_the_listed_types_pass(digits: Callable[..., tfq.Model], chip: Path) -> None:
    assert tfq.lint(digits(granularity="per_tensor", input_type="uint8"), chip).ok

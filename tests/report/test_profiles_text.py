"""A profile for people: every key of it is there, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tfq import profiles
from tfq.report.profiles_text import profile_text


def lines_of(name: str) -> list[str]:
    return profile_text(profiles.load(name)).splitlines()


def under(lines: list[str], title: str) -> list[str]:
    """The indented lines below a title."""
    start = next(at for at, line in enumerate(lines) if line.startswith(f"  {title}")) + 1
    rest = lines[start:]
    stop = next((at for at, line in enumerate(rest) if not line.startswith("    ")), len(rest))
    return [line.strip() for line in rest[:stop]]


def test_operators_with_and_without_limits() -> None:
    lines = under(lines_of("artpec9"), "operators: others run on the CPU")
    assert lines[0] == "RELU, RELU6, RESHAPE"
    assert "DEPTH_TO_SPACE           block size 2, input depth a multiple of 4" in lines
    assert "LEAKY_RELU               alpha more than 0, alpha less than 1" in lines
    assert "all  rank at most 4 (tensors have at most 4 dimensions)" in lines
    at = next(at for at, line in enumerate(lines) if line.startswith("AVERAGE_POOL_2D"))
    assert lines[at].split(maxsplit=1)[1].startswith("either kernel height 3, kernel width 3, ")
    assert lines[at + 1] == "or kernel height 7, kernel width 7, kernel covers input: yes"
    assert lines[at + 2].endswith(
        "(3x3 with stride 1 and SAME, or 7x7 or 8x8 that covers the whole input)"
    )


def test_conditions_and_answers_yes_or_no() -> None:
    lines = under(lines_of("artpec9"), "operators")
    assert "strides equal: yes, stride height one of 1, 2" in lines
    assert "if kernel height more than 7: stride height 1 (kernels above 7)" in lines
    assert any(
        line.split(maxsplit=1)[1:] == ["pads batch: no, pads depth: no (height and width only)"]
        for line in lines
    )


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (
            "edgetpu",
            "others run on the CPU, and so does all that needs their outputs (the compiler",
        ),
        ("artpec8", "others run on the CPU (larod runs it there, slower)"),
        ("cv25", "unknown, all count as taken; others are refused (the vendor's compiler"),
        ("tidl-am6xa", "others run on the CPU"),
    ],
)
def test_what_becomes_of_other_operators(name: str, start: str) -> None:
    assert any(line.startswith(f"  operators: {start}") for line in lines_of(name))


def test_types_shapes_memory_and_scheme() -> None:
    assert "  shapes        batch 1, at most 4 dimensions" in lines_of("artpec9")
    assert "  shapes        static" in lines_of("edgetpu")
    (memory,) = [line for line in lines_of("edgetpu") if line.startswith("  memory")]
    assert memory.startswith(
        "  memory        8,388,608 bytes of weights (the chip keeps about 8 MB"
    )
    lines = lines_of("tidl-tda4vm")
    assert "  symmetric     weights, activations" in lines
    assert "  powers of two scales of weights, activations" in lines


def test_advice() -> None:
    lines = under(lines_of("artpec8"), "advice: runs, but slower or less accurately")
    (leaky,) = [line for line in lines if line.startswith("LEAKY_RELU")]
    assert leaky.split(maxsplit=1)[1] == "operator RELU (it fuses, and the hardware skips zeros)"


@pytest.mark.parametrize("name", profiles.names())
def test_every_operator_reason_and_hint_is_printed(name: str) -> None:
    profile = profiles.load(name)
    text = " ".join(profile_text(profile).split())
    rows = [*profile.every_operator, *profile.advice]
    rows += [row for constraints in profile.operators.values() for row in constraints]
    for word in (*profile.operators, *profile.hints, *(row.why for row in rows)):
        assert word in text


def test_a_long_list_of_operators_is_broken_into_lines() -> None:
    assert all(len(line) <= 100 for line in lines_of("artpec8") if line.count("_") > 3)


def test_constraints_of_ones_own_lose_their_control_characters(tmp_path: Path) -> None:
    path = tmp_path / "chip.json"
    row: Any = {"require": {"padding": "\x1b[2J"}, "why": "a\nb"}
    path.write_text(json.dumps({"name": "chip", "extends": "artpec8", "advice": [row]}))
    text = profile_text(profiles.load(path))
    assert "\x1b" not in text
    assert r"padding \x1b[2J (a\nb)" in text

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfq import profiles
from tfq.cli import main


def test_the_list_has_a_line_for_each(capsys: Any) -> None:
    assert main(["profiles"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.startswith("name")
    assert [line.split()[0] for line in lines] == list(profiles.names())


def test_one_profile_with_its_sources(capsys: Any) -> None:
    assert main(["profiles", "artpec8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "artpec8: ARTPEC-8 DLPU, Axis Communications"
    assert any(line.split()[:3] == ["granularity", "per_tensor", "required"] for line in lines)
    assert any("supported-ops (read 2026-11)" in line for line in lines)


def test_one_profile_with_its_operators_and_their_limits(capsys: Any) -> None:
    assert main(["profiles", "artpec9"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "    DEPTH_TO_SPACE           block size 2, input depth a multiple of 4" in lines
    assert "  advice: runs, but slower or less accurately" in lines


def test_the_sample_is_printed_like_a_shipped_one(samples: Path, capsys: Any) -> None:
    assert main(["profiles", str(samples / "my-chip.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "my-chip: My chip, My company"
    assert "                 if stride height 2: padding SAME (stride 2 needs padding)" in lines


def test_a_broken_file_of_ones_own_is_one_line(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chip.json"
    path.write_text(
        '{"name": "chip", "extends": "artpec8", '
        '"operators": {"ADD": [{"require": {"padding": {"max": 3}}}]}}'
    )
    assert main(["profiles", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line == (
        f"tfq: error: {path}: $.operators.ADD[0].require.padding.max: expected one of is, is_not, "
        "in, not_in for a text, got 'max'"
    )


def test_what_no_source_says_is_printed_as_unknown(capsys: Any) -> None:
    assert main(["profiles", "cv25"]) == 0
    assert "  inputs        unknown\n" in capsys.readouterr().out


def test_a_file_of_ones_own_is_printed_without_its_control_characters(
    tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "chip.json"
    path.write_text(r'{"name": "chip", "extends": "artpec8", "title": "My\u001b[2J\nchip"}')
    assert main(["profiles", str(path)]) == 0
    assert capsys.readouterr().out.startswith(r"chip: My\x1b[2J\nchip, Axis")


def test_wrong_use(capsys: Any) -> None:
    assert main(["profiles", "artpec8", "artpec9"]) == 2
    assert main(["profiles", "artpec"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "tfq: error: expected one profile, got 2"
    assert "unknown profile 'artpec'" in second

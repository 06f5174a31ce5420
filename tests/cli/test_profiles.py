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

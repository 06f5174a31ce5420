from __future__ import annotations

import pytest

from tfq.report.table import table, width


def test_columns_are_aligned_and_lines_do_not_end_in_spaces() -> None:
    text = table(["op", "MACs", ""], [["CONV_2D", "9,216", "x"], ["ADD", 0, None]], align="<>")
    assert text.splitlines() == ["op        MACs", "CONV_2D  9,216  x", "ADD          0"]


def test_a_table_without_rows_is_its_header() -> None:
    assert table(["a", "b"], []) == "a  b"


def test_long_cells_lose_their_middle() -> None:
    text = table(["name"], [["begin" + "x" * 100 + "end"]], widest=20)
    cell = text.splitlines()[1]
    assert len(cell) == 20
    assert cell.startswith("begin")
    assert cell.endswith("end")


@pytest.mark.parametrize("text", ["重み" * 30, "e\u0301" * 80, "a重" * 40])
def test_wide_and_combining_characters_keep_the_columns(text: str) -> None:
    lines = table(["name", "next"], [[text, "|"], ["a", "|"]], widest=20).splitlines()
    assert len({width(line.partition("|")[0]) for line in lines[1:]}) == 1
    assert width(lines[1]) <= 20 + 3


def test_control_characters_are_escaped() -> None:
    text = table(["name\n"], [["\x1b[2J\r\n\u202e\udc80"]])
    assert text.splitlines() == [r"name\n", r"\x1b[2J\r\n\u202e\udc80"]


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["only one"]])


@pytest.mark.parametrize("text", ["n" * 10_000_000, "e\u0301" * 5_000_000, "\x1b" * 10_000_000])
def test_a_cell_of_megabytes_is_cut(text: str) -> None:
    lines = table(["name"], [[text]], widest=20).splitlines()
    assert width(lines[1]) <= 20
    assert len(lines[1]) <= 20
    assert "…" in lines[1]

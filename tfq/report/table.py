"""Tables for a terminal: aligned columns, whatever stands in the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = "  "


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    align: str = "",
    widest: int = 60,
    indent: str = "",
) -> str:
    """Set rows in columns.

    Args:
        header: The columns' names.
        rows: The cells, as many a row as there are columns. Control characters are escaped, None
            is an empty cell.
        align: One character a column, `<` for left or `>` for right; left where it ends.
        widest: Longer cells lose their middle, so that both ends of a long name can be seen.
        indent: What stands before every line.

    Returns:
        The lines, without a line break at the end.

    Example:
        >>> print(table(["op", "MACs"], [["CONV_2D", "9,216"], ["ADD", 0]], align="<>"))
        op        MACs
        CONV_2D  9,216
        ADD          0
    """
    cells = [[_cell(value, widest) for value in row] for row in (header, *rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    sides = align.ljust(len(widths), "<")
    lines = (
        GAP.join(
            _padded(cell, size, side) for cell, size, side in zip(row, widths, sides, strict=True)
        )
        for row in cells
    )
    return "\n".join((indent + line).rstrip() for line in lines)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: some characters take two, some none."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _cell(value: object, widest: int) -> str:
    text = "" if value is None else printable(str(value))
    if width(text) <= widest:
        return text
    # Cut by characters: where they are wide, the cell is narrower than it could be.
    room = widest // 2 if not text.isascii() else widest
    return f"{text[: room // 2]}…{text[len(text) - (room - room // 2 - 1) :]}"


def _padded(text: str, size: int, side: str) -> str:
    space = " " * (size - width(text))
    return space + text if side == ">" else text + space

"""Tables for a terminal: aligned columns, whatever stands in the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = "  "
WIDEST = 60


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    align: str = "",
    widest: int = WIDEST,
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
    cells = [[fitted(value, widest) for value in row] for row in (header, *rows)]
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


def fitted(value: object, widest: int = WIDEST) -> str:
    """Make a text fit into a line: escape what a terminal would obey, and cut out the middle.

    Args:
        value: What to print, such as a name from a file; None is nothing.
        widest: How many columns of a terminal there are for it.

    Returns:
        One line of at most that width.
    """
    text = "" if value is None else str(value)
    if len(text) > 4 * widest:
        # A name may have megabytes; and characters that take no column are without number.
        text = text[: 2 * widest] + text[-2 * widest :]
        return _cut(printable(text), widest)
    text = printable(text)
    return text if width(text) <= widest else _cut(text, widest)


def _cut(text: str, widest: int) -> str:
    # Cut by characters: where they are wide, the cell is narrower than it could be.
    room = widest // 2 if not text.isascii() else widest
    return f"{text[: room // 2]}…{text[len(text) - (room - room // 2 - 1) :]}"


def _padded(text: str, size: int, side: str) -> str:
    space = " " * (size - width(text))
    return space + text if side == ">" else text + space

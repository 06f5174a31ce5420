"""Text that is safe on a terminal: no control characters from files, colour only where wanted."""

from __future__ import annotations

import os
from typing import IO

COLOURS = {"error": 31, "fail": 31, "pass": 32, "warning": 33, "hint": 36, "bold": 1}


def printable(text: str) -> str:
    """Escape what a terminal would obey rather than show.

    Args:
        text: Any text, such as a tensor's name from a file that nobody trusts.

    Returns:
        The text with control characters, directional marks and lone surrogates escaped as in a
        Python string.
    """
    if text.isprintable():
        return text
    escaped = (
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return "".join(escaped)


def wants_colour(stream: IO[str] | None) -> bool:
    """Whether `stream` is a terminal, and nobody asked for no colour (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def paint(text: str, name: str, colour: bool) -> str:
    """Colour a piece of text.

    Args:
        text: What to colour.
        name: A key of `COLOURS`.
        colour: Whether to colour at all.

    Returns:
        The text, in the codes of that colour if `colour`.
    """
    return f"\x1b[{COLOURS[name]}m{text}\x1b[0m" if colour else text

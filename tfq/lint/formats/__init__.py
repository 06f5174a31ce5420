"""How reports are printed: one module a format, each with the same function `render`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.lint.report import Report

# The name of a format is that of its module.
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")


class Unreadable(NamedTuple):
    """A file among the models that could not be read.

    Attributes:
        path: The file.
        message: What was expected and what was found.
    """

    path: str
    message: str


class Format(Protocol):
    """The shape of a format's module."""

    def render(
        self, reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool
    ) -> str:
        """Write the answer of one call of the linter.

        Args:
            reports: One for each model that could be read, in order.
            unreadable: The files that could not.
            colour: Whether escape codes for colours are welcome.

        Returns:
            The text, without a line break at the end.
        """


def load(name: str) -> Format:
    """Import a format.

    Args:
        name: One of `FORMATS`.

    Returns:
        The module.
    """
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))

"""What was computed already, so that several conversions of one model share it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Memory:
    """Results by what they are of.

    Large ones, such as whole models, are forgotten when the next scheme begins: a sweep asks for
    all that has one scheme in a row.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._kept: dict[Hashable, Any] = {}
        self._recent: dict[Hashable, Any] = {}
        self._scheme: Hashable = None

    def begin(self, scheme: Hashable) -> None:
        """Forget what is only of use within another scheme.

        Args:
            scheme: What the next conversions have in common.
        """
        if scheme != self._scheme:
            self._recent, self._scheme = {}, scheme

    def once(self, key: Hashable, make: Callable[[], _T], *, recent: bool = False) -> _T:
        """Return what was made for a key, after making it the first time.

        Args:
            key: What it is of. A model is told from others as an object.
            make: Makes it; what it raises is not remembered.
            recent: Whether it may be forgotten when another scheme begins.
        """
        store = self._recent if recent else self._kept
        if key not in store:
            store[key] = make()
        found: _T = store[key]
        return found

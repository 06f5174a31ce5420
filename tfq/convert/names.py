"""Names of inputs and outputs: each once."""

from __future__ import annotations

from collections.abc import Iterable


def distinct(names: Iterable[str]) -> list[str]:
    """Each name once, whatever the case of its letters: a repeated one gets a number."""
    result: list[str] = []
    taken: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique.lower() in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique.lower())
        result.append(unique)
    return result

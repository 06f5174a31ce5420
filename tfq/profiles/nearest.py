"""The end of an error's sentence: what the user may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the known word that is nearest to an unknown one.

    Args:
        word: What the user wrote.
        known: What would have been right.

    Returns:
        Such as `"; did you mean artpec8?"`; empty if nothing is near.
    """
    import difflib

    by_folded = {each.casefold(): each for each in known}
    folded = word.casefold()
    # difflib rates two swapped letters, the commonest slip, below a missing one.
    nearest = [each for each in by_folded if sorted(each) == sorted(folded)]
    nearest += difflib.get_close_matches(folded, by_folded, n=1)
    return f"; did you mean {by_folded[nearest[0]]}?" if nearest else ""

"""What a long diagnosis is doing, for people who wait at a terminal."""

from __future__ import annotations

import os
import sys
from typing import Any


class Progress:
    """One line on stderr that says what is being done; nothing where that is no terminal."""

    def __enter__(self) -> Progress:
        """Begin."""
        from tqdm import tqdm

        self._bar: Any = tqdm(
            bar_format="{desc} ({elapsed})",
            file=sys.stderr,
            leave=False,
            disable=bool(os.environ.get("CI")) or None,  # None: silent but on a terminal
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        self._bar.close()

    def say(self, text: str) -> None:
        """Say what is done now.

        Args:
            text: A few words.
        """
        self._bar.set_description_str(text)

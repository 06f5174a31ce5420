"""Calibration samples on their way into another tool, with a progress bar for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from tfq.convert.calibration import Samples
from tfq.convert.sources import InputSpec


class Feed:
    """Samples under the names that the tool uses; it may go through them more than once."""

    def __init__(
        self,
        samples: Samples | None,
        inputs: Sequence[InputSpec],
        names: Mapping[str, str],
        terminal: TextIO,
    ) -> None:
        """Prepares to feed.

        Args:
            samples: what to feed; None for nothing.
            inputs: the model's, with the shapes it is run with.
            names: the tool's name of each input, by the name in `samples`.
            terminal: where the bar goes, if it is a terminal and this is no CI.
        """
        self._samples = samples
        self._inputs = inputs
        self._names = names
        self._terminal = terminal
        self._bar: Any = None

    def __enter__(self) -> Feed:
        """Feeds until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the bar, also where the tool stopped half-way."""
        self.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields one batch after the other, by the tool's names."""
        from tqdm import tqdm

        if self._samples is None:
            return
        self.close()
        self._bar = tqdm(
            self._samples.batches(self._inputs),
            "calibrating",
            len(self._samples) // self._inputs[0].batch_size or None,
            file=self._terminal,
            leave=False,
            disable=bool(os.environ.get("CI")) or None,  # None: silent but on a terminal
        )
        for sample in self._bar:
            yield {self._names[name]: value for name, value in sample.items()}

    def close(self) -> None:
        """Ends the bar, also where the tool stopped half-way."""
        if self._bar is not None:
            self._bar.close()

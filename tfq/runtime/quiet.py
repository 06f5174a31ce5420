"""Keeps the log noise of native libraries from the user, without losing it."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import IO, TextIO


class Noise:
    """What was written to stderr while it was kept from the user.

    Attributes:
        terminal: a stream to the real stderr, for progress bars.
    """

    def __init__(self, terminal: TextIO, log: IO[bytes] | None) -> None:
        """Wraps the real stderr and the file that takes its place (None: nothing is kept)."""
        self.terminal = terminal
        self._log = log

    @property
    def text(self) -> str:
        """All that was written so far."""
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


@contextlib.contextmanager
def silenced(verbose: bool = False) -> Iterator[Noise]:
    """Diverts stderr to a file, on the level of the operating system.

    TensorFlow's C++ parts (absl, MLIR, oneDNN) write to file descriptor 2 directly, so Python's
    own redirection does not reach them. It is the process that is silenced: other threads' words
    to stderr go the same way while this lasts. `sys.stderr` stays: a log handler that is made
    meanwhile would keep its stand-in for ever.

    Args:
        verbose: leave everything as it is.

    Yields:
        The noise, readable while and after it is kept.
    """
    if verbose:
        yield Noise(sys.stderr, None)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        real = os.dup(2)
    except OSError:  # the process has no stderr: there is nobody to disturb
        yield Noise(sys.stderr, None)
        return
    sys.stderr.flush()
    level = logging.root.manager.disable
    with (
        tempfile.TemporaryFile() as log,
        os.fdopen(real, "w") as terminal,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        os.dup2(log.fileno(), 2)
        try:
            yield Noise(terminal, log)
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            logging.disable(level)

"""Keeps TensorFlow's log noise from the user, without losing it."""

from __future__ import annotations

import contextlib
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
    to stderr go the same way while this lasts.

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
    with (
        tempfile.TemporaryFile() as log,
        os.fdopen(real, "w") as terminal,
        open(log.fileno(), "w", closefd=False) as python_log,  # noqa: PTH123
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        os.dup2(log.fileno(), 2)
        try:
            with contextlib.redirect_stderr(python_log):
                yield Noise(terminal, log)
        finally:
            python_log.flush()
            os.dup2(real, 2)

"""Keeps the log noise of native libraries from the user."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def silenced(verbose: bool = False) -> Iterator[TextIO]:
    """Diverts stderr to nowhere, on the level of the operating system.

    TensorFlow's C++ parts (absl, MLIR, oneDNN) write to file descriptor 2 directly, so Python's
    own redirection does not reach them. It is the process that is silenced: other threads' words
    to stderr go the same way while this lasts. `sys.stderr` stays: a log handler that is made
    meanwhile would keep its stand-in for ever.

    Args:
        verbose: leave everything as it is.

    Yields:
        A stream to the real stderr, for progress bars.
    """
    if verbose:
        yield sys.stderr
        return
    terminal = _diversion.enter()
    try:
        yield terminal
    finally:
        _diversion.leave()


class _Diversion:
    """The one stderr of this process: diverted by the first who asks, restored after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._undo = contextlib.ExitStack()
        self._terminal: TextIO = sys.stderr

    def enter(self) -> TextIO:
        with self._lock:
            if self._users == 0:
                self._terminal = self._divert()
            self._users += 1
            return self._terminal

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._undo.close()

    def _divert(self) -> TextIO:
        undo = self._undo
        nowhere = undo.enter_context(open(os.devnull, "w"))  # noqa: PTH123, SIM115
        try:
            real = os.dup(2)
        except OSError:  # the process has no stderr: there is nobody to disturb
            return nowhere
        terminal = undo.enter_context(os.fdopen(real, "w"))
        undo.callback(os.dup2, real, 2)
        undo.callback(_flush)
        undo.callback(logging.disable, logging.root.manager.disable)
        undo.enter_context(warnings.catch_warnings())
        if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:  # TensorFlow reads it when it is loaded
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
            undo.callback(os.environ.pop, "TF_CPP_MIN_LOG_LEVEL", None)
        _flush()
        os.dup2(nowhere.fileno(), 2)
        logging.disable(max(logging.ERROR, logging.root.manager.disable))
        warnings.simplefilter("ignore")
        return terminal


def _flush() -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


_diversion = _Diversion()

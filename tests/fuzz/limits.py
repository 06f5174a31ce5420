"""How long a case may take, and how much memory: of the process itself, whatever others do."""

from __future__ import annotations

import contextlib
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 1.0
MEBIBYTES = 200
# Where the interpreter never gets to look at signals the kernel ends the process, some time later.
_SECONDS_UNTIL_KILLED = 20


class TooSlow(BaseException):
    """A case took more than `SECONDS` of processor time. No `except Exception` can swallow it."""


def limit_memory() -> None:
    """Let this process have `MEBIBYTES` more address space than now, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (MEBIBYTES << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


@contextlib.contextmanager
def limited_time() -> Iterator[None]:
    """Raise `TooSlow` in a block that takes more than `SECONDS` of processor time."""
    start = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(start) + _SECONDS_UNTIL_KILLED, hard))
    previous = signal.signal(signal.SIGPROF, _raise)
    # Again and again, as one that is raised while something is being deleted gets lost.
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
    if time.process_time() - start > SECONDS:
        raise TooSlow


def _raise(number: int, frame: object) -> None:
    raise TooSlow

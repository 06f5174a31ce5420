"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from _thread import get_ident

from tfq.errors import ArgumentError, Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfq.format.source import Source

_CHUNK_BYTES = 1 << 24


def check_place(path: str | os.PathLike[str]) -> str:
    """Check that a file could be written, before the work that makes it.

    Args:
        path: Where the file shall stand.

    Returns:
        The path that will be opened: with its links followed, unless it is a device or a pipe.

    Raises:
        ArgumentError: If the path is empty or that of a directory, or its directory does not exist
            or cannot be written to.
    """
    shown = os.fspath(path)
    if not shown:
        raise ArgumentError("expected the path of a file to write, got an empty one")
    if os.path.isdir(shown):  # noqa: PTH112
        raise ArgumentError(f"{shown}: cannot be written: it is a directory")
    if _is_stream(shown):
        return shown
    target = os.path.realpath(shown)
    directory = os.path.dirname(target)  # noqa: PTH120
    if not os.path.isdir(directory):  # noqa: PTH112
        raise ArgumentError(f"{shown}: cannot be written: there is no directory {directory}")
    if not os.access(directory, os.W_OK):
        raise ArgumentError(f"{shown}: cannot be written: no permission to write to {directory}")
    return target


def check_apart(
    written: Mapping[str, str | os.PathLike[str] | None], read: Mapping[str, object]
) -> None:
    """Check that no file that will be written stands where another is, or one that is read.

    Args:
        written: By the name of an argument, where a file will be written; None for nowhere.
        read: Likewise, what is read; what is no path does not count.

    Raises:
        ArgumentError: If two are the same file, by whatever name.
    """
    seen: dict[str, str] = {}
    for name, path in (*read.items(), *written.items()):
        if not isinstance(path, (str, os.PathLike)) or _is_stream(os.fspath(path)):
            continue
        place = os.path.realpath(path)
        if name in written and place in seen:
            raise ArgumentError(
                f"{name}: expected another file than that of {seen[place]}, got {os.fspath(path)}"
            )
        seen[place] = name


def write_whole(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file beside its place and rename it, so that nobody ever sees a part of it.

    Args:
        path: Where the file shall stand. What stood there is replaced; a link is followed.
        chunks: The content, in order.

    Raises:
        ArgumentError: If `check_place` refuses the path.
        Error: If the file cannot be written; what stood there before still does.
    """
    shown = os.fspath(path)
    beside = target = check_place(path)
    if not _is_stream(shown):
        # Each thread of each process has a name of its own, whatever the length of the target's.
        name = f".tfq-{os.getpid()}-{get_ident()}.tmp"
        beside = os.path.join(os.path.dirname(target), name)  # noqa: PTH118, PTH120
    try:
        _write(beside, target, chunks)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Error(f"{shown}: cannot be written: {reason}") from None


def _is_stream(path: str) -> bool:
    """Whether it is a device or a pipe, such as /dev/stdout: there is nothing to rename."""
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113


def source_chunks(source: Source) -> Iterable[memoryview]:
    """Return the bytes of a model in pieces, so that a large one is never in memory as a whole."""
    for start in range(0, source.size, _CHUNK_BYTES):
        yield source.view(start, min(start + _CHUNK_BYTES, source.size))


def _write(beside: str, target: str, chunks: Iterable[bytes | memoryview]) -> None:
    try:
        with open(beside, "wb") as file:  # noqa: PTH123
            file.writelines(chunks)
            if beside != target and os.path.exists(target):  # noqa: PTH110
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(target).st_mode))  # noqa: PTH116
        if beside != target:
            os.replace(beside, target)  # noqa: PTH105
    except BaseException:
        if beside != target and os.path.exists(beside):  # noqa: PTH110
            os.unlink(beside)  # noqa: PTH108
        raise

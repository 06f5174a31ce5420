"""Whether two files hold the same, beyond what a comparison of models lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.errors import Error
from tfq.format import write

if TYPE_CHECKING:
    from tfq.format import Source
    from tfq.model import Model

_CHUNK = 1 << 20


def sameness(first: Model, second: Model) -> str:
    """Say how far two files are the same.

    A file that tfq writes anew keeps all that was in it, and depends on nothing else: two files of
    which the same comes out differ only in how their bytes were laid out.

    Args:
        first: One model.
        second: The other.

    Returns:
        `"same"` if every byte is; `"same_content"` if the bytes are only laid out otherwise;
        `"differ_unlisted"` if a file holds what the other does not, whether or not it matters.
    """
    if _same_bytes(first, second):
        return "same"
    try:
        alike = _fingerprint(first) == _fingerprint(second)
    except Error:
        # What cannot be written anew, such as tables that share more than a file can hold.
        alike = False
    return "same_content" if alike else "differ_unlisted"


def equal(a: memoryview, b: memoryview, *sources: Source) -> bool:
    """Compare bytes in pieces, so that no copy of the whole is made.

    Args:
        a: Some bytes.
        b: Others.
        sources: The files that they stand in, which need not stay in memory.
    """
    if len(a) != len(b):
        return False
    for at in range(0, len(a), _CHUNK):
        # Comparing memoryviews goes value by value; of bytes it is fast.
        if a[at : at + _CHUNK].tobytes() != b[at : at + _CHUNK].tobytes():
            return False
        for source in sources:
            source.step(at)
    return True


def _same_bytes(first: Model, second: Model) -> bool:
    a, b = first.table.source, second.table.source
    return equal(a.view(0, a.size), b.view(0, b.size), a, b)


def _fingerprint(model: Model) -> bytes:
    """A hash of the file as tfq writes it, which is never in memory as a whole."""
    import hashlib

    digest = hashlib.sha256()
    done = 0
    for content in write(model.table):
        for at in range(0, len(content), _CHUNK):
            piece = content[at : at + _CHUNK]
            digest.update(piece)
            done += len(piece)
            model.table.source.step(done)
    return digest.digest()

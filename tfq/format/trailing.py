"""What tools append to a model: labels and other files as a ZIP archive, or anything else."""

from __future__ import annotations

import struct

from tfq.format.extents import extents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.format.source import Source

_CHUNK_BYTES = 1 << 16
_ALIGNMENT = 64
# The ZIP format (PKWARE APPNOTE 6.3.10, 4.3.12 and 4.3.16): signature, size, and where in it are
# what is needed here.
_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 0xFFFF
_ENTRY = b"PK\x01\x02"
_ENTRY_BYTES = 46
_ENTRY_LENGTHS = struct.Struct("<HHH")  # of name, extra field and comment, at byte 28
_ENTRY_POSITION = 42
_U32 = struct.Struct("<I")
_LARGEST_POSITION = 0xFFFFFFFE


def trailing(source: Source, end: int) -> list[bytes | memoryview]:
    """Return what stands behind a model, for a file in which the model ends somewhere else.

    Args:
        source: The file of the model.
        end: Where the model ends in the new file.

    Returns:
        The bytes from `end` on, in pieces: nothing, if only padding stands there. The positions in
        a ZIP archive are corrected if they count from the beginning of the file; there are archives
        in which they do not, and readers that take both.
    """
    # Of one file several are made.
    source.end = source.end or max(stop for _, stop, _ in extents(source))
    start = source.end
    rest = source.view(start, source.size)
    if not _says_something(rest):
        return []
    # Others than ZIP may be used where they stand.
    gap = (start - end) % _ALIGNMENT
    return [bytes(gap), *_moved(rest, start, end + gap - start)]


def _says_something(rest: memoryview) -> bool:
    chunks = (rest[at : at + _CHUNK_BYTES] for at in range(0, len(rest), _CHUNK_BYTES))
    return any(any(chunk) for chunk in chunks)


def _moved(rest: memoryview, start: int, shift: int) -> list[bytes | memoryview]:
    """Return the bytes that stood at `start`, the positions of a ZIP archive moved by `shift`."""
    first = max(0, len(rest) - _LONGEST_COMMENT - _END_BYTES)
    end = bytes(rest[first:]).rfind(_END)
    if end < 0 or first + end + _END_BYTES > len(rest) or shift == 0:
        return [rest]
    end += first
    size, position = struct.unpack_from("<II", rest, end + 12)
    directory = end - size
    # Positions that count from elsewhere, or have 64 bits, are right wherever the archive is.
    if directory < 0 or start + directory != position:
        return [rest]
    changed = bytearray(rest[directory:])
    places = [*_entry_positions(changed, size), size + 16]
    moved = [_U32.unpack_from(changed, at)[0] + shift for at in places]
    if not all(0 <= value <= _LARGEST_POSITION for value in moved):
        return [rest]
    for at, value in zip(places, moved, strict=True):
        _U32.pack_into(changed, at, value)
    return [rest[:directory], bytes(changed)]


def _entry_positions(directory: bytearray, size: int) -> Iterator[int]:
    """Find where the entries of a ZIP directory state their files' positions."""
    at = 0
    while at + _ENTRY_BYTES <= size and directory.startswith(_ENTRY, at):
        yield at + _ENTRY_POSITION
        at += _ENTRY_BYTES + sum(_ENTRY_LENGTHS.unpack_from(directory, at + 28))

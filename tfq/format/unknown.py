"""What a newer LiteRT wrote into a file, and how to write it again without knowing what it is.

A vtable says where a field stands, not what it is: four bytes may be a number or an offset. The
file itself tells. Whatever an offset leads to has a place of its own, so:

1. An offset leads to where something that the schema knows begins, or into a gap between all that
   it knows; from the gap on, what stands there must make sense as a table, as a vector of offsets,
   or as a string or vector that fits into the gap.
2. All else is a number, and its bytes are kept.

A number that looks like an offset into a gap with sensible content would be taken for one. Gaps in
files of today are padding: a few zeros, which make no sense as anything.
"""

from __future__ import annotations

import bisect
import struct

from tfq.format.extents import extents
from tfq.format.parts import BYTES_ALIGNMENT, Part
from tfq.format.schema import OFFSET_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.format.source import Source
    from tfq.format.table import Table

_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from
_TWO_U16 = struct.Struct("<HH").unpack_from
_VTABLE_HEADER_BYTES = 4
# Tables of an unknown kind inside each other; a file of today has none at all.
_DEEPEST = 16
_LONGEST_PADDING = 4096


class Foreign:
    """A table of a kind that the schema does not know.

    Attributes:
        parts: Its fields.
        key: The same for all references to it.
    """

    __slots__ = ("key", "parts")

    def __init__(self, parts: list[Part], key: object) -> None:
        """Hold the fields of the table."""
        self.parts = parts
        self.key = key


class Blob:
    """A string, or a vector of numbers of unknown width, with its length.

    Attributes:
        content: Its bytes; what follows it in its gap may be among them.
        remainder: Its position in the file, modulo the alignment that it may need.
        key: The same for all references to it.
    """

    __slots__ = ("content", "key", "remainder")

    def __init__(self, content: memoryview, position: int, key: object) -> None:
        """Hold the bytes that stood at `position`."""
        self.content = content
        self.remainder = position % BYTES_ALIGNMENT
        self.key = key


class Unknown:
    """The parts of one file that the schema does not know."""

    def __init__(self, source: Source) -> None:
        """Look at what the schema knows of a verified file: the rest are gaps."""
        self.source = source
        self.data = source.data
        self.known = extents(source)
        self.starts = [start for start, _, _ in self.known]
        self.found: dict[int, object] = {}

    def parts(self, table: Table) -> Iterator[Part]:
        """Return the fields of a table that the schema does not know."""
        for slot, at, room in table.layout.unknown:
            room = min(room, self.source.size - table.position - at)
            if room > 0:
                yield self._part(slot, table.position + at, room, 0)

    def member(self, table: Table, slot: int) -> object:
        """Return what a union holds whose member the schema does not know; None for nothing."""
        name = next(name for name, field in table.schema.fields.items() if field.slot == slot)
        position = table.target(name)
        # Without a tag a union holds nothing, and nobody has checked where it leads.
        if position + OFFSET_BYTES > self.source.size:
            return None
        return self._object(position, 0) or self._blob(position, self._gap_end(position))

    def _part(self, slot: int, position: int, room: int, depth: int) -> Part:
        if room >= OFFSET_BYTES and position % OFFSET_BYTES == 0:
            step = _U32(self.data, position)[0]
            target = position + step
            if step >= OFFSET_BYTES and target % OFFSET_BYTES == 0:
                value = self._object(target, depth)
                if value is not None:
                    return Part(slot, OFFSET_BYTES, value)
        return Part(slot, room, self.source.view(position, position + room))

    def _object(self, target: int, depth: int) -> object:
        """Return what begins at a position, or None if nothing does."""
        if target + OFFSET_BYTES > self.source.size or depth > _DEEPEST:
            return None
        if target in self.found:
            return self.found[target]
        found = self.found[target] = self._begins(target, depth)
        return found

    def _begins(self, target: int, depth: int) -> object:
        index = bisect.bisect_right(self.starts, target) - 1
        start, end, known = self.known[index]
        if start == target and known is not None:
            return known
        if target < end:
            return None
        return self._table(target, depth) or self._offsets(target, depth) or self._leaf(target)

    def _gap(self, position: int) -> memoryview:
        """Return the gap around a position."""
        start = self.known[bisect.bisect_right(self.starts, position) - 1][1]
        return self.source.view(start, self._gap_end(position))

    def _gap_end(self, position: int) -> int:
        """Return where the gap around a position ends."""
        index = bisect.bisect_right(self.starts, position)
        return self.starts[index] if index < len(self.starts) else self.source.size

    def _table(self, target: int, depth: int) -> Foreign | None:
        size = self.source.size
        vtable = target - _I32(self.data, target)[0]
        if not 0 <= vtable <= size - _VTABLE_HEADER_BYTES:
            return None
        length, width = _TWO_U16(self.data, vtable)
        if length < _VTABLE_HEADER_BYTES or length % 2 or width < OFFSET_BYTES:
            return None
        if vtable + length > size or target + width > self._gap_end(target):
            return None
        entries = struct.unpack_from(f"<{length // 2}H", self.data, vtable)[2:]
        if any(at and not OFFSET_BYTES <= at < width for at in entries):
            return None
        parts = []
        for index, at in enumerate(entries):
            if at:
                room = min(end - at for end in (*entries, width) if end > at)
                slot = _VTABLE_HEADER_BYTES + 2 * index
                parts.append(self._part(slot, target + at, room, depth + 1))
        return Foreign(parts, (self.source, target))

    def _offsets(self, target: int, depth: int) -> list[object] | None:
        """Return the elements of a vector of offsets."""
        count = _U32(self.data, target)[0]
        first = target + OFFSET_BYTES
        if not 0 < count <= (self._gap_end(target) - first) // OFFSET_BYTES:
            return None
        elements = []
        for position in range(first, first + OFFSET_BYTES * count, OFFSET_BYTES):
            step = _U32(self.data, position)[0]
            if step < OFFSET_BYTES or step % OFFSET_BYTES:
                return None
            element = self._object(position + step, depth + 1)
            if element is None or isinstance(element, list):
                return None
            elements.append(element)
        return elements

    def _leaf(self, target: int) -> Blob | None:
        """Return a string or vector of numbers; one without elements looks like padding."""
        count = _U32(self.data, target)[0]
        end = self._gap_end(target)
        if target + OFFSET_BYTES + count > end:
            return None
        if count == 0 and not any(self._gap(target)[:_LONGEST_PADDING]):
            return None
        return self._blob(target, end)

    def _blob(self, target: int, end: int) -> Blob:
        # Behind the last that is known comes what tools appended: no element has over 8 bytes.
        longest = OFFSET_BYTES + 8 * _U32(self.data, target)[0] + 1
        end = min(end, target + longest)
        return Blob(self.source.view(target, end), target, (self.source, target))

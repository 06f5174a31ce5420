"""From tables to the bytes of a file.

A flatbuffer's offsets only lead forwards, so the file is made from its end to its beginning: what a
table points at is there before the table is. Weights are never copied: they are views on the file
that they came from until somebody writes them.

What tfq does not understand is kept: fields that the schema does not know (see `unknown`), and
what stands behind the model (see `trailing`).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tfq.errors import Error
from tfq.format.buffers import OUTSIDE, outside_range
from tfq.format.draft import Draft
from tfq.format.parts import BYTES_ALIGNMENT, Part, Vector
from tfq.format.schema import OFFSET_BYTES, tflite
from tfq.format.table import Table
from tfq.format.trailing import trailing
from tfq.format.unknown import Blob, Foreign, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.format.schema import Field
    from tfq.format.source import Source

    Chunk = bytes | bytearray | memoryview

# FlatBuffers' own limit for a file: offsets have 32 bits, but runtimes hold them in signed ones.
_LARGEST_FLATBUFFER = (1 << 31) - 1
_LARGEST_TABLE = (1 << 16) - 1
# Behind the flatbuffer data stand where LiteRT can use them without a copy (its host memory is
# aligned so), or as they stood before.
_OUTSIDE_ALIGNMENT = 64
_LARGEST_ALIGNMENT = 4096
# LiteRT's converter marks models of that kind with it, and its tools look for it.
_OUTSIDE_MARK = ("buffer_location", b"outside flatbuffers")


def write(model: Table | Draft) -> list[Chunk]:
    """Write a model.

    Args:
        model: The root table, of a file or a draft.

    Returns:
        The bytes of the file in pieces. Some are views on the file that the model was read from,
        which therefore must not be changed before they are written.

    Raises:
        ValueError: If a field was set to what its type cannot hold, or this is no root table.
        Error: If the structure alone takes more than a flatbuffer can have.
    """
    if model.schema.name != tflite().root:
        raise ValueError(f"expected a {tflite().root}, got a {model.schema.name}")
    inside = _Writer(model, outside=False)
    if inside.fits:
        return inside.chunks()
    # Too large for one flatbuffer: weights go behind it, as LiteRT's converter does it.
    root = model if isinstance(model, Draft) else Draft.of(model)
    mark(root)
    outside = _Writer(root, outside=True)
    if not outside.fits:
        raise Error(f"the model without its weights takes {outside.size} bytes, more than 2 GB")
    return outside.chunks()


def mark(root: Draft) -> None:
    """Say in the metadata that data stand outside of the flatbuffer, if it is not said yet."""
    name, text = _OUTSIDE_MARK
    metadata = root["metadata"] or []
    if all(entry["name"] != name for entry in metadata):
        buffers = root["buffers"] or []
        root["buffers"] = [*buffers, Draft("Buffer", data=text)]
        root["metadata"] = [*metadata, Draft("Metadata", name=name, buffer=len(buffers))]


class _Outside(NamedTuple):
    """Data whose position in the file a field of eight bytes states."""

    content: Chunk
    alignment: int
    key: object


class _Writer:
    """One file in the making.

    A place is the distance from the end of the flatbuffer, as its size is not known before it is
    complete.
    """

    def __init__(self, root: Table | Draft, *, outside: bool) -> None:
        self.source = _source(root)
        self.outside = outside
        self.pieces: list[Chunk] = []
        self.size = 0
        self.placed: dict[object, int] = {}
        self.vtables: dict[bytes, int] = {}
        self.unknown: dict[Source, Unknown] = {}
        # (table, where in it the position stands, what stands there)
        self.behind: list[tuple[bytearray, int, _Outside]] = []
        place = self.table(root)
        # The header: the root's offset and the identifier. All alignment counts from here.
        alignment = _OUTSIDE_ALIGNMENT if self.behind else BYTES_ALIGNMENT
        self.align(alignment, 2 * OFFSET_BYTES)
        self.put(tflite().identifier)
        self.put(struct.pack("<I", self.size + OFFSET_BYTES - place))

    @property
    def fits(self) -> bool:
        return self.size <= _LARGEST_FLATBUFFER

    def chunks(self) -> list[Chunk]:
        """Return the whole file."""
        chunks = self.pieces[::-1]
        end = self.size
        positions: dict[object, int] = {}
        for table, at, (content, alignment, key) in self.behind:
            if key not in positions:
                gap = -end % alignment
                chunks += [bytes(gap), content]
                positions[key] = end + gap
                end += gap + len(content)
            struct.pack_into("<Q", table, at, positions[key])
        if self.source is not None:
            chunks += trailing(self.source, end)
        return chunks

    def put(self, content: Chunk) -> int:
        """Put content before all that is there, and return its place."""
        self.pieces.append(content)
        self.size += len(content)
        return self.size

    def align(self, alignment: int, coming: int) -> None:
        """Pad so that the beginning of what comes, of that many bytes, is aligned."""
        if gap := -(self.size + coming) % alignment:
            self.put(bytes(gap))

    def child(self, value: object) -> int:
        """Return the place of what a field points at, written now if it is not yet."""
        if isinstance(value, list | tuple):
            return self.references([self.child(each) for each in reversed(value)][::-1])
        key = _key(value)
        if key is None:
            return self.new(value)
        if key not in self.placed:
            self.placed[key] = self.new(value)
        return self.placed[key]

    def new(self, value: object) -> int:
        """Write what a field points at."""
        if isinstance(value, Vector):
            return self.vector(value)
        if isinstance(value, Blob):
            self.align(BYTES_ALIGNMENT, len(value.content) + value.remainder)
            return self.put(value.content)
        return self.table(value)  # type: ignore[arg-type]

    def vector(self, vector: Vector) -> int:
        self.align(vector.alignment, len(vector.content))
        self.put(vector.content)
        return self.put(struct.pack("<I", vector.count))

    def references(self, places: list[int]) -> int:
        """Write a vector of offsets."""
        self.align(OFFSET_BYTES, 0)
        first = self.size + OFFSET_BYTES * len(places)
        steps = [first - OFFSET_BYTES * index - place for index, place in enumerate(places)]
        return self.put(struct.pack(f"<{len(places) + 1}I", len(places), *steps))

    def table(self, node: Table | Draft | Foreign) -> int:
        """Write a table: what it points at, itself, and its vtable if there is none like it."""
        parts = sorted(self.parts(node), key=lambda part: part.slot, reverse=True)
        children = {
            part.slot: self.child(part.value)
            for part in parts
            if not isinstance(part.value, bytes | memoryview | _Outside)
        }
        # The widest first, so that there are few gaps.
        parts.sort(key=lambda part: part.width, reverse=True)
        size = OFFSET_BYTES
        at = {}
        for part in parts:
            size += -size % _alignment(part.width)
            at[part.slot] = size
            size += part.width
        widest = _alignment(parts[0].width) if parts else 0
        self.align(max(widest, OFFSET_BYTES), size)
        place = self.size + size
        content = bytearray(size)
        for part in parts:
            start = at[part.slot]
            if part.slot in children:
                struct.pack_into("<I", content, start, place - start - children[part.slot])
            elif isinstance(part.value, _Outside):
                self.behind.append((content, start, part.value))
            else:
                content[start : start + part.width] = part.value  # type: ignore[call-overload]
        vtable = _vtable(at, size)
        struct.pack_into("<i", content, 0, self.vtables.get(vtable, place + len(vtable)) - place)
        self.put(content)
        if vtable not in self.vtables:
            self.vtables[vtable] = self.put(vtable)
        return place

    def parts(self, node: Table | Draft | Foreign) -> Iterator[Part]:
        """Return the fields of a table: those that the schema knows, and the others."""
        if isinstance(node, Foreign):
            yield from node.parts
            return
        parts = list(node.parts())
        if (names := OUTSIDE.get(node.schema.name)) is not None:
            parts = self.with_data(node, parts, *(node.schema.fields[name] for name in names))
        table = node.table if isinstance(node, Draft) else node
        for part in parts:
            if part.value is not None:
                yield part
            elif table is not None:
                # A union's member that the schema does not know.
                member = self.unknown_in(table).member(table, part.slot)
                if member is not None:
                    yield part._replace(value=member)
        if table is not None and table.layout.unknown:
            yield from self.unknown_in(table).parts(table)

    def unknown_in(self, table: Table) -> Unknown:
        source = table.source
        if source not in self.unknown:
            self.unknown[source] = Unknown(source)
        return self.unknown[source]

    def with_data(
        self, node: Table | Draft, parts: list[Part], content: Field, offset: Field, size: Field
    ) -> list[Part]:
        """Return the parts of a buffer or an operator with its data where they belong."""
        inside = next((part.value for part in parts if part.slot == content.slot), None)
        span = outside_range(node, content.name, offset.name, size.name)
        source = _source(node)
        if isinstance(node, Draft) and node.removes(content.name):
            span = None
            parts = [part for part in parts if part.slot not in (offset.slot, size.slot)]
        if span is not None and source is not None:
            data: Chunk = source.view(*span)
            key: object = (source, *span)
            alignment = min(max(span[0] & -span[0], _OUTSIDE_ALIGNMENT), _LARGEST_ALIGNMENT)
        elif isinstance(inside, Vector) and inside.count and self.outside:
            data, key, alignment = inside.content, inside.key or object(), _OUTSIDE_ALIGNMENT
        elif isinstance(inside, Vector) and isinstance(node, Draft):
            # Where data were set, a position from before means nothing any more.
            return [part for part in parts if part.slot not in (offset.slot, size.slot)]
        else:
            return parts
        kept = [part for part in parts if part.slot not in (content.slot, offset.slot, size.slot)]
        return [
            *kept,
            Part(size.slot, size.width, struct.pack("<Q", len(data))),
            Part(offset.slot, offset.width, _Outside(data, alignment, key)),
        ]


def _key(value: object) -> object:
    """Return what is the same for all references to one thing that is written once; or None.

    Those are data, and what the schema does not know. All else is written for each reference: the
    reader charges every reference to the size of the file, and must be able to read what is written
    from what it has read.
    """
    if isinstance(value, Vector):
        return value.key if value.alignment == BYTES_ALIGNMENT else None
    return value.key if isinstance(value, Blob | Foreign) else None


def _source(node: Table | Draft) -> Source | None:
    table = node.table if isinstance(node, Draft) else node
    return table.source if table is not None else None


def _alignment(width: int) -> int:
    """Return the alignment of a field: its width, for a number; structures have at most eight."""
    return width & -width if width < 8 else 8


def _vtable(at: dict[int, int], size: int) -> bytes:
    """Make a vtable from the distances of the fields by their slots."""
    end = max(at, default=OFFSET_BYTES - 2) + 2
    if max(end, size) > _LARGEST_TABLE:
        raise Error(f"a table takes {size} bytes, more than the {_LARGEST_TABLE} of the format")
    entries = [at.get(slot, 0) for slot in range(OFFSET_BYTES, end, 2)]
    return struct.pack(f"<{2 + len(entries)}H", end, size, *entries)

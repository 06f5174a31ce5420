"""Checks that every offset, vtable, length and union of a file stays inside the file.

The walk visits what the schema knows and nothing else; weights are not touched. It ends, whatever
the file says:

1. The schema has no table that contains itself, so the walk is never deeper than the schema.
2. Tables may share what they point at, so a small file could unfold into a huge one. Each visit is
   therefore charged to a budget in proportion to the file's size, which no file whose tables have
   a place of their own comes near.
"""

from __future__ import annotations

import struct

from tfq.format.layout import OFFSET_TO_VTABLE_BYTES, read_layout
from tfq.format.malformed import Malformed, element
from tfq.format.schema import tflite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format.schema import Field, TableSchema
    from tfq.format.source import Source

_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from
_LENGTH_BYTES = 4

# A table takes at least twelve bytes: itself, its entry in a vtable, and what points at it.
_TABLE_CHARGE = 8
# Decoding text costs next to nothing, and names are shared by right.
_BYTES_PER_TEXT_CHARGE = 8
_BUDGET_PER_BYTE = 2
_BUDGET_FLOOR = 1024


def verify(source: Source) -> None:
    """Check the structure of a file.

    Args:
        source: The file. Its `layouts` and `root` are filled on the way.

    Raises:
        InvalidModelError: At the first thing that is wrong; the message says where it is.
    """
    walk = _Walk(source)
    try:
        source.root = walk.target(0)
        walk.table(tflite().table(tflite().root), source.root)
    except Malformed as error:
        raise error.as_error(source.name) from None


class _Walk:
    """One pass over a file: the state is the budget that is left."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data = source.data
        self.size = source.size
        self.layouts = source.layouts
        self.budget = _BUDGET_FLOOR + _BUDGET_PER_BYTE * source.size
        self.schema = tflite()

    def table(self, schema: TableSchema, position: int) -> None:
        """Check the table at `position` (with at least four bytes left) and all it points at."""
        vtable = position - _I32(self.data, position)[0]
        layout = self.layouts.get((schema.name, vtable))
        if layout is None:
            layout = read_layout(self.source, schema, vtable)
            self.layouts[schema.name, vtable] = layout
            self.charge(layout.length)
        if position + layout.extent > self.size:
            raise Malformed(self._past_the_end(f"{schema.name} at byte {position}", layout.extent))
        self.charge(_TABLE_CHARGE)
        try:
            for distance, field, tag in layout.references:
                target = self.target(position + distance)
                if field.kind == "table":
                    self.table(self.schema.table(field.type), target)
                elif field.kind == "tables":
                    self.tables(field, target)
                elif field.kind != "union":
                    self.vector(field, target)
                elif member := self.schema.union(field.type).get(self.data[position + tag]):
                    self.table(member, target)
        except Malformed as error:
            # A vector of tables names its elements itself.
            if field.kind != "tables" or not error.places:
                error.within(field.name)
            raise

    def tables(self, field: Field, position: int) -> None:
        """Check a vector of tables."""
        count = self.length(field, position)
        schema = self.schema.table(field.type)
        index = 0
        try:
            for index in range(count):
                target = self.target(position + _LENGTH_BYTES + 4 * index)
                self.table(schema, target)
                self.source.step(target)
        except Malformed as error:
            raise error.within(element(field.name, index)) from None

    def vector(self, field: Field, position: int) -> None:
        """Check a string or a vector of scalars."""
        count = self.length(field, position)
        if field.kind == "scalars":
            self.charge(count)
        elif field.kind == "bytes" and field.name != "data":
            # Options are decoded, which costs in proportion to their size; weights are not.
            self.charge(count)
        elif field.kind == "string":
            self.charge(count // _BYTES_PER_TEXT_CHARGE)

    def length(self, field: Field, position: int) -> int:
        """Return the length of the vector at `position`, which must fit into the file."""
        count: int = _U32(self.data, position)[0]
        width = 1 if field.kind == "string" else field.width
        if position + _LENGTH_BYTES + count * width > self.size:
            what = f"a vector of {count} {field.type} at byte {position}"
            raise Malformed(self._past_the_end(what, _LENGTH_BYTES + count * width))
        return count

    def target(self, position: int) -> int:
        """Return where the offset at `position` points: four bytes at least are there to read."""
        if position + _LENGTH_BYTES > self.size:
            raise Malformed(self._past_the_end(f"an offset at byte {position}", _LENGTH_BYTES))
        step: int = _U32(self.data, position)[0]
        target = position + step
        if step < OFFSET_TO_VTABLE_BYTES:
            raise Malformed(f"the offset at byte {position} is {step}: it points at itself")
        if target + _LENGTH_BYTES > self.size:
            raise Malformed(
                f"the offset at byte {position} points at byte {target}, but the file ends at byte"
                f" {self.size} (cut off?)"
            )
        return target

    def charge(self, cost: int) -> None:
        """Take `cost` from the budget."""
        self.budget -= cost
        if self.budget < 0:
            raise Malformed(
                f"its tables overlap: they hold more than fits into a file of {self.size} bytes"
            )

    def _past_the_end(self, what: str, length: int) -> str:
        return f"{what} needs {length} bytes, but the file ends at byte {self.size} (cut off?)"

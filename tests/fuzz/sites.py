"""Where the offsets, lengths, tags and numbers of a model stand, so that a mutation can hit them.

This reads bytes by the schema alone and not by tfq's reader, which is what the mutations try.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tfq.format import Field, TableSchema, tflite

# Of a vector of numbers or of bytes; the rest of the weights is no different.
_MOST_ELEMENTS = 32


class Site(NamedTuple):
    """One number of a file that means something.

    Attributes:
        position: Its first byte.
        letter: Its type, as in the `struct` module.
        what: The field it belongs to, and for an offset the table's name or the type it leads to.
        target: For an offset, the byte it leads to; else 0.
    """

    position: int
    letter: str
    what: str
    target: int = 0


class Sites:
    """All numbers of one intact model, by what they mean.

    Attributes:
        tables: The distance from a table to its vtable, at the table's start.
        entries: Entries of vtables: their own lengths, and where a field stands.
        offsets: Offsets to tables, strings and vectors, also those inside vectors.
        lengths: Lengths of strings and vectors.
        tags: Which member a union holds.
        numbers: Scalars, and elements of vectors of scalars: types, indices, shapes, scales.
        to_tables: Of `offsets` those that lead to a table of the kind `what`, the root first.
        to_vectors: Of `offsets` those that lead to a vector of such tables.
    """

    def __init__(self, content: bytes) -> None:
        """Find them in a model that is in order."""
        self.tables: list[Site] = []
        self.entries: list[Site] = []
        self.offsets: list[Site] = []
        self.lengths: list[Site] = []
        self.tags: list[Site] = []
        self.numbers: list[Site] = []
        self.to_tables: list[Site] = []
        self.to_vectors: list[Site] = []
        self._content = content
        self._seen: set[tuple[str, int]] = set()
        self._table_at(0, tflite().table(tflite().root))

    def _number(self, letter: str, position: int) -> int:
        value: int = struct.unpack_from("<" + letter, self._content, position)[0]
        return value

    def _table_at(self, offset: int, schema: TableSchema) -> None:
        """Note the table that the offset at the byte `offset` leads to, and all below it."""
        table = self._offset(offset, schema.name)
        self.to_tables.append(self.offsets[-1])
        if (schema.name, table) in self._seen:
            return
        self._seen.add((schema.name, table))
        self.tables.append(Site(table, "i", schema.name))
        vtable = table - self._number("i", table)
        length = self._number("H", vtable)
        self.entries += [Site(vtable, "H", "length"), Site(vtable + 2, "H", "size")]
        for field in schema.fields.values():
            distance = self._number("H", vtable + field.slot) if field.slot < length else 0
            if distance:
                self.entries.append(Site(vtable + field.slot, "H", field.name))
                self._field(field, table + distance, schema, table, vtable)

    def _field(
        self, field: Field, position: int, schema: TableSchema, table: int, vtable: int
    ) -> None:
        if field.kind == "scalar":
            is_tag = field.name.removesuffix("_type") in schema.fields.keys() - {field.name}
            (self.tags if is_tag else self.numbers).append(Site(position, field.letter, field.name))
        elif field.kind == "table":
            self._table_at(position, tflite().table(field.type))
        elif field.kind == "union":
            entry = self._number("H", vtable + schema.fields[f"{field.name}_type"].slot)
            self._table_at(position, tflite().union(field.type)[self._content[table + entry]])
        else:
            self._vector(field, self._offset(position, field.type))

    def _vector(self, field: Field, vector: int) -> None:
        count = self._number("I", vector)
        self.lengths.append(Site(vector, "I", field.type))
        if field.kind == "tables":
            self.to_vectors.append(self.offsets[-1])
            for index in range(count):
                self._table_at(vector + 4 + 4 * index, tflite().table(field.type))
            return
        letter = field.letter or "B"
        for index in range(min(count, _MOST_ELEMENTS)):
            position = vector + 4 + struct.calcsize(letter) * index
            self.numbers.append(Site(position, letter, field.name))

    def _offset(self, position: int, what: str) -> int:
        target = position + self._number("I", position)
        self.offsets.append(Site(position, "I", what, target))
        return target

"""A table of a verified file: its fields by name, decoded when they are asked for."""

from __future__ import annotations

import struct

from tfq.format.parts import part
from tfq.format.schema import tflite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tfq.format.parts import Part
    from tfq.format.schema import Field, TableSchema
    from tfq.format.source import Source

_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from


class Table:
    """A view on one table. Only for files that passed `verify`: nothing is checked here again.

    `table["shape"]` gives a field's value, and the schema's default where the file has none:

    - a scalar: bool, int or float (an enumeration's value stays an integer: see
      `Schema.enum_name`);
    - a string: str; bytes that are no UTF-8 become escapes, safe to print;
    - a vector of numbers: a tuple, and of uint8: a memoryview on the file;
    - a table: a `Table`; a vector of tables: a tuple of them;
    - a union: a `Table`, or None for a member that the schema does not know;
    - None for whatever but scalars is absent.
    """

    __slots__ = ("_fields", "layout", "position", "schema", "source", "vtable")

    def __init__(self, source: Source, schema: TableSchema, position: int) -> None:
        """View the table of the given schema at the byte `position`."""
        self.source = source
        self.schema = schema
        self.position = position
        self.vtable = position - _I32(source.data, position)[0]
        self.layout = source.layouts[schema.name, self.vtable]
        self._fields = self.layout.fields

    def __getitem__(self, name: str) -> Any:
        """Return the value of the field `name`; raises KeyError if the schema has no such field."""
        entry = self._fields.get(name)
        if entry is None:
            return self.schema.fields[name].default
        distance, field = entry
        return _DECODERS[field.kind](self, field, self.position + distance)

    def __contains__(self, name: object) -> bool:
        """Say whether the file holds the field, rather than leaving it at its default."""
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        """Return the names of all fields of the schema, in the order of their ids."""
        return iter(self.schema.fields)

    def present(self) -> Iterator[Field]:
        """Return the fields that the file holds, in the order of their ids."""
        return (field for _, field in self._fields.values())

    def parts(self) -> Iterator[Part]:
        """Return the fields that the file holds as a writer takes them."""
        return (part(self, field) for field in self.present())

    def place(self, name: str) -> int:
        """Return the position of a field that the file holds: of its scalar, or of its offset."""
        return self.position + self._fields[name][0]

    def target(self, name: str) -> int:
        """Return the position that the offset in the field `name` leads to."""
        place = self.place(name)
        target: int = place + _U32(self.source.data, place)[0]
        return target

    def raw(self, name: str) -> memoryview:
        """Return the bytes of a scalar, or those of a string's or vector's elements."""
        field = self._fields[name][1]
        if field.kind == "scalar":
            place = self.place(name)
            return self.source.view(place, place + field.width)
        start, count = _vector(self, self.place(name))
        return self.source.view(
            start, start + count * (1 if field.kind == "string" else field.width)
        )

    def __repr__(self) -> str:
        """Return the table's kind and place."""
        return f"<{self.schema.name} at byte {self.position}>"


def _scalar(table: Table, field: Field, at: int) -> Any:
    return field.unpack(table.source.data, at)[0]


def _vector(table: Table, at: int) -> tuple[int, int]:
    """Return where the elements begin that the offset at `at` leads to, and how many there are."""
    data = table.source.data
    at += _U32(data, at)[0]
    return at + 4, _U32(data, at)[0]


def _scalars(table: Table, field: Field, at: int) -> tuple[Any, ...]:
    start, count = _vector(table, at)
    return struct.unpack_from(f"<{count}{field.letter}", table.source.data, start)


def _bytes(table: Table, field: Field, at: int) -> memoryview:
    start, count = _vector(table, at)
    return table.source.view(start, start + count)


def _string(table: Table, field: Field, at: int) -> str:
    start, count = _vector(table, at)
    return table.source.data[start : start + count].decode("utf-8", "backslashreplace")


def _table(table: Table, field: Field, at: int) -> Table:
    source = table.source
    return Table(source, tflite().table(field.type), at + _U32(source.data, at)[0])


def _tables(table: Table, field: Field, at: int) -> tuple[Table, ...]:
    source, schema = table.source, tflite().table(field.type)
    start, count = _vector(table, at)
    # The checks of a file and its model look at the same tables.
    if (known := source.tables.get((start, schema.name))) is not None:
        return known
    offsets = struct.unpack_from(f"<{count}I", source.data, start)
    tables = []
    for position, offset in enumerate(offsets):
        target = start + 4 * position + offset
        tables.append(Table(source, schema, target))
        source.step(target)
    found = source.tables[start, schema.name] = tuple(tables)
    return found


def _union(table: Table, field: Field, at: int) -> Table | None:
    source = table.source
    schema = tflite().union(field.type).get(table[f"{field.name}_type"])
    return Table(source, schema, at + _U32(source.data, at)[0]) if schema is not None else None


_DECODERS = {
    "bytes": _bytes,
    "scalar": _scalar,
    "scalars": _scalars,
    "string": _string,
    "table": _table,
    "tables": _tables,
    "union": _union,
}

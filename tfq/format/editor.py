"""Changes of a file where things stand: all other bytes remain as they are.

That is the gentlest way to change a model that somebody else made, and enough for new scales, zero
points and weights of the same size. Where it is not, `Draft` and `write` are.
"""

from __future__ import annotations

import struct
from collections import Counter

from tfq.errors import Error
from tfq.format.buffers import OUTSIDE, outside_range
from tfq.format.draft import as_bytes, encoded
from tfq.format.extents import references
from tfq.format.schema import OFFSET_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tfq.format.table import Table


class NotInPlace(Error):  # noqa: N818
    """A change does not fit where the old value stands; a writer can make it."""


class Editor:
    """The bytes of one model, to be changed in place.

    The tables that it is given are those of the model that was read; they go on showing what they
    showed before.
    """

    def __init__(self, model: Table) -> None:
        """Copy the file whose root table this is."""
        self._source = model.source
        self._data = bytearray(model.source.data)
        self._references: Counter[int] | None = None

    def set(self, table: Table, name: str, value: Any) -> None:
        """Change one field.

        What other tables refer to as well is never changed for all of them.

        Args:
            table: A table of the model.
            name: A field of it: a scalar, a string or a vector of scalars.
            value: What `Draft` takes. A vector may become shorter, not longer.

        Raises:
            NotInPlace: If the file leaves the field out, if the new value is longer than the old
                one, or if others refer to the same table, vector or data.
            ValueError: If the field cannot hold the value.
        """
        field = table.schema.fields[name]
        if field.kind in ("table", "tables", "union"):
            raise NotInPlace(f"{table.schema.name}.{name}: tables cannot be replaced in place")
        try:
            self._set(table, name, value)
        except (struct.error, TypeError, OverflowError) as error:
            raise ValueError(f"{name}: cannot hold {value!r:.60}: {error}") from None

    def bytes(self) -> bytes:
        """Return the file as it is now."""
        return bytes(self._data)

    def _set(self, table: Table, name: str, value: Any) -> None:
        field = table.schema.fields[name]
        self._check_shared(table, name, table.position)
        if (names := OUTSIDE.get(table.schema.name)) and name == names[0]:
            span = outside_range(table, *names)
            if span is not None:
                self._set_outside(table, span, names[2], memoryview(as_bytes(value)))
                return
        if name not in table:
            raise NotInPlace(f"{table.schema.name}.{name}: the file leaves it out")
        if field.kind == "scalar":
            struct.pack_into("<" + field.letter, self._data, table.place(name), value)
            return
        start = table.target(name)
        new, old = encoded(field, value), len(table.raw(name))
        terminator = 1 if field.kind == "string" else 0
        self._check(table, name, len(new.content) - terminator, old)
        self._check_shared(table, name, start)
        content = start + OFFSET_BYTES
        struct.pack_into("<I", self._data, start, new.count)
        self._data[content : content + old] = bytes(
            new.content[: len(new.content) - terminator]
        ).ljust(old, b"\0")

    def _set_outside(
        self, table: Table, span: tuple[int, int], size: str, value: memoryview
    ) -> None:
        start, stop = span
        self._check_shared(table, "data", start)
        self._check(table, size, len(value), stop - start)
        self._data[start : start + len(value)] = value
        if len(value) != stop - start:
            struct.pack_into("<Q", self._data, table.place(size), len(value))

    def _check(self, table: Table, name: str, new: int, old: int) -> None:
        if new > old:
            raise NotInPlace(f"{table.schema.name}.{name}: takes {new} bytes, has only {old}")

    def _check_shared(self, table: Table, name: str, position: int) -> None:
        """Refuse to change what stands at a position if more than one reference leads to it."""
        if self._references is None:
            self._references = references(self._source)
        if self._references[position] > 1:
            raise NotInPlace(f"{table.schema.name}.{name}: other tables have the same one")

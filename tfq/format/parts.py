"""What a table is made of, as a writer sees it: the bytes inside it, and what it points at.

A table of a file and a draft take the same shape here, so that the writer knows only this one.
"""

from __future__ import annotations

from typing import NamedTuple

from tfq.format.schema import OFFSET_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

    from tfq.format.schema import Field
    from tfq.format.table import Table

# Kernels read weights where they stand, and want them where vector instructions do.
BYTES_ALIGNMENT = 16


class Vector:
    """A string, or a vector of scalars.

    Attributes:
        content: Its elements as they stand in a file, without the length; a string's with the
            NUL behind it.
        count: The length that the file states.
        alignment: Of the first element, in bytes.
        key: The same for all references to one vector of a file, which is then written once.
    """

    __slots__ = ("alignment", "content", "count", "key")

    def __init__(
        self, content: bytes | memoryview, count: int, alignment: int, key: Hashable = None
    ) -> None:
        """Hold the elements; without a key nothing else refers to them."""
        self.content = content
        self.count = count
        self.alignment = alignment
        self.key = key


class Part(NamedTuple):
    """One field of a table.

    Attributes:
        slot: Where it stands in the vtable, in bytes.
        width: The bytes that it takes inside the table.
        value: Those bytes; or what the table points at: a `Vector`, a table, or a list of such.
    """

    slot: int
    width: int
    value: object


def alignment(field: Field) -> int:
    """Return how the elements of a vector of that kind are aligned, in bytes."""
    return BYTES_ALIGNMENT if field.kind == "bytes" else max(OFFSET_BYTES, field.width)


def part(table: Table, field: Field) -> Part:
    """Take one field out of a table of a file.

    Args:
        table: The table.
        field: A field that the file holds.

    Returns:
        The field. Its value is None for a union's member that the schema does not know.
    """
    if field.kind == "scalar":
        return Part(field.slot, field.width, table.raw(field.name))
    if field.kind in ("table", "tables", "union"):
        return Part(field.slot, OFFSET_BYTES, table[field.name])
    return Part(field.slot, OFFSET_BYTES, vector(table, field))


def vector(table: Table, field: Field) -> Vector:
    """Take the string or vector of scalars in a field that the file holds."""
    content = table.raw(field.name)
    key = (table.source, table.target(field.name))
    if field.kind == "string":
        return Vector(bytes(content) + b"\0", len(content), OFFSET_BYTES, key)
    return Vector(content, len(content) // field.width, alignment(field), key)

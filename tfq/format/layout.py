"""Where the fields of a table stand: what a vtable says, read and checked once.

Writers share one vtable among all tables of the same make, so a file of a thousand tables has
some dozens of vtables; what is learned here is paid once for each.
"""

from __future__ import annotations

import struct
from bisect import bisect_right

from tfq.format.malformed import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format.schema import Field, TableSchema
    from tfq.format.source import Source

_TWO_U16 = struct.Struct("<HH").unpack_from
# A vtable begins with its own length and that of its tables, a table with its distance from it.
_VTABLE_HEADER_BYTES = 4
OFFSET_TO_VTABLE_BYTES = 4
_FIRST_ENTRY = _VTABLE_HEADER_BYTES // 2


class Layout:
    """The fields that the tables of one vtable hold.

    Attributes:
        fields: Field name → (its distance from the table's start in bytes, the field).
        references: (distance, field, distance of the union's tag or 0) of each field that points
            elsewhere.
        unknown: (slot, distance, room in bytes) of each field that the schema does not know.
        extent: Bytes from the table's start to the end of its last known field.
        size: Bytes that the table takes, as the vtable says.
        length: Bytes that the vtable takes.
    """

    __slots__ = ("extent", "fields", "length", "references", "size", "unknown")

    def __init__(
        self,
        fields: dict[str, tuple[int, Field]],
        unknown: list[tuple[int, int, int]],
        size: int,
        length: int,
    ) -> None:
        """Arrange the fields that a vtable lists."""
        self.fields = fields
        self.unknown = unknown
        self.size = size
        self.length = length
        self.extent = max(
            (at + field.width for at, field in fields.values()), default=OFFSET_TO_VTABLE_BYTES
        )
        self.references = []
        for at, field in fields.values():
            if field.kind == "scalar":
                continue
            tag = 0
            if field.kind == "union":
                if f"{field.name}_type" not in fields:
                    continue
                tag = fields[f"{field.name}_type"][0]
            self.references.append((at, field, tag))


def read_layout(source: Source, schema: TableSchema, vtable: int) -> Layout:
    """Read and check the vtable at the byte `vtable` for tables of the given schema.

    Fields that the schema does not know, written by a newer LiteRT, are only listed.

    Args:
        source: The file.
        schema: What the table is.
        vtable: Position of the vtable.

    Returns:
        Its layout.

    Raises:
        Malformed: If the vtable lies outside the file or its entries make no sense.
    """
    data, size = source.data, source.size
    if not 0 <= vtable <= size - _VTABLE_HEADER_BYTES:
        raise Malformed(f"its vtable is at byte {vtable}, outside the file of {size} bytes")
    length, table_size = _TWO_U16(data, vtable)
    if length < _VTABLE_HEADER_BYTES or length % 2 or vtable + length > size:
        raise Malformed(f"its vtable at byte {vtable} has an impossible length of {length} bytes")
    entries = struct.unpack_from(f"<{length // 2}H", data, vtable)
    fields = {}
    for field in schema.fields.values():
        at = entries[field.slot // 2] if field.slot < length else 0
        if at == 0:
            continue
        if at < OFFSET_TO_VTABLE_BYTES:
            raise Malformed(f"{field.name} is said to be {at} bytes from the table's start")
        fields[field.name] = (at, field)
    known = {field.slot for _, field in fields.values()}
    borders = sorted({*entries[_FIRST_ENTRY:], table_size})
    unknown = [
        (2 * index, at, borders[min(bisect_right(borders, at), len(borders) - 1)] - at)
        for index, at in enumerate(entries)
        if index >= _FIRST_ENTRY and at >= OFFSET_TO_VTABLE_BYTES and 2 * index not in known
    ]
    return Layout(fields, unknown, table_size, length)

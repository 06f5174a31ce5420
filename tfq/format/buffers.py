"""Data that stand in the file: inside the flatbuffer, or behind it where 2 GB do not suffice."""

from __future__ import annotations

from tfq.format.schema import OFFSET_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format.draft import Draft
    from tfq.format.table import Table

# Converters write 1 before they know the offset; LiteRT takes both 0 and 1 for none.
_FIRST_REAL_OFFSET = 2

# Table → the fields for its data inside, their position outside, and their size there.
OUTSIDE = {
    "Buffer": ("data", "offset", "size"),
    "Operator": (
        "custom_options",
        "large_custom_options_offset",
        "large_custom_options_size",
    ),
}


def outside_range(
    table: Table | Draft, content: str, offset: str, size: str
) -> tuple[int, int] | None:
    """Return where the data of a table stand if they stand outside the flatbuffer.

    Args:
        table: A buffer, or an operator with custom options: see `OUTSIDE` for the fields.
        content: The field that holds data inside the flatbuffer. If it is there, it counts.
        offset: The field with the position in the file.
        size: The field with the number of bytes.

    Returns:
        Start and stop in bytes from the beginning of the file, or None.
    """
    if offset not in table or content in table or table[offset] < _FIRST_REAL_OFFSET:
        return None
    return table[offset], table[offset] + table[size]


def buffer_range(buffer: Table) -> tuple[int, int] | None:
    """Return where the data of a buffer stand if they stand outside the flatbuffer."""
    return outside_range(buffer, *OUTSIDE["Buffer"])


def options_range(operator: Table) -> tuple[int, int] | None:
    """Return where the custom options of an operator stand if not inside the flatbuffer."""
    return outside_range(operator, *OUTSIDE["Operator"])


def data_span(buffer: Table) -> tuple[int, int]:
    """Return where the data of a buffer stand, inside the flatbuffer or behind it."""
    if (span := buffer_range(buffer)) is not None:
        return span
    if "data" not in buffer:
        return 0, 0
    start = buffer.target("data") + OFFSET_BYTES
    return start, start + len(buffer.raw("data"))


def options_data(operator: Table) -> memoryview:
    """Return the custom options of an operator without a copy; empty if it has none."""
    if (span := options_range(operator)) is not None:
        return operator.source.view(*span)
    return operator["custom_options"] or memoryview(b"")

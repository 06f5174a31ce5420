"""Which bytes of a file belong to what the schema knows."""

from __future__ import annotations

from collections import Counter

from tfq.format.buffers import OUTSIDE, outside_range
from tfq.format.parts import Vector, vector
from tfq.format.schema import OFFSET_BYTES, tflite
from tfq.format.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format.source import Source

Extent = tuple[int, int, Table | Vector | None]


def extents(source: Source) -> list[Extent]:
    """List all that stands in a verified file.

    Args:
        source: The file.

    Returns:
        (start, stop, what it is) in the order of the positions; what it is only where something
        else can point at it.
    """
    return sorted(_Walk(source).found.values(), key=lambda extent: extent[0])


def references(source: Source) -> Counter[int]:
    """Count the offsets of a verified file by the position that they lead to."""
    return _Walk(source).references


class _Walk:
    """One pass over a file that visits each table once, however many offsets lead to it."""

    def __init__(self, source: Source) -> None:
        self.found: dict[int, Extent] = {0: (0, 2 * OFFSET_BYTES, None)}
        self.references: Counter[int] = Counter()
        self.table(Table(source, tflite().table(tflite().root), source.root))

    def table(self, table: Table) -> None:
        self.references[table.position] += 1
        if self.references[table.position] > 1:
            return
        layout = table.layout
        self.add(table.position, layout.size, table)
        self.add(table.vtable, layout.length, None)
        for field in table.present():
            if field.kind in ("table", "union"):
                if (child := table[field.name]) is not None:
                    self.table(child)
            elif field.kind == "tables":
                children = table[field.name]
                self.add(table.target(field.name), OFFSET_BYTES * (1 + len(children)), None)
                for child in children:
                    self.table(child)
            elif field.kind != "scalar":
                value = vector(table, field)
                start = table.target(field.name)
                self.references[start] += 1
                self.add(start, OFFSET_BYTES + len(value.content), value)
        names = OUTSIDE.get(table.schema.name)
        if names is not None and (span := outside_range(table, *names)) is not None:
            self.references[span[0]] += 1
            self.add(span[0], span[1] - span[0], None)

    def add(self, start: int, size: int, what: Table | Vector | None) -> None:
        self.found[start] = (start, start + size, what)

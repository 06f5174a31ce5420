"""Tables that can be changed, or that no file holds yet: what a writer takes."""

from __future__ import annotations

import struct

from tfq.format.parts import Part, Vector, alignment, part
from tfq.format.schema import OFFSET_BYTES, tflite
from tfq.format.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tfq.format.schema import Field, TableSchema


class Draft:
    """A table whose fields can be set; what is not set is what the file holds.

    `draft["name"] = value` takes what `draft["name"]` gives, which is what `Table` gives, except
    that tables come as drafts and vectors of tables as lists, both there to be changed:

        root = Draft.of(table)
        subgraph = root["subgraphs"][0]
        subgraph["tensors"][3]["quantization"]["scale"] = (0.5,)
        subgraph["tensors"].append(Draft("Tensor", name="new", shape=(1, 8), buffer=0))

    A scalar is a number; a string is text or bytes; a vector of numbers any sequence of them, and
    of uint8 any bytes; for a union, the draft of a member, whose tag is set with it. None removes a
    field. What the schema does not know stays with the table it was found in.
    """

    __slots__ = ("_changes", "schema", "table")

    def __init__(self, kind: str, /, **values: Any) -> None:
        """Make a new table.

        Args:
            kind: Its name in the schema, such as `"Tensor"`.
            **values: Its fields.

        Raises:
            KeyError: If the schema has no such table or field.
        """
        self.schema: TableSchema = tflite().table(kind)
        self.table: Table | None = None
        self._changes: dict[str, Any] = {}
        for name, value in values.items():
            self[name] = value

    @classmethod
    def of(cls, table: Table) -> Draft:
        """Make a draft of a table of a file, which itself never changes."""
        draft = cls(table.schema.name)
        draft.table = table
        return draft

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field, and the default of one that is absent."""
        if name in self._changes:
            value = self._changes[name]
            return self.schema.fields[name].default if value is None else value
        if self.table is None:
            return self.schema.fields[name].default
        value = self.table[name]
        if isinstance(value, Table):
            value = self._changes[name] = Draft.of(value)
        elif self.schema.fields[name].kind == "tables" and value is not None:
            value = self._changes[name] = [Draft.of(each) for each in value]
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        """Set or, with None, remove a field.

        Raises:
            KeyError: If the schema has no such field.
            ValueError: If it is a union, and the value no member of it.
        """
        field = self.schema.fields[name]
        if field.kind == "union":
            self._changes[f"{name}_type"] = _tag(field, value)
        self._changes[name] = value

    def __contains__(self, name: object) -> bool:
        """Say whether the table holds the field, rather than leaving it at its default."""
        if name in self._changes:
            return self._changes[name] is not None
        return self.table is not None and name in self.table

    def removes(self, name: str) -> bool:
        """Say whether the field was set to None."""
        return name in self._changes and self._changes[name] is None

    def __repr__(self) -> str:
        """Return the table's kind."""
        return f"<Draft of {self.schema.name}>"

    def parts(self) -> Iterator[Part]:
        """Return its fields for the writer.

        Raises:
            ValueError: If a field was set to what its type cannot hold.
        """
        for field in self.schema.fields.values():
            if field.name not in self:
                continue
            if field.name in self._changes:
                yield _part(field, self._changes[field.name])
            elif self.table is not None:
                yield part(self.table, field)


def _tag(field: Field, value: Any) -> int | None:
    if value is None:
        return None
    kind = value.schema.name if isinstance(value, Draft | Table) else type(value).__name__
    try:
        return tflite().tag(field.type, kind)
    except KeyError:
        raise ValueError(f"{field.name}: expected a member of {field.type}, got {kind}") from None


def _part(field: Field, value: Any) -> Part:
    """Turn a value that was set into what stands in a file."""
    try:
        if field.kind == "scalar":
            return Part(field.slot, field.width, struct.pack("<" + field.letter, value))
        if field.kind in ("table", "union", "tables"):
            _check_tables(field, value)
            return Part(field.slot, OFFSET_BYTES, value)
        return Part(field.slot, OFFSET_BYTES, encoded(field, value))
    except (struct.error, TypeError, OverflowError) as error:
        raise ValueError(f"{field.name}: cannot hold {value!r:.60}: {error}") from None


def as_bytes(value: Any) -> bytes | memoryview:
    """Return the bytes of an array, or of what else holds bytes; copied only where they must be."""
    if hasattr(value, "tobytes") and not isinstance(value, memoryview):
        try:
            return memoryview(value).cast("B")
        except (TypeError, ValueError):
            # Not contiguous, empty, or of a type that only its package knows.
            return bytes(value.tobytes())
    return memoryview(value).cast("B")


def _check_tables(field: Field, value: Any) -> None:
    if field.kind == "tables" and isinstance(value, Draft | Table):
        raise TypeError("expected a list of tables")
    for each in value if field.kind == "tables" else (value,):
        if not isinstance(each, Draft | Table):
            raise TypeError(f"expected tables, got {type(each).__name__}")
        if field.kind != "union" and each.schema.name != field.type:
            raise TypeError(f"expected {field.type}, got {each.schema.name}")


def encoded(field: Field, value: Any) -> Vector:
    """Turn a string or a sequence of numbers into what stands in a file.

    Raises:
        TypeError, OverflowError, struct.error: If the field cannot hold it.
    """
    if field.kind == "string":
        text = value.encode() if isinstance(value, str) else bytes(memoryview(value))
        return Vector(text + b"\0", len(text), OFFSET_BYTES)
    if field.kind == "bytes":
        content = as_bytes(value)
        return Vector(content, len(content), alignment(field))
    numbers = list(value)
    content = struct.pack(f"<{len(numbers)}{field.letter}", *numbers)
    return Vector(content, len(numbers), alignment(field))

"""What the .tflite format defines, made ready for reading: one source for all that reads bytes.

The facts stand in `schemas/tflite.json`; here they get the shape that a reader needs. A table is
compiled when it is first met: a model uses some twenty of the 150 that there are.
"""

from __future__ import annotations

import functools
import struct

# The package stands outside `tfq/` (see setup.cfg), where a type checker does not look for it.
from tfq.schemas import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Scalar type → (bytes, letter of the `struct` module).
SCALARS = {
    "bool": (1, "?"),
    "int8": (1, "b"),
    "uint8": (1, "B"),
    "int16": (2, "h"),
    "uint16": (2, "H"),
    "int32": (4, "i"),
    "uint32": (4, "I"),
    "int64": (8, "q"),
    "uint64": (8, "Q"),
    "float32": (4, "f"),
    "float64": (8, "d"),
}
OFFSET_BYTES = 4


class Field:
    """One field of a table.

    Attributes:
        name: Its name in the schema.
        kind: `scalar`, `string`, `table` or `union`; a vector is `scalars`, `tables`, or `bytes`
            if it is of uint8.
        slot: Where its offset stands in a vtable, in bytes.
        width: Bytes of the scalar, or of one element of the vector.
        letter: The `struct` letter of the scalar or the element; empty for the other kinds.
        unpack: Reads one scalar or element from a buffer at a position, into a tuple of one.
        type: The scalar's, table's or union's name, without the brackets of a vector.
        enum: The enumeration that its integers belong to, or None.
        default: What it means when the file leaves it out.
    """

    __slots__ = ("default", "enum", "kind", "letter", "name", "slot", "type", "unpack", "width")

    def __init__(self, name: str, entry: dict[str, Any], unions: dict[str, Any]) -> None:
        """Compile the entry of `tflite.json` for the field `name`."""
        self.name = name
        self.slot = 4 + 2 * entry["id"]
        self.type: str = entry["type"].strip("[]")
        self.enum: str | None = entry.get("enum")
        self.width, self.letter = SCALARS.get(self.type, (OFFSET_BYTES, ""))
        self.unpack = struct.Struct("<" + self.letter).unpack_from
        vector = entry["type"] != self.type
        if self.letter:
            self.kind = "scalar" if not vector else "bytes" if self.type == "uint8" else "scalars"
        elif self.type == "string":
            self.kind = "string"
        else:
            self.kind = "tables" if vector else "union" if self.type in unions else "table"
        zero = {"?": False, "f": 0.0, "d": 0.0}.get(self.letter, 0)
        self.default: Any = entry.get("default", zero if self.kind == "scalar" else None)

    def __repr__(self) -> str:
        """Return the field as one short line."""
        return f"<Field {self.name}: {self.kind} {self.type}>"


class TableSchema:
    """One kind of table: its name, and its fields by name."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: dict[str, Field]) -> None:
        """Make the schema of the table `name`."""
        self.name = name
        self.fields = fields

    def __repr__(self) -> str:
        """Return the table's name and the number of its fields."""
        return f"<TableSchema {self.name}: {len(self.fields)} fields>"


class Schema:
    """The whole format: tables, unions and enumerations, by name.

    Attributes:
        identifier: The four bytes at offset 4 of every file.
        root: The name of the table that a file's first offset points at.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        """Wrap the content of `tflite.json`."""
        self._facts = facts
        self._tables: dict[str, TableSchema] = {}
        self._unions: dict[str, dict[int, TableSchema]] = {}
        self._enums: dict[str, dict[int, str]] = {}
        self.identifier: bytes = facts["identifier"].encode()
        self.root: str = facts["root"]

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of all tables."""
        return tuple(self._facts["tables"])

    def table(self, name: str) -> TableSchema:
        """Return the schema of the table `name`; raises KeyError if there is none."""
        found = self._tables.get(name)
        if found is None:
            entries, unions = self._facts["tables"][name], self._facts["unions"]
            fields = {field: Field(field, entry, unions) for field, entry in entries.items()}
            found = self._tables[name] = TableSchema(name, fields)
        return found

    def union(self, name: str) -> dict[int, TableSchema]:
        """Return the members of the union `name`, by tag."""
        found = self._unions.get(name)
        if found is None:
            # Members are compiled on demand too: BuiltinOptions alone has 126.
            found = self._unions[name] = _Members(self, self._facts["unions"][name])
        return found

    def tag(self, union: str, member: str) -> int:
        """Return the tag of a union's member; raises KeyError if it has no such member."""
        tag: int = self._facts["unions"][union][member]
        return tag

    def enum_name(self, enum: str, value: int) -> str:
        """Return the name of a value of an enumeration or of a union's tag.

        Args:
            enum: Name of the enumeration, such as `"Padding"`.
            value: The integer that the file holds.

        Returns:
            Its name; for a value from the future the enumeration's name and the integer:
            `"PADDING_7"`, `"TENSOR_TYPE_40"`.
        """
        names = self._enums.get(enum)
        if names is None:
            values = self._facts["enums"].get(enum) or self._facts["unions"][enum]
            names = self._enums[enum] = {number: name for name, number in values.items()}
        return names.get(value) or f"{_UNKNOWN.get(enum, enum.upper())}_{value}"


# How the values that a newer LiteRT adds are called until tfq knows their names.
_UNKNOWN = {
    "BuiltinOperator": "BUILTIN",
    "TensorType": "TENSOR_TYPE",
    "ActivationFunctionType": "ACTIVATION",
}


class _Members(dict[int, TableSchema]):
    """A union's members by tag, each compiled when it is first looked up."""

    def __init__(self, schema: Schema, tags: dict[str, int]) -> None:
        super().__init__()
        self._schema = schema
        self._names = {tag: name for name, tag in tags.items()}

    def __missing__(self, tag: int) -> TableSchema:
        member = self[tag] = self._schema.table(self._names[tag])
        return member

    def get(self, tag: int, default: Any = None) -> Any:
        """Return the member of that tag, or `default` for a tag that the schema does not know."""
        return self[tag] if tag in self._names else default


@functools.cache
def builtin_operators() -> frozenset[str]:
    """Return the names of all built-in operators."""
    return frozenset(load("tflite")["enums"]["BuiltinOperator"])


@functools.cache
def tflite() -> Schema:
    """Return the schema of .tflite files, read once."""
    return Schema(load("tflite"))

"""Random tables by the schema, appended to a file: every kind that exists, not those it has."""

from __future__ import annotations

import random
import struct

from tfq.format import Field, TableSchema, tflite

# A whole model grown at random would have thousands of tables, and nothing in it would fit.
_DEEPEST = 3
_SLOT_BYTES = 8


def append_table(
    content: bytearray, schema: TableSchema, dice: random.Random, depth: int = 0
) -> int:
    """Append a table of random content, and what it leads to.

    Args:
        content: The file, which grows.
        schema: What the table is.
        dice: Where chance comes from.
        depth: How many tables stand above it.

    Returns:
        The byte where the table begins.
    """
    present = [field for field in schema.fields.values() if _is_wanted(field, dice, depth)]
    # The tag of a union is written with the union, or is left as it comes by chance.
    last = max((field.slot for field in schema.fields.values()), default=2)
    _align(content)
    vtable = len(content)
    content += bytes(last + 2)
    _align(content)
    table = len(content)
    content += bytes(_SLOT_BYTES * (len(schema.fields) + 1))
    size = len(content) - table
    struct.pack_into("<HH", content, vtable, last + 2, size)
    struct.pack_into("<i", content, table, table - vtable)
    distances = {field.name: _SLOT_BYTES * (at + 1) for at, field in enumerate(present)}
    for field in present:
        struct.pack_into("<H", content, vtable + field.slot, distances[field.name])
    # Unions come last, so that the tags they write are not written over.
    for field in sorted(present, key=lambda field: field.kind == "union"):
        position = table + distances[field.name]
        if field.kind == "union":
            tag = distances.get(f"{field.name}_type")
            if tag is not None:
                _union(content, field, position, table + tag, dice, depth)
        else:
            _field(content, field, position, dice, depth)
    return table


def _is_wanted(field: Field, dice: random.Random, depth: int) -> bool:
    leads_on = field.kind in ("table", "tables", "union")
    return dice.random() < 0.7 and not (leads_on and depth >= _DEEPEST)


def _field(
    content: bytearray, field: Field, position: int, dice: random.Random, depth: int
) -> None:
    if field.kind == "scalar":
        struct.pack_into("<" + field.letter, content, position, _value(field.letter, dice, content))
    elif field.kind == "table":
        _point(
            content, position, append_table(content, tflite().table(field.type), dice, depth + 1)
        )
    else:
        _align(content)
        _point(content, position, len(content))
        _vector(content, field, dice, depth)


def _union(
    content: bytearray, field: Field, position: int, tag: int, dice: random.Random, depth: int
) -> None:
    # BuiltinOptions has the most members; a number without one stays a tag that nobody knows.
    number = dice.randrange(1, 127) if "uiltin" in field.type else dice.randrange(1, 4)
    member = tflite().union(field.type).get(number)
    content[tag] = number
    if member is not None:
        _point(content, position, append_table(content, member, dice, depth + 1))


def _vector(content: bytearray, field: Field, dice: random.Random, depth: int) -> None:
    if field.kind == "tables":
        count = dice.choice([0, 1, 1, 2, 3])
        start = len(content) + 4
        content += struct.pack("<I", count) + bytes(4 * count)
        table = 0
        for index in range(count):
            # Some stand in the vector twice.
            if index == 0 or dice.random() < 0.7:
                table = append_table(content, tflite().table(field.type), dice, depth + 1)
            _point(content, start + 4 * index, table)
        return
    letter = field.letter or "B"
    count = dice.choice([0, 1, 1, 2, 4, 16])
    values = [_value(letter, dice, content) for _ in range(count)]
    content += struct.pack(f"<I{count}{letter}", count, *values)
    content += b"\0"


def _value(letter: str, dice: random.Random, content: bytearray) -> float:
    """A number that could be a small index, a type, a size, or nothing that makes sense."""
    if letter in "fd":
        return dice.choice([0.0, 1.0, 0.5, 0.0078125, -1.0, float("nan"), float("inf"), 1e-45])
    if letter == "?":
        return dice.random() < 0.5
    bits = 8 * struct.calcsize("<" + letter)
    value = dice.choice(
        [0, 0, 0, 1, 1, 2, 3, -1, dice.randrange(32), dice.randrange(256)]
        if dice.random() < 0.95
        else [len(content), dice.randrange(len(content)), 1 << (bits - 1), (1 << bits) - 1]
    )
    value %= 1 << bits
    return value if letter.isupper() or value < 1 << (bits - 1) else value - (1 << bits)


def _point(content: bytearray, position: int, target: int) -> None:
    struct.pack_into("<I", content, position, target - position)


def _align(content: bytearray) -> None:
    content += bytes(-len(content) % _SLOT_BYTES)

"""The integer types that are quantized to."""

from __future__ import annotations

from typing import NamedTuple

from tfq.errors import ArgumentError


class Integers(NamedTuple):
    """An integer type.

    Attributes:
        low: The lowest integer.
        high: The highest.
        middle: What stands for 0.0 where positive and negative numbers have the same room.
        storage: The numpy type that holds them; one of 8 bits for those of fewer.
    """

    low: int
    high: int
    middle: int
    storage: str


INTEGERS = {
    "int2": Integers(-2, 1, 0, "int8"),
    "int4": Integers(-8, 7, 0, "int8"),
    "int8": Integers(-(1 << 7), (1 << 7) - 1, 0, "int8"),
    "int16": Integers(-(1 << 15), (1 << 15) - 1, 0, "int16"),
    "int32": Integers(-(1 << 31), (1 << 31) - 1, 0, "int32"),
    "int64": Integers(-(1 << 63), (1 << 63) - 1, 0, "int64"),
    "uint4": Integers(0, 15, 8, "uint8"),
    "uint8": Integers(0, (1 << 8) - 1, 1 << 7, "uint8"),
    "uint16": Integers(0, (1 << 16) - 1, 1 << 15, "uint16"),
}


def integers(dtype: str) -> Integers:
    """Return a type by its name.

    Raises:
        ArgumentError: There is no such type.
    """
    if dtype not in INTEGERS:
        raise ArgumentError(f"expected an integer type, one of {', '.join(INTEGERS)}; got {dtype}")
    return INTEGERS[dtype]

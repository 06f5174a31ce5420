"""FlexBuffers, in which custom operators keep their options: from untrusted bytes to plain values.

The format: https://flatbuffers.dev/internals/#flexbuffers. Bytes are read from their end, where the
root stands; every reference leads back by a distance. Nothing is read outside of the bytes, and
the work is limited to what bytes of that size can honestly hold.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NULL, _INT, _UINT, _FLOAT, _KEY, _STRING, _INDIRECT_INT, _INDIRECT_UINT, _INDIRECT_FLOAT = range(9)
_MAP, _VECTOR, _FIRST_TYPED, _LAST_TYPED = 9, 10, 11, 15
_FIRST_FIXED, _LAST_FIXED = 16, 24
_BLOB, _BOOL, _BOOLS = 25, 26, 36
_CONTAINERS = (_MAP, _VECTOR, *range(_FIRST_TYPED, _LAST_FIXED + 1), _BOOLS)

_LETTERS = {_INT: "bhiq", _UINT: "BHIQ", _FLOAT: "?efd", _BOOL: "BHIQ"}
_DEEPEST = 32
_STEPS_PER_BYTE = 2


def decode(data: memoryview) -> Any:
    """Decode the bytes of one FlexBuffer.

    Args:
        data: All of its bytes.

    Returns:
        A dict, or a list; in them None, bools, integers, floats, text, and bytes for blobs and for
        strings that are no UTF-8.

    Raises:
        ValueError: If the bytes are no FlexBuffer, or one that holds but a single value, which is
            what chance makes of other bytes.
    """
    return _Reader(data).root()


class _Reader:
    """One decoding: the state is how much work is left."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.steps = _STEPS_PER_BYTE * len(data)

    def root(self) -> Any:
        if len(self.data) < 3:
            raise ValueError("a FlexBuffer has three bytes at least")
        packed, width = self.data[-2], self.data[-1]
        if width not in (1, 2, 4, 8) or packed >> 2 not in _CONTAINERS:
            raise ValueError("the last bytes name no container")
        return self.value(len(self.data) - 2 - width, packed, width, 0)

    def value(self, at: int, packed: int, width: int, depth: int) -> Any:
        """Decode what a reference of `width` bytes at `at` holds or leads to."""
        self.steps -= 1
        if self.steps < 0 or depth > _DEEPEST:
            raise ValueError("its parts contain each other")
        kind, child = packed >> 2, 1 << (packed & 3)
        if kind in _LETTERS:
            number = self.number(kind, at, width)
            return bool(number) if kind == _BOOL else number
        if kind == _NULL:
            return None
        target = at - self.number(_UINT, at, width)
        if _INDIRECT_INT <= kind <= _INDIRECT_FLOAT:
            return self.number(kind - _INDIRECT_INT + _INT, target, child)
        if kind == _KEY:
            return self.key(target)
        if kind in (_STRING, _BLOB):
            size = self.number(_UINT, target - child, child)
            content = bytes(self.span(target, size))
            return _text(content) if kind == _STRING else content
        if kind == _MAP:
            return self.map(target, child, depth)
        return self.vector(kind, target, child, depth)

    def map(self, at: int, width: int, depth: int) -> dict[str, Any]:
        place = at - 3 * width
        keys = place - self.number(_UINT, place, width)
        key_width = self.number(_UINT, place + width, width)
        if key_width not in (1, 2, 4, 8):
            raise ValueError(f"a map's keys have {key_width} bytes")
        names = self.vector(_FIRST_TYPED + _KEY - _INT, keys, key_width, depth)
        values = self.vector(_VECTOR, at, width, depth)
        if len(names) != len(values):
            raise ValueError(f"a map has {len(names)} keys and {len(values)} values")
        return dict(zip(names, values, strict=True))

    def vector(self, kind: int, at: int, width: int, depth: int) -> list[Any]:
        if _FIRST_FIXED <= kind <= _LAST_FIXED:
            count, element = divmod(kind - _FIRST_FIXED, 3)
            count += 2
            element += _INT
        else:
            count = self.number(_UINT, at - width, width)
            element = {_VECTOR: _NULL, _BOOLS: _BOOL}.get(kind, kind - _FIRST_TYPED + _INT)
        self.span(at, count * width)
        if kind == _VECTOR:
            types = bytes(self.span(at + count * width, count))
        elif kind <= _LAST_FIXED or kind == _BOOLS:
            types = bytes([element << 2]) * count
        else:
            raise ValueError(f"there is no type {kind}")
        return [
            self.value(at + index * width, packed, width, depth + 1)
            for index, packed in enumerate(types)
        ]

    def key(self, at: int) -> str:
        self.span(at, 1)
        rest = self.data[at:]
        # Keys are short; looking for the end of one must not cost more than the key.
        for size, byte in enumerate(rest):
            self.steps -= 1
            if byte == 0:
                return bytes(rest[:size]).decode("utf-8", "backslashreplace")
            if self.steps < 0:
                break
        raise ValueError("a key does not end")

    def number(self, kind: int, at: int, width: int) -> Any:
        letter = _LETTERS[kind][width.bit_length() - 1]
        if letter == "?":
            raise ValueError("there are no floats of one byte")
        return struct.unpack("<" + letter, self.span(at, width))[0]

    def span(self, at: int, size: int) -> memoryview:
        if at < 0 or at + size > len(self.data):
            raise ValueError(f"bytes {at} to {at + size} lie outside of {len(self.data)}")
        self.steps -= size >> 3
        return self.data[at : at + size]


def _text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content

"""JSON as tfq prints it: only what JSON has, and lines that grep and diff like."""

from __future__ import annotations

import json
import math
from typing import Any

# JSON has no such numbers.
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
# Down to the single operator and tensor: a line each is what grep and diff like.
DEPTH_OF_LINES = 4
# json.dumps would make an encoder for each line.
_ENCODE = json.JSONEncoder(allow_nan=False).encode


def number(value: float) -> float | str:
    """A number as JSON has it: one that is not finite becomes a string."""
    return value if math.isfinite(value) else NOT_FINITE[str(value)]


def numbers(values: tuple[float, ...]) -> list[float | str]:
    """Numbers as JSON has them, likewise."""
    # One that is not finite makes the sum so; so may a sum of finite ones, which costs only time.
    return list(values) if math.isfinite(sum(values)) else [number(each) for each in values]


def plain(value: Any) -> Any:
    """Turn a value, such as an operator's options, into what JSON has.

    Args:
        value: Dicts, lists, tuples, strings, bytes, numbers, booleans and None.

    Returns:
        The same without tuples; bytes become `{"base64": "…"}`, keys strings, numbers that are not
        finite strings.
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        import base64

        return {"base64": base64.b64encode(value).decode("ascii")}
    return value


def finite(value: Any) -> Any:
    """Make None of numbers that are not finite, where a schema has no strings for them.

    Args:
        value: Dicts, lists, tuples and what they hold.

    Returns:
        The same, tuples as lists.
    """
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(value: Any, depth: int = DEPTH_OF_LINES, indent: str = "") -> str:
    """Write JSON with a line for each item of the outer levels, and the inner ones compact.

    Args:
        value: Only objects, lists, strings, booleans, finite numbers and None.
        depth: How many levels are broken into lines.
        indent: What stands before each of those lines.

    Returns:
        The text, without a line break at the end.

    Raises:
        ValueError: If a number is not finite, as JSON has no such numbers.
    """
    # json.dumps(indent=2) would leave its C encoder, and set a line for every scale.
    if depth == 0 or not _holds_containers(value):
        return _ENCODE(value)
    inner = indent + "  "
    if isinstance(value, dict):
        pairs = value.items()
        items = [f"{_ENCODE(key)}: {to_json(each, depth - 1, inner)}" for key, each in pairs]
        return f"{{\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}}}"
    items = [to_json(each, depth - 1, inner) for each in value]
    return f"[\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}]"


def _holds_containers(value: Any) -> bool:
    """Whether an item of an object or list is one itself; of alike items the first tells it."""
    if isinstance(value, dict):
        return any(isinstance(each, (dict, list)) for each in value.values())
    return isinstance(value, list) and bool(value) and isinstance(value[0], (dict, list))

"""JSON that tfq wrote, read back from files that nobody trusts."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tfq.errors import one_line
from tfq.format import at_once

if TYPE_CHECKING:
    from pathlib import Path

# No size in bytes and no count comes near it, and floats hold it.
_MOST = 1 << 63


def read_json(path: Path, schema: str, most_bytes: int) -> Any:
    """Read a file of JSON that meets a schema.

    Args:
        path: The file.
        schema: Its name, as `tfq.schemas.load` takes it.
        most_bytes: The largest that is read.

    Returns:
        The content, whose numbers are all finite, and integers below 2^63.

    Raises:
        ValueError: Why it cannot be had, in one line.
    """
    from tfq.profiles.validate import violations
    from tfq.schemas import load

    data = _parsed(_content(path, most_bytes))
    first = next(violations(data, load(schema)), None)
    if first is not None:
        raise ValueError(f"{first.path}: {first.message}")
    return data


def _content(path: Path, most_bytes: int) -> bytes:
    try:
        with open(path, "rb", opener=at_once) as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ValueError(error.strerror) from None
    if len(content) > most_bytes:
        raise ValueError(f"got more than {most_bytes} bytes")
    return content


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode("utf-8"), parse_constant=_finite, parse_float=_finite, parse_int=_whole
        )
    except RecursionError:
        raise ValueError("got no JSON: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"got no JSON: {one_line(error)}") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"expected finite numbers, got {one_line(text, 30)}")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) >= _MOST:
        raise ValueError(f"expected integers below 2^63, got {one_line(text, 30)}")
    return value

"""Reads the data out of a page, as its script does."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any


def content(path: Path) -> dict[str, Any]:
    """The data in a page."""
    text = path.read_text("utf-8").partition('<script type="application/json"')[2]
    return expanded(json.loads(text.partition(">")[2].partition("</script>")[0]))


def expanded(packed: dict[str, Any]) -> Any:
    """What the page's script makes of packed data."""
    return _expanded(packed["data"], packed["shared"])


def _expanded(value: Any, shared: list[Any]) -> Any:
    if isinstance(value, list):
        return [_expanded(each, shared) for each in value]
    if not isinstance(value, dict):
        return value
    if "$" in value:
        return _expanded(shared[value["$"]], shared[: value["$"]])
    if "f32" in value:
        data = base64.b64decode(value["f32"])
        return [*struct.unpack(f"<{len(data) // 4}f", data)]
    return {name: _expanded(each, shared) for name, each in value.items()}

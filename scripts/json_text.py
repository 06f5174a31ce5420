"""Writes JSON as people do: what fits into a line stands in one."""

from __future__ import annotations

import json
from typing import Any

COLUMNS = 100


def text(value: Any, indent: int = 0, before: int = 0) -> str:
    """Return JSON, broken only where a line would be too long.

    Args:
        value: What JSON can say.
        indent: The column of what is inside, less 2.
        before: How many columns of the first line are taken.
    """
    line = json.dumps(value, ensure_ascii=False)
    # A comma may follow.
    if indent + before + len(line) < COLUMNS and (indent or not value):
        return line
    if isinstance(value, dict):
        keys = {json.dumps(key, ensure_ascii=False) + ": ": item for key, item in value.items()}
        rows = [key + text(item, indent + 2, len(key)) for key, item in keys.items()]
        start, end = "{}"
    elif isinstance(value, list):
        rows = [text(item, indent + 2) for item in value]
        start, end = "[]"
    else:
        return line
    inside = ",\n".join(" " * (indent + 2) + row for row in rows)
    return f"{start}\n{inside}\n{' ' * indent}{end}"

"""Schemas as data: the .tflite format, device profiles, and every JSON that tfq prints."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load(name: str) -> dict[str, Any]:
    """Read the schema `name` that stands beside this file.

    Args:
        name: The file's name without `.json`, such as `"tflite"`.

    Returns:
        The schema, a new object on every call.
    """
    import json

    # Plain strings: at start-up pathlib would cost more than the parsing.
    path = os.path.join(os.path.dirname(__file__), f"{name}.json")  # noqa: PTH118, PTH120
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        schema: dict[str, Any] = json.load(file)
    return schema

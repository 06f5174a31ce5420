"""What tfq has written into a model about how it was made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tfq.model.model import Model

ENTRY = "tfq"
"""The name of the record among a model's metadata."""


def record_of(model: Model) -> dict[str, Any] | None:
    """Return what tfq has written into a model.

    Args:
        model: Any model.

    Returns:
        The record; None if there is none, or it is no JSON object: others may write what they like.
    """
    if ENTRY not in model.metadata:
        return None
    import json

    try:
        found = json.loads(bytes(model.metadata[ENTRY]))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

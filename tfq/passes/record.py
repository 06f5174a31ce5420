"""What was done to a model, in the file itself."""

from __future__ import annotations

import json

from tfq.format import Draft
from tfq.model import Model
from tfq.model.record import ENTRY, record_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def with_record(model: Model, record: Mapping[str, Any]) -> Model:
    """Write a record into a model, in place of the one it has.

    Args:
        model: Any model.
        record: What can be JSON; what is None is left out.

    Returns:
        The model with a metadata entry `"tfq"`.
    """
    given = {name: value for name, value in record.items() if value is not None}
    draft = model.draft()
    entries, buffers = [*(draft["metadata"] or ())], [*(draft["buffers"] or (Draft("Buffer"),))]
    place = next((each["buffer"] for each in entries if _is_record(each["name"])), len(buffers))
    if place == len(buffers):
        entries.append(Draft("Metadata", name=ENTRY, buffer=place))
        buffers.append(Draft("Buffer"))
    buffers[place] = Draft("Buffer", data=json.dumps(given).encode())
    draft["metadata"], draft["buffers"] = entries, buffers
    return Model.from_draft(draft)


def retargeted(model: Model, profile: str, passes: Sequence[str]) -> Model:
    """Add to a model's record what was repaired; what was measured before no longer holds.

    Args:
        model: The repaired model.
        profile: The device.
        passes: What ran.

    Returns:
        The new model, or `model` itself if it has no record.
    """
    record = record_of(model)
    if record is None:
        return model
    kept = {key: each for key, each in record.items() if key not in ("granularity", "sqnr")}
    earlier = record.get("retargeted")
    steps = [*(earlier if isinstance(earlier, list) else ())]
    return with_record(
        model, {**kept, "retargeted": [*steps, {"profile": profile, "passes": [*passes]}]}
    )


def _is_record(name: str | bytes | None) -> bool:
    return name in (ENTRY, ENTRY.encode())

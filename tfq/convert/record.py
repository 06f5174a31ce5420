"""What was done to a model, for people, for programs, and in the file itself."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.format import Draft
from tfq.model import Model

if TYPE_CHECKING:
    from tfq.convert.request import Request
    from tfq.passes import Changes
    from tfq.profiles import Profile

ENTRY = "tfq"
"""The name of the record among a model's metadata."""


class Applied(NamedTuple):
    """What a conversion did for accuracy.

    Attributes:
        level: What was asked: `"none"`, `"standard"`, `"best"`, or `"passes"` one by one.
        passes: What was applied to the model, as `--passes` takes it; empty where the converter's
            own result was kept.
        converter: What made the file: `"tfq"`, `"TFLiteConverter"` or `"litert-quantizer"`.
        sqnr: Of the outputs on the calibration data, in dB; None if it was not measured.
        alternative: What else was made and not kept; None if nothing.
        alternative_sqnr: Its own, likewise.
        remark: Why the alternative was not kept, or nothing was compared; may be empty.
        changes: What each pass did.
    """

    level: str
    passes: tuple[str, ...] = ()
    converter: str = "tfq"
    sqnr: float | None = None
    alternative: str | None = None
    alternative_sqnr: float | None = None
    remark: str = ""
    changes: tuple[Changes, ...] = ()


def recorded(model: Model, applied: Applied, request: Request, profile: Profile | None) -> Model:
    """Write into a model how it was made.

    Args:
        model: What was made.
        applied: What was done for accuracy.
        request: What was asked.
        profile: The device; None if none was named.

    Returns:
        The model with a metadata entry `"tfq"`: JSON, such as
        `{"tfq": "0.1", "mode": "full_integer", "passes": ["equalize"], …}`.
    """
    content: dict[str, Any] = {
        "tfq": version("tfq"),
        "mode": request.mode.name,
        "granularity": request.granularity,
        "profile": None if profile is None else profile.name,
        "accuracy": applied.level,
        "passes": list(applied.passes),
        "converter": applied.converter,
        "sqnr": None if applied.sqnr is None else round(applied.sqnr, 2),
    }
    given = {name: value for name, value in content.items() if value is not None}
    draft = model.draft()
    data = json.dumps(given).encode()
    entries, buffers = [*(draft["metadata"] or ())], [*(draft["buffers"] or (Draft("Buffer"),))]
    old = next((each for each in entries if each["name"] in (ENTRY, ENTRY.encode())), None)
    if old is None:
        entries.append(Draft("Metadata", name=ENTRY, buffer=len(buffers)))
        buffers.append(Draft("Buffer", data=data))
    else:
        buffers[old["buffer"]] = Draft("Buffer", data=data)
    draft["metadata"], draft["buffers"] = entries, buffers
    return Model.from_draft(draft)

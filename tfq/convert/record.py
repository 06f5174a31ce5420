"""What a conversion did for accuracy."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from tfq.passes.record import with_record

if TYPE_CHECKING:
    from tfq.convert.request import Request
    from tfq.model import Model
    from tfq.passes import Changes
    from tfq.profiles import Profile


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
    content = {
        "tfq": version("tfq"),
        "mode": request.mode.name,
        "granularity": request.granularity,
        "profile": None if profile is None else profile.name,
        "accuracy": applied.level,
        "passes": list(applied.passes) or None,
        "converter": applied.converter,
        "sqnr": None if applied.sqnr is None else round(applied.sqnr, 2),
    }
    return with_record(model, content)

"""What a diagnosis found, as the JSON of schemas/diagnose.schema.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tfq.accuracy.diagnosis.result import CAUSES
from tfq.report.json_text import finite

if TYPE_CHECKING:
    from tfq.accuracy.diagnosis.result import Diagnosis


def diagnosis_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """Describe a diagnosis.

    Args:
        diagnosis: What `tfq.diagnose` returned.

    Returns:
        What JSON has: numbers that are not finite are None.
    """
    found: dict[str, Any] = finite(asdict(diagnosis))
    found["errors"] = [{"operator": operator, "sqnr": sqnr} for operator, sqnr in found["errors"]]
    for cause in [
        *found["causes"],
        *(each for layer in found["layers"] for each in layer["causes"]),
    ]:
        cause["title"] = CAUSES[cause["kind"]]
    return found

"""tfq inside a Keras pipeline: a callback that watches the quantized model, and its export.

Importing this imports Keras; `import tfq` does not import it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tfq.keras.checking import DeploymentCheck

if TYPE_CHECKING:
    from tfq.convert.converted import ConvertedModel
    from tfq.profiles import Profile

__all__ = ["DeploymentCheck", "export"]


def export(
    model: Any,
    path: str | os.PathLike[str],
    profile: str | os.PathLike[str] | Profile | None = None,
    **options: Any,
) -> ConvertedModel:
    """Convert a Keras model and write the `.tflite`.

    Args:
        model: A Keras model, trained to be quantized or not.
        path: Where the file shall stand.
        profile: The device, by name or path; it decides what is not given, and the result is linted
            for it.
        **options: As in `tfq.convert`, such as `calibration_data`.

    Returns:
        What was written; its `report` says what does not fit the device. A warning says so, too.

    Raises:
        ArgumentError: The file cannot be written there.
        tfq.Error: As in `tfq.convert`; then nothing is written.

    Example:
        >>> tfq.keras.export(model, "model.tflite", profile="artpec8", calibration_data=images)
    """
    import warnings

    from tfq.convert import convert
    from tfq.errors import ConversionWarning
    from tfq.format import check_place

    check_place(path)
    made = convert(model, profile=profile, **options)
    made.save(path)
    if made.report is not None and not made.report.ok:
        warnings.warn(
            f"{os.fspath(path)}: does not pass {made.report.profile.name}: "
            f"{made.report.count('error')} errors; its report says which",
            ConversionWarning,
            stacklevel=2,
        )
    return made

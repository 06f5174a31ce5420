"""The commands that make a row of a sweep again, with `tfq convert` alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tfq.accuracy.diagnosis.command import command, flags_of
from tfq.convert.modes import MODES
from tfq.sweep.ways import FLOAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfq.sweep.result import Row, Sweep

# What `float32.tflite` has already, and what a `.tflite` does not need.
_OF_SOURCE = ("signature", "unsafe_load", "allow_select_tf_ops")
_ALL_BITS = 8


def commands(
    sweep: Sweep,
    source: Any,
    calibration_data: Any,
    options: Mapping[str, Any],
    profiles: Mapping[str, str | os.PathLike[str]],
) -> list[str]:
    """Write the commands that make the recommended row again.

    All rows are made of the float32 model, whatever the source, so this is what they convert: what
    comes out has the same bytes. Float32 itself is made of the source: only the record in its
    metadata is another.

    Args:
        sweep: What `tfq.sweep` returned.
        source: What it was given, and so the next two.
        calibration_data: As there.
        options: The other arguments that it shares with `tfq.convert`.
        profiles: The devices' names or files, by the names that their profiles have.

    Returns:
        One command; before it, where the sweep has not kept the float32 model, the one that makes
        it. Nothing without a recommendation.
    """
    if sweep.recommended is None:
        return []
    row = sweep.row(sweep.recommended)
    plain = command(
        source, None, None, options, flags_of({"mode": FLOAT}), output=f"{FLOAT}.tflite"
    )
    if row.name == FLOAT:
        return [plain]
    kept = _kept(sweep)
    data = calibration_data if MODES[row.mode].needs_calibration else None
    rest = {name: value for name, value in options.items() if name not in _OF_SOURCE}
    made = command(
        kept or f"{FLOAT}.tflite",
        data,
        None,
        rest,
        _way(row, profiles),
        output=f"{row.name}.tflite",
    )
    return [made] if kept else [plain, made]


def _kept(sweep: Sweep) -> str | None:
    """The path of the sweep's float32 model; None if it has none."""
    files = [row.file for row in sweep.rows if row.name == FLOAT]
    if sweep.directory is None or not files or files[0] is None:
        return None
    return str(sweep.directory / files[0])


def _way(row: Row, profiles: Mapping[str, str | os.PathLike[str]]) -> str:
    """How a row was converted, as flags."""
    device = profiles.get(row.name.removeprefix("profile."))
    if row.name.startswith("profile.") and device is not None:
        return flags_of({"profile": os.fspath(device)})
    bits = None if row.weight_bits == _ALL_BITS else row.weight_bits
    return flags_of(
        {
            "mode": row.mode,
            "granularity": row.granularity,
            "accuracy": row.accuracy_level,
            "passes": row.passes,
            "weight_bits": bits,
        }
    )

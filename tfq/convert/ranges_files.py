"""Calibration in a file: `--save_ranges` and `--load_ranges`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tfq.errors import ArgumentError, CalibrationDataError
from tfq.format import check_place, write_whole

if TYPE_CHECKING:
    from tfq.convert.converted import ConvertedModel
    from tfq.convert.request import Request
    from tfq.passes.ranges import Ranges


def prepare(
    request: Request,
    save_path: str | os.PathLike[str] | None,
    load_path: str | os.PathLike[str] | None,
) -> Ranges | None:
    """Check that both files make sense, before anything slow begins, and read the second.

    Args:
        request: What is asked.
        save_path: Where ranges shall be written; None for nowhere.
        load_path: Where they are read; None for nowhere.

    Returns:
        The ranges that were read.

    Raises:
        ArgumentError: If what is asked has no ranges, or the first file cannot be written.
        CalibrationDataError: If the second cannot be read or is none.
    """
    given = {"save_ranges": save_path, "load_ranges": load_path}
    named = [name for name, path in given.items() if path is not None]
    if named and (not request.mode.integer or request.plan.level == "none"):
        what = f"accuracy={request.plan.level}" if request.mode.integer else request.mode.name
        raise ArgumentError(f"{named[0]}: {what} has no ranges")
    for name, path in given.items():
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise ArgumentError(f"{name}: expected a path, got {path!r}")
    if save_path is not None:
        check_place(Path(save_path))
    return None if load_path is None else _load(Path(load_path))


def save(model: ConvertedModel, path: str | os.PathLike[str]) -> None:
    """Write the ranges of a model.

    Raises:
        CalibrationDataError: If it has none: its float model cannot be run here.
    """
    from tfq.passes.ranges import MOST_BYTES

    if model.ranges is None:
        raise CalibrationDataError(f"save_ranges: there are none: {model.applied.remark}")
    text = model.ranges.to_json().encode()
    if len(text) > MOST_BYTES:
        raise CalibrationDataError(f"save_ranges: {len(text)} bytes, more than can be loaded again")
    write_whole(Path(path), [text])


def _load(path: Path) -> Ranges:
    from tfq.passes.ranges import MOST_BYTES, Ranges

    try:
        if not path.is_file() and path.exists():
            raise CalibrationDataError(f"{path}: expected a file of ranges")
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CalibrationDataError(f"{path}: {error.strerror}") from error
    return Ranges.from_json(text, str(path))

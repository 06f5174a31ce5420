"""Hashes of all that a sweep's results depend on, so that what is still valid is not done again."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfq.convert.calibration import Samples

PACKAGES = ("tfq", "tensorflow", "litert-quantizer", "ai-edge-litert", "tflite-runtime", "numpy")
_CHUNK = 1 << 20


@cache
def versions() -> tuple[tuple[str, str | None], ...]:
    """Return the versions of the packages that make and run models; None for missing ones."""
    return tuple((name, _version(name)) for name in PACKAGES)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def key(*parts: object) -> str:
    """Hash parts whose `repr` says all of them, such as texts, numbers and tuples of these."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def of_bytes(content: bytes) -> str:
    """Hash the content of a file."""
    return hashlib.sha256(content).hexdigest()


def of_path(path: str | os.PathLike[str]) -> str | None:
    """Hash a file, or the names and contents of all files below a directory.

    Args:
        path: Of anything.

    Returns:
        The hash; None if there is no such file or directory, or it cannot be read.
    """
    place = Path(path)
    try:
        if place.is_file():
            return _of_file(place)
        if not place.is_dir():
            return None
        files = sorted(each for each in place.rglob("*") if each.is_file())
        return key(*((str(each.relative_to(place)), _of_file(each)) for each in files))
    except OSError:
        return None


def _of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def of_source(source: Any) -> str | None:
    """Hash a model before it is opened.

    Returns:
        The hash; None of an object that only tells its content by being converted.
    """
    from tfq.model import Model

    if isinstance(source, (str, os.PathLike)):
        return of_path(source)
    return of_bytes(bytes(source)) if isinstance(source, Model) else None


def of_data(data: Any) -> str | None:
    """Hash data before they are read.

    Args:
        data: As `tfq.convert` takes calibration data.

    Returns:
        The hash; None of what only tells its content by being run, such as a function.
    """
    if data is None:
        return key(None)
    if isinstance(data, (str, os.PathLike)):
        return of_path(data)
    if isinstance(data, dict):
        parts = {str(name): of_data(each) for name, each in data.items()}
        return None if None in parts.values() else key(*sorted(parts.items()))
    return _of_array(data)


def of_samples(samples: Samples) -> str:
    """Hash samples that were read."""
    columns = [(name, *map(_of_array, column)) for name, column in samples.columns.items()]
    return key(*columns, None if samples.labels is None else _of_array(samples.labels))


def _of_array(data: Any) -> str | None:
    import numpy as np

    if not isinstance(data, np.ndarray) or data.dtype.hasobject:
        return None
    content = np.ascontiguousarray(data)
    digest = hashlib.sha256(f"{content.dtype.str} {data.shape}".encode())
    digest.update(content.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()

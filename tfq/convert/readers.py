"""Calibration and evaluation data from files."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tfq.convert.sources import InputSpec
from tfq.errors import (
    ArgumentError,
    CalibrationDataError,
    ConversionWarning,
    MissingDependencyError,
    one_line,
    users_code,
)
from tfq.runtime import quiet

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
IMAGE_LIMIT = 500
"""Of a larger directory, this many images are taken, evenly spaced by name."""


def is_path(data: Any) -> bool:
    """Whether `data` names a file, a directory or a function rather than being data."""
    return isinstance(data, (str, os.PathLike))


def open_path(
    data: str | os.PathLike[str],
    inputs: Sequence[InputSpec],
    parse_function: Callable[[Any], Any] | None,
    what: str,
) -> Any:
    """Opens data by path.

    Args:
        data: a `.npy`, `.npz` or TFRecord file, a directory of images, or `FILE.py:FUNCTION`.
        inputs: what the model takes: images are resized to it.
        parse_function: makes a sample of a TFRecord's serialized example.
        what: what to call the data in messages.

    Returns:
        A dictionary of arrays, or an iterable or function as `calibration.read` takes them.

    Raises:
        CalibrationDataError: there is nothing, or nothing readable, at that path.
    """
    path = Path(data)
    if path.is_dir():
        return {inputs[0].name: _images(path, inputs, what)}
    if not path.exists():
        if re.fullmatch(r".+:\w+", str(data)):
            return load_function(str(data))
        raise CalibrationDataError(f"{what}: {path}: no such file or directory")
    if not path.is_file():
        raise CalibrationDataError(f"{what}: {path}: expected a file, found a pipe or a device")
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return _arrays(path, inputs, what)
    if "tfrecord" in path.name.lower():
        return _records(path, parse_function, what)
    raise CalibrationDataError(
        f"{what}: {path}: expected .npy, .npz, .tfrecord or a directory of images; "
        f"found a file named *{suffix or path.name}"
    )


def load_function(reference: str) -> Callable[..., Any]:
    """Imports the user's function `FILE.py:FUNCTION` or `package.module:function`.

    Raises:
        ArgumentError: there is no such file, module or function, or importing it fails.
    """
    place, _, name = reference.rpartition(":")
    what = f"expected FILE.py:FUNCTION or module:function; {reference!r} fails"
    with users_code(what, ArgumentError):
        module = _load_module(Path(place)) if place.endswith(".py") else _import_module(place)
        if not hasattr(module, name):
            raise ArgumentError(f"{reference!r}: expected a function there, found none")
        function = getattr(module, name)
    if not callable(function):
        raise ArgumentError(f"{reference!r}: expected a function, found {type(function).__name__}")
    return function  # type: ignore[no-any-return]


def _load_module(path: Path) -> ModuleType:
    # Its own name might be that of a module that others import. One without dots can be pickled.
    name = f"_users_file_{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    with _importable_from(path.resolve().parent):
        spec.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    with _importable_from(Path.cwd()):
        return importlib.import_module(name)


@contextlib.contextmanager
def _importable_from(directory: Path) -> Iterator[None]:
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))


def _arrays(path: Path, inputs: Sequence[InputSpec], what: str) -> Mapping[str, Any]:
    try:
        if path.suffix.lower() == ".npy":
            return {inputs[0].name: np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except MemoryError as error:
        raise CalibrationDataError(
            f"{what}: {path}: too large for this machine's memory: {one_line(error)}"
        ) from error
    except Exception as error:  # NumPy and zipfile raise whatever a broken file provokes
        reason = one_line(error)
        if "allow_pickle" in reason or "Python objects" in reason:
            reason = "it holds pickled Python objects, which are never loaded"
        raise CalibrationDataError(
            f"{what}: {path}: expected NumPy arrays of numbers: {reason}"
        ) from error


def _records(path: Path, parse_function: Callable[[Any], Any] | None, what: str) -> Any:
    if parse_function is None:
        raise CalibrationDataError(
            f"{what}: {path}: a TFRecord needs a parse_function that makes a sample of an example"
        )
    compression = "GZIP" if path.suffix == ".gz" else ""
    with quiet.silenced():
        try:
            import tensorflow as tf
        except ImportError as error:
            raise MissingDependencyError(
                "reading TFRecords needs tensorflow: pip install 'tfq[convert]'"
            ) from error
        return tf.data.TFRecordDataset(str(path), compression_type=compression).map(parse_function)


def _images(directory: Path, inputs: Sequence[InputSpec], what: str) -> np.ndarray[Any, Any]:
    """All images below a directory as uint8, in the order of their names."""
    if len(inputs) != 1:
        raise CalibrationDataError(
            f"{what}: {directory}: images fit models with one input; this one has {len(inputs)}"
        )
    files = sorted(p for p in directory.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise CalibrationDataError(
            f"{what}: {directory}: expected images ({', '.join(IMAGE_SUFFIXES)}); found none"
        )
    if len(files) > IMAGE_LIMIT:
        warnings.warn(
            f"{what}: {IMAGE_LIMIT} of {len(files)} images are used, evenly spaced",
            ConversionWarning,
            stacklevel=2,
        )
        picks = np.linspace(0, len(files) - 1, IMAGE_LIMIT).astype(int)
        files = [files[pick] for pick in picks]
    height, width, channels = _image_size(inputs[0], what)
    return np.stack([_image(file, height, width, channels, what) for file in files])


def _image_size(spec: InputSpec, what: str) -> tuple[int, int, int]:
    """Height, width and channels of a model's input."""
    shape = spec.shape[1:]
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise CalibrationDataError(
            f"{what}: images fit an input of [?, height, width, 1 or 3]; the model has {spec}"
        )
    height, width, channels = shape
    if height is None or width is None or channels is None:
        raise CalibrationDataError(
            f"{what}: the model leaves the image size open ({spec}); give it with input_shapes"
        )
    return height, width, channels


def _image(file: Path, height: int, width: int, channels: int, what: str) -> np.ndarray[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingDependencyError(
            "reading images needs Pillow: pip install 'tfq[images]'"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"expected 8 bits a channel, found mode {image.mode}")
                upright = ImageOps.exif_transpose(image)
                converted = upright.convert("L" if channels == 1 else "RGB")
                resized = converted.resize((width, height), Image.Resampling.BILINEAR)
                return np.asarray(resized).reshape(height, width, channels)
    except Exception as error:  # Pillow raises whatever a broken image provokes
        raise CalibrationDataError(f"{what}: {file}: not a readable image: {error}") from error

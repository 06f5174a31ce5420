"""Loads Keras model files, of Keras 3 and of Keras 2, without running code that hides in them."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfq.errors import InvalidModelError, MissingDependencyError, one_line


def load(path: Path, *, unsafe: bool = False) -> Any:
    """Loads a `.keras`, `.h5` or `.hdf5` file.

    Keras 3 is tried first; files of Keras 2 that it does not read are left to `tf_keras`, where
    that is installed and the file is trusted: a file can make `tf_keras` call any function of
    TensorFlow while it is loaded.

    Args:
        path: the file.
        unsafe: allow Lambda layers, whose Python code runs when the model is loaded or called.

    Returns:
        A `keras.Model` or a `tf_keras.Model`.

    Raises:
        InvalidModelError: the file is broken, holds only weights, or has Lambda layers and `unsafe`
            is false.
        MissingDependencyError: TensorFlow is not installed.
    """
    config = _config(path)
    if not unsafe:
        _refuse_code(path, config)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        import keras
    except ImportError as error:
        raise MissingDependencyError(
            "reading Keras files needs tensorflow: pip install 'tfq[convert]'"
        ) from error
    if any(str(node.get("registered_name")).startswith("tfq>") for node in _dictionaries(config)):
        import tfq.qat  # noqa: F401  # which makes its layers known to Keras
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=not unsafe)
    except Exception as error:  # Keras raises whatever the file provokes
        if not unsafe:
            raise InvalidModelError(
                f"{path}: Keras 3 cannot load it ({one_line(error)}); if Keras 2 wrote it and you "
                "trust it, load it with --unsafe_load: tf_keras runs what a file says"
            ) from error
        return _load_with_keras_2(path, error)


def _load_with_keras_2(path: Path, first: Exception) -> Any:
    reason = one_line(first)
    try:
        import tf_keras
    except ImportError:
        raise InvalidModelError(
            f"{path}: Keras 3 cannot load it ({reason}); if Keras 2 wrote it, pip install tf_keras"
        ) from first
    try:
        return tf_keras.models.load_model(path, compile=False, safe_mode=False)
    except Exception:  # the first error is of the version most files are of
        raise InvalidModelError(
            f"{path}: neither Keras 3 nor tf_keras can load it ({reason})"
        ) from first


def _config(path: Path) -> Any:
    """The model's configuration as written in the file, before anything is built from it."""
    try:
        if path.suffix.lower() == ".keras":
            with zipfile.ZipFile(path) as archive:
                size = archive.getinfo("config.json").file_size
                if size > MOST_BYTES:
                    raise ValueError(f"its config.json unpacks to {size} bytes")
                return json.loads(archive.read("config.json"))
        return _hdf5_config(path)
    except Exception as error:  # whatever the broken part of the file provokes
        raise InvalidModelError(f"{path}: expected a {_KINDS[path.suffix.lower()]}: {error}") from (
            error
        )


MOST_BYTES = 1 << 28
_KINDS = {
    ".keras": "Keras 3 file (a ZIP archive with a config.json)",
    ".h5": "Keras HDF5 file",
    ".hdf5": "Keras HDF5 file",
}


def _hdf5_config(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError(
            "reading Keras files needs tensorflow: pip install 'tfq[convert]'"
        ) from error
    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
    if config is None:
        raise ValueError("it holds weights without a model; save it with model.save()")
    return json.loads(config)


def _refuse_code(path: Path, config: Any) -> None:
    for node in _dictionaries(config):
        if _holds_code(node):
            settings = node.get("config")
            name = settings.get("name") if isinstance(settings, dict) else None
            raise InvalidModelError(
                f"{path}: holds a Lambda layer{f' {name!r}' if name else ''}, which is Python code "
                "that would run here; if you trust the file, load it with --unsafe_load"
            )


def _holds_code(node: dict[str, Any]) -> bool:
    """Whether a part of a configuration is, or contains, a serialized function.

    "Lambda" is the layer, perhaps with a package before it ("keras>Lambda"), "__lambda__" any
    function in Keras 3's format, and "function_type" what the layer's configuration has.
    """
    kind = str(node.get("class_name", "")).rpartition(">")[2].strip("_").lower()
    return kind == "lambda" or node.get("function_type") in ("lambda", "raw")


def _dictionaries(root: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in nested JSON, without recursion: the nesting is the file's to choose."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)

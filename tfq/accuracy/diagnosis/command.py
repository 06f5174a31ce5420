"""`tfq convert` as a user would type it, so that it can be pasted into a shell."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SWITCHES = ("allow_float_fallback", "allow_select_tf_ops", "allow_custom_ops", "unsafe_load")


def command(
    source: Any,
    calibration_data: Any,
    profile: str | None,
    opening: Mapping[str, Any],
    flags: str,
    output: str = "OUTPUT.tflite",
) -> str:
    """Write the command that converts a source in one way.

    Args:
        source: What is converted, as in `tfq.convert`. What has no name in a shell, such as a model
            in memory, gets a word in capitals for the user to replace.
        calibration_data: As there; None for none.
        profile: The device; None for none.
        opening: The options of `tfq.convert` that say how the source and the data are read and
            what the result may have.
        flags: The rest, of `flags_of`.
        output: What to call the result.
    """
    batch_size, parse = opening.get("batch_size", 1), opening.get("parse_function")
    known = {
        "model": path_of(source, "MODEL"),
        "profile": profile,
        "calibration_data": None if calibration_data is None else path_of(calibration_data, "DATA"),
        "image_scale": opening.get("image_scale"),
        "parse_function": None if parse is None else _place(parse),
        "batch_size": None if batch_size == 1 else batch_size or 0,
        "signature": opening.get("signature"),
    }
    words = [flags_of(known)]
    for name, shape in (opening.get("input_shapes") or {}).items():
        sizes = ",".join("?" if each is None else str(each) for each in shape)
        words.append(flags_of({"input_shape": f"{name}:{sizes}"}))
    words += [f"--{name}" for name in _SWITCHES if opening.get(name)]
    return " ".join(["tfq convert", *words, flags, flags_of({"output": output})])


def flags_of(options: Mapping[str, Any]) -> str:
    """Return options of a conversion as flags of `tfq convert`, quoted for a shell.

    Args:
        options: By name; what is None is left out, the items of a list are joined by commas.
    """
    words = []
    for name, value in options.items():
        text = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
        words += [] if value is None else [shlex.quote(f"--{name}={text}")]
    return " ".join(words)


def path_of(given: Any, placeholder: str) -> str:
    """Return where something is, or what to call it.

    Args:
        given: A path, or anything else.
        placeholder: What to call anything else.
    """
    return str(given) if isinstance(given, (str, os.PathLike)) else placeholder


def _place(function: Callable[..., Any]) -> str:
    """Return a function as FILE.py:FUNCTION; a word in capitals if no file has it by its name."""
    try:
        file = inspect.getsourcefile(function)
    except TypeError:
        file = None
    name = getattr(function, "__qualname__", "")
    if file is None or not Path(file).is_file() or not name.isidentifier():
        return "FILE.py:FUNCTION"
    near = os.path.relpath(file)
    return f"{file if near.startswith('..') else near}:{name}"

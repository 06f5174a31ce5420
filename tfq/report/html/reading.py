"""Reads comparisons from disk: files that nobody trusts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError, one_line
from tfq.profiles.validate import violations
from tfq.schemas import load

if TYPE_CHECKING:
    import os

    from tfq.model import Model

# A comparison of a model of 2,000 layers takes a megabyte.
MOST_BYTES = 1 << 24


def read_comparison(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `tfq compare --format=json` printed.

    Args:
        path: The file.

    Returns:
        What `schemas/compare.schema.json` describes.

    Raises:
        ArgumentError: If there is none, or it is not what the schema says.
    """
    what = "what tfq compare --format=json prints"
    data = _parsed(Path(path), what)
    first = next(violations(data, load("compare.schema")), None)
    if first is not None:
        raise ArgumentError(f"{path}: expected {what}: {first.path}: {first.message}")
    found: dict[str, Any] = data
    return found


def check_belongs(comparison: dict[str, Any], model: Model, name: str) -> None:
    """Check that a comparison speaks of operators and tensors that its model has.

    Args:
        comparison: What `schemas/compare.schema.json` describes.
        model: The model whose digest it has.
        name: What messages call the comparison.

    Raises:
        ArgumentError: If somebody has changed it.
    """
    layers = comparison["layers"]
    for layer in layers["layers"] if layers else ():
        for what, known in (("operator", model.operators), ("tensor", model.tensors)):
            if layer[what] >= len(known):
                raise ArgumentError(
                    f"{name}: speaks of {what} {layer[what]}, but {model.name} has {len(known)}"
                )


def _parsed(path: Path, what: str) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"{path}: expected {what}: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ArgumentError(f"{path}: expected {what}, got more than {MOST_BYTES} bytes")
    try:
        return json.loads(content, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path}: expected {what}, got no JSON: {one_line(error)}") from None


def _refused(name: str) -> float:
    raise ValueError(f"{name} is no number")

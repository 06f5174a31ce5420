"""Reads comparisons from disk: files that nobody trusts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError
from tfq.report.json_reading import read_json

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
    try:
        found: dict[str, Any] = read_json(Path(path), "compare.schema", MOST_BYTES)
    except ValueError as error:
        raise ArgumentError(
            f"{path}: expected what tfq compare --format=json prints: {error}"
        ) from None
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

"""What the commands that read models to convert and data have in common."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from tfq.cli import print_warning
from tfq.errors import ArgumentError, ConversionWarning


def input_shapes(texts: Iterable[str]) -> dict[str, tuple[int | None, ...]]:
    """Read the values of --input_shape.

    Args:
        texts: Such as `image:1,224,224,3`; `?` or `None` leaves a dimension open.

    Returns:
        Shapes by input name.

    Raises:
        ArgumentError: If a text is something else.
    """
    return dict(_input_shape(text) for text in texts)


def _input_shape(text: str) -> tuple[str, tuple[int | None, ...]]:
    name, _, dims = text.rpartition(":")
    try:
        shape = tuple(None if dim.strip() in ("?", "None") else int(dim) for dim in dims.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or any(dim is not None and dim < 1 for dim in shape):
        raise ArgumentError(f"--input_shape: expected NAME:1,224,224,3; got {text!r}")
    return name, shape


@contextlib.contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show tfq's warnings as it shows errors, and nobody else's."""

    def show(message: Any, *_: Any, **__: Any) -> None:
        print_warning(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ConversionWarning)
        warnings.showwarning = show
        yield

"""The shapes a model is converted with: devices want every dimension known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from tfq.convert.sources import InputSpec
from tfq.errors import ArgumentError

Shape = tuple[int | None, ...]


def resolve(
    inputs: Sequence[InputSpec], batch_size: int | None, input_shapes: Mapping[str, Shape]
) -> tuple[InputSpec, ...]:
    """Applies what the user says of shapes.

    Args:
        inputs: the model's own; None where it leaves a dimension open.
        batch_size: for an open first dimension; None leaves it open.
        input_shapes: whole shapes with the batch, by input name.

    Raises:
        ArgumentError: `batch_size` is not positive, or `input_shapes` is no dictionary of shapes,
            names no input or contradicts the model.
    """
    check_batch_size(batch_size)
    if not isinstance(input_shapes, Mapping):
        raise ArgumentError(
            f"input_shapes: expected shapes by input name; got {type(input_shapes).__name__}"
        )
    known = [spec.name for spec in inputs]
    for name in input_shapes:
        if name not in known:
            raise ArgumentError(
                f"input_shapes: no input is named {name!r}; the model has {', '.join(known)}"
            )
    return tuple(
        _asked(spec, input_shapes[spec.name])
        if spec.name in input_shapes
        else replace(spec, shape=_fill(spec.shape, (batch_size,)))
        for spec in inputs
    )


def check_batch_size(batch_size: Any) -> None:
    """Refuses what is no batch.

    Raises:
        ArgumentError: it is neither None nor an integer of 1 or more.
    """
    if batch_size is not None and not _is_size(batch_size):
        raise ArgumentError(f"batch_size: expected 1 or more, or None for open; got {batch_size!r}")


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def fill(inputs: Sequence[InputSpec], samples: Mapping[str, Shape]) -> tuple[InputSpec, ...]:
    """Fills dimensions that are still open from the shape of a sample.

    Args:
        inputs: the model's.
        samples: shapes of one sample, with a batch axis, by input name.
    """
    return tuple(
        replace(spec, shape=_fill(spec.shape, (None, *samples[spec.name][1:]))) for spec in inputs
    )


def _fill(shape: Shape, dims: Shape) -> Shape:
    padded = (*dims, *([None] * len(shape)))
    return tuple(dim if own is None else own for own, dim in zip(shape, padded, strict=False))


def _asked(spec: InputSpec, asked: Any) -> InputSpec:
    shape = tuple(asked) if isinstance(asked, Sequence) else ()
    fits = len(shape) == len(spec.shape) and all(
        dim == own if own is not None else dim is None or _is_size(dim)
        for own, dim in zip(spec.shape, shape, strict=True)
    )
    if not fits or not isinstance(asked, Sequence):
        found = list(shape) if shape else repr(asked)
        raise ArgumentError(f"input_shapes: expected a shape that fits {spec}; got {found}")
    return replace(spec, shape=shape)

"""The shapes a model is converted with: devices want every dimension known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
        ArgumentError: `batch_size` is not positive, or `input_shapes` names no input or contradicts
            the model.
    """
    if batch_size is not None and batch_size < 1:
        raise ArgumentError(f"batch_size: expected 1 or more, or None for open; got {batch_size}")
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


def _asked(spec: InputSpec, shape: Shape) -> InputSpec:
    fits = len(shape) == len(spec.shape) and all(
        own is None or own == dim for own, dim in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        raise ArgumentError(f"input_shapes: expected a shape that fits {spec}; got {list(shape)}")
    return replace(spec, shape=tuple(shape))

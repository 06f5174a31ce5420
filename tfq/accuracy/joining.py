"""Samples that run together: few large runs take less time than many small ones."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tfq.accuracy.isolated import is_pure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    from tfq.model import Model

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# Kernels may sum in another order where there is more to sum: as a share of the largest number.
_NEAR = 1e-5


def joins(model: Model) -> bool:
    """Say whether a model takes any number of samples along the first axis, and keeps no state."""
    shapes = [each.shape_signature for each in model.inputs]
    return all(shape and shape[0] < 0 for shape in shapes) and all(map(is_pure, model.operators))


def joined(samples: Iterable[Sample], most: int) -> Iterator[Sample]:
    """Yield samples, so many of the same shapes at a time joined along the first axis.

    Args:
        samples: Values by the name of each input, with the batch axis.
        most: How many may be joined.
    """
    for _, alike in itertools.groupby(samples, shapes_of):
        while some := list(itertools.islice(alike, most)):
            yield join(some) if len(some) > 1 else some[0]


def join(samples: Sequence[Sample]) -> dict[str, Array]:
    """Return samples of the same shapes joined along the first axis."""
    import numpy as np

    return {name: np.concatenate([each[name] for each in samples]) for name in samples[0]}


def shapes_of(sample: Sample) -> list[tuple[int, ...]]:
    """Return the shape of each value."""
    return [each.shape for each in sample.values()]


def are_joined(together: Sequence[Array], apart: Sequence[Sequence[Array]]) -> bool:
    """Say whether values that were computed together are those that were computed one by one.

    An operator may look at several samples at once, or have another axis come first.

    Args:
        together: What a run of joined samples left in each of several tensors.
        apart: Likewise, of each sample on its own.
    """
    return all(map(_are_rows, together, *apart))


def _are_rows(whole: Array, *rows: Array) -> bool:
    import numpy as np

    if not all(each.ndim for each in rows):
        return False
    wanted = np.concatenate(rows)
    if wanted.shape != whole.shape:
        return False
    if np.array_equal(whole, wanted):
        return True
    near = _NEAR * float(np.abs(wanted).max(initial=0))
    return bool(np.allclose(whole, wanted, rtol=0, atol=near, equal_nan=True))

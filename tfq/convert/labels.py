"""Labels as an array: one a sample, in its first axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BOX = 5
"""Numbers a box: ymin, xmin, ymax, xmax, class."""


def as_array(labels: Any) -> Array:
    """Return labels as one array, whatever they are.

    Args:
        labels: an array, or a sequence of numbers or arrays.

    Returns:
        The array. Boxes, [boxes, 5] a sample, may differ in number: rows of -1 are added, which
        are no boxes. Other labels that differ in shape are an array of objects.
    """
    try:
        return np.asarray(labels)
    except ValueError:  # they differ in shape
        return _joined([as_array(each) for each in labels])


def _joined(labels: Sequence[Array]) -> Array:
    joined = np.empty(len(labels), object)
    if all(each.shape[1:] == (BOX,) or each.shape == (0,) for each in labels):
        joined = np.full((len(labels), max(map(len, labels)), BOX), -1.0)
    for place, label in enumerate(labels):
        if joined.ndim == 1:
            joined[place] = label
        else:
            joined[place, : len(label)] = label.reshape(-1, BOX)
    return joined

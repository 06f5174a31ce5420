"""Mean average precision of boxes, as COCO defines it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tfq.model import Model

Array = np.ndarray[Any, Any]

POSTPROCESS = "TFLite_Detection_PostProcess"
THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Of intersection over union, from which on a box is found (https://cocodataset.org)."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST = 100
"""So many boxes of a class count in an image, those with the highest scores (likewise)."""


class BoxOutputs(NamedTuple):
    """Which outputs say what of the boxes.

    Attributes:
        boxes: [1, n, 4]: ymin, xmin, ymax, xmax.
        classes: [1, n].
        scores: [1, n].
        number: how many of the n there are; None if all are.
    """

    boxes: int
    classes: int
    scores: int
    number: int | None


def box_outputs(model: Model) -> BoxOutputs | None:
    """Find the outputs of a detector: by the operator that makes them, else by their shapes.

    Args:
        model: Any model.

    Returns:
        Their places; None if it is no detector.
    """
    places = {tensor.index: place for place, tensor in enumerate(model.outputs)}
    for operator in model.operators:
        if operator.name == POSTPROCESS:
            made = [places.get(each.index, -1) for each in operator.outputs if each is not None]
            return BoxOutputs(*made) if len(made) == 4 and min(made) >= 0 else None
    shapes = [tensor.shape_signature for tensor in model.outputs]
    boxes = [place for place, shape in enumerate(shapes) if len(shape) == 3 and shape[2] == 4]
    if len(boxes) != 1 or len(shapes) not in (3, 4):
        return None
    rows = shapes[boxes[0]][:2]
    each = [place for place, shape in enumerate(shapes) if shape == rows]
    counts = [place for place in range(len(shapes)) if place not in (*boxes, *each)]
    if len(each) != 2 or any(math.prod(shapes[place]) not in (1, -1) for place in counts):
        return None
    return BoxOutputs(boxes[0], each[0], each[1], counts[0] if counts else None)


class BoxScorer:
    """Collects, of each image and class, the scores of the boxes and which of them are right."""

    def __init__(self, places: BoxOutputs) -> None:
        """Start with no image.

        Args:
            places: Which outputs say what.
        """
        self._places = places
        self._boxes: dict[int, int] = {}
        self._scores: dict[int, list[Array]] = {}
        self._right: dict[int, list[Array]] = {}

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Take in one image.

        Args:
            outputs: The model's.
            label: [boxes, 5]: ymin, xmin, ymax, xmax, class; rows of negative classes are padding.
        """
        boxes, classes, scores = self._answer(outputs)
        truth = np.asarray(label, np.float64).reshape(-1, 5)
        truth = truth[truth[:, 4] >= 0]
        for number in {*truth[:, 4].astype(int).tolist(), *classes.tolist()}:
            wanted = truth[truth[:, 4] == number, :4]
            mine = classes == number
            order = np.argsort(-scores[mine], kind="stable")[:_MOST]
            self._boxes[number] = self._boxes.get(number, 0) + len(wanted)
            self._scores.setdefault(number, []).append(scores[mine][order])
            right = _matches(_overlaps(boxes[mine][order], wanted))
            self._right.setdefault(number, []).append(right)

    def _answer(self, outputs: Sequence[Array]) -> tuple[Array, Array, Array]:
        places = self._places
        boxes = outputs[places.boxes].reshape(-1, 4).astype(np.float64)
        classes = outputs[places.classes].ravel().astype(np.float64)
        scores = outputs[places.scores].ravel().astype(np.float64)
        count = len(boxes)
        if places.number is not None:
            count = int(np.nan_to_num(outputs[places.number].astype(np.float64)).sum())
        kept = np.isfinite(scores) & np.isfinite(classes) & (np.arange(len(scores)) < count)
        return boxes[kept], classes[kept].astype(int), scores[kept]

    def result(self) -> dict[str, float]:
        """Return the means over the classes that have boxes: of all thresholds, and of 0.5."""
        precisions = [
            _precisions(np.concatenate(self._scores[each]), np.concatenate(self._right[each]), n)
            for each, n in self._boxes.items()
            if n
        ]
        if not precisions:
            return {"map": math.nan, "map50": math.nan}
        means = np.mean(precisions, axis=0)
        return {"map": float(means.mean()), "map50": float(means[0])}


def _overlaps(boxes: Array, wanted: Array) -> Array:
    """Intersection over union, [boxes, wanted]; 0 where a box is none."""
    low = np.maximum(boxes[:, None, :2], wanted[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], wanted[None, :, 2:])
    both = (high - low).clip(0).prod(axis=2)
    union = _areas(boxes)[:, None] + _areas(wanted)[None] - both
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.where(union > 0, both / union, 0.0))


def _areas(boxes: Array) -> Array:
    areas: Array = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas


def _matches(overlaps: Array) -> Array:
    """Which boxes are right, [boxes, thresholds]: each takes the nearest that is still free."""
    right = np.zeros((len(overlaps), len(THRESHOLDS)), bool)
    if not overlaps.size:
        return right
    for column, threshold in enumerate(THRESHOLDS):
        free = np.ones(overlaps.shape[1], bool)
        for row, overlap in enumerate(overlaps):
            nearest = int(np.where(free, overlap, -1.0).argmax())
            if free[nearest] and overlap[nearest] >= threshold:
                free[nearest] = False
                right[row, column] = True
    return right


def _precisions(scores: Array, right: Array, boxes: int) -> Array:
    """Average precision for each threshold: the mean over 101 recalls of the best from there on."""
    if not len(scores):
        return np.zeros(len(THRESHOLDS))
    found = right[np.argsort(-scores, kind="stable")].cumsum(axis=0)
    recall = found / boxes
    precision = found / np.arange(1, len(scores) + 1)[:, None]
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    best = np.vstack([best, np.zeros(len(THRESHOLDS))])
    means = [
        best[np.searchsorted(recall[:, column], _RECALLS), column].mean()
        for column in range(len(THRESHOLDS))
    ]
    return np.array(means)

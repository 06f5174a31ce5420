"""Adds up how well a model does its job, one sample at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tfq.errors import ArgumentError, CalibrationDataError, one_line, users_code

Array = np.ndarray[Any, Any]

IGNORED = 255
"""The label of pixels that do not count, as in PASCAL VOC and Cityscapes; so are negative ones."""
MOST_CLASSES = 1 << 16


class Scorer(Protocol):
    """What a metric knows of the samples so far."""

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Take in one sample.

        Args:
            outputs: The model's, with the batch axis of 1 where they have one.
            label: Of this sample.

        Raises:
            CalibrationDataError: If the label has another size than the output.
        """

    def result(self) -> dict[str, float]:
        """Return the scores by name, the principal one first; NaN where there is nothing."""


def _check_size(expected: int, label: Array) -> None:
    if label.size != expected:
        raise CalibrationDataError(
            f"labels: expected {expected:,} value{'' if expected == 1 else 's'} a sample, as the "
            f"output has; got {label.size:,}"
        )


def rank_of_class(scores: Array, label: Array) -> Array:
    """How many classes are before the label's: those of a higher score, and equal ones before it.

    Args:
        scores: [..., classes].
        label: integers, one for each row of scores.

    Returns:
        One integer a row: 0 where `argmax` finds the label; more than there are classes where the
        label is none of them or a score is NaN.
    """
    rows = scores.reshape(-1, scores.shape[-1])
    _check_size(len(rows), label)
    classes = rows.shape[1]
    wanted = label.ravel().astype(np.int64)[:, None]
    own = np.take_along_axis(rows, wanted.clip(0, classes - 1), axis=1)
    before = (rows > own) | ((rows == own) & (np.arange(classes) < wanted))
    answers = (wanted >= 0) & (wanted < classes) & ~np.isnan(rows).any(axis=1, keepdims=True)
    return np.where(answers[:, 0], before.sum(axis=1), classes + 1)


def rank_of_one_hot(scores: Array, label: Array) -> Array:
    """Likewise, with labels that hold a 1 in the place of their class."""
    _check_size(scores.size, label)
    return rank_of_class(scores, label.reshape(-1, scores.shape[-1]).argmax(axis=1))


def rank_of_two(score: Array, label: Array) -> Array:
    """0 where a sigmoid's output is above 0.5 and the label is 1, or neither; else 1."""
    _check_size(score.size, label)
    answers = np.isfinite(score.ravel())
    return np.where(answers & ((score.ravel() > 0.5) == (label.ravel() == 1)), 0, 1)


def rank_of_index(index: Array, label: Array) -> Array:
    """0 where an output that is the class itself is the label, else 1."""
    _check_size(index.size, label)
    return np.where(index.ravel() == label.ravel(), 0, 1)


class TopScorer:
    """The shares of labels that are the model's first choice, and among its first five."""

    def __init__(
        self, place: int, rank: Callable[[Array, Array], Array], *, counts_five: bool
    ) -> None:
        """Start with no sample.

        Args:
            place: Which output has the answer.
            rank: What number a label is among the answers.
            counts_five: Whether there are more than five classes.
        """
        self._place, self._rank = place, rank
        self._within = {"top1": 1, "top5": 5} if counts_five else {"top1": 1}
        self._hits = dict.fromkeys(self._within, 0)
        self._labels = 0

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Take in one sample."""
        ranks = self._rank(outputs[self._place], np.asarray(label))
        self._labels += ranks.size
        for name, most in self._within.items():
            self._hits[name] += int(np.count_nonzero(ranks < most))

    def result(self) -> dict[str, float]:
        """Return the shares."""
        return {name: _share(hits, self._labels) for name, hits in self._hits.items()}


class IouScorer:
    """Mean intersection over union, of the classes that occur in labels or answers.

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.3.
    """

    def __init__(self, place: int, answer: Callable[[Array], Array]) -> None:
        """Start with no sample.

        Args:
            place: Which output has the answer.
            answer: Makes it class indices, one a pixel.
        """
        self._place, self._answer = place, answer
        # By class: pixels with both, pixels of the label, pixels of the answer.
        self._counts = np.zeros((3, 1), np.int64)

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Take in one sample."""
        found = self._answer(outputs[self._place]).ravel()
        truth = np.asarray(label).ravel().astype(np.int64)
        _check_size(found.size, truth)
        counts = (truth >= 0) & (truth != IGNORED)
        found, truth = found[counts], truth[counts]
        rows = [_counted(each) for each in (truth[truth == found], truth, found)]
        size = max(self._counts.shape[1], *map(len, rows))
        total = np.zeros((3, size), np.int64)
        total[:, : self._counts.shape[1]] = self._counts
        for row, more in zip(total, rows, strict=True):
            row[: len(more)] += more
        self._counts = total

    def result(self) -> dict[str, float]:
        """Return the mean over classes, and the share of right pixels."""
        both, truth, found = self._counts
        union = truth + found - both
        occurs = union > 0
        mean = float((both[occurs] / union[occurs]).mean()) if occurs.any() else math.nan
        return {"miou": mean, "pixel_accuracy": _share(int(both.sum()), int(truth.sum()))}


def _counted(classes: Array) -> Array:
    """How often each class occurs; what can be none is left out."""
    kept = classes[(classes >= 0) & (classes < MOST_CLASSES)]
    return np.bincount(kept.astype(np.int64))


def best_class(scores: Array) -> Array:
    """The class with the highest score, for each pixel."""
    classes: Array = scores.argmax(axis=-1)
    return classes


def above_half(scores: Array) -> Array:
    """Class 1 where a sigmoid's output is above 0.5, else 0."""
    return (scores > 0.5).astype(np.int64)


def the_class(index: Array) -> Array:
    """Outputs that are classes already."""
    return index


class ErrorScorer:
    """Mean absolute error and the root of the mean squared one, in the units of the labels."""

    def __init__(self, place: int, names: Sequence[str]) -> None:
        """Start with no sample.

        Args:
            place: Which output has the answer.
            names: "mae" and "rmse", the principal one first.
        """
        self._place, self._names = place, names
        self._sum = self._squares = 0.0
        self._values = 0

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Take in one sample."""
        found = outputs[self._place].astype(np.float64).ravel()
        wanted = np.asarray(label).astype(np.float64).ravel()
        _check_size(found.size, wanted)
        difference = found - wanted
        self._sum += float(np.abs(difference).sum())
        self._squares += float(np.square(difference).sum())
        self._values += found.size

    def result(self) -> dict[str, float]:
        """Return both errors."""
        errors = {
            "mae": _share(self._sum, self._values),
            "rmse": math.sqrt(_share(self._squares, self._values)),
        }
        return {name: errors[name] for name in self._names}


class FunctionScorer:
    """What the user's own function says; it sees all samples at once."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        """Start with no sample.

        Args:
            name: What to call it.
            function: From the outputs, each [samples, ...], and the labels to a number or numbers
                by name.
        """
        self._name, self._function = name, function
        self._outputs: list[list[Array]] = []
        self._labels: list[Any] = []

    def add(self, outputs: Sequence[Array], label: Any) -> None:
        """Keep one sample."""
        self._outputs.append([np.atleast_1d(each) for each in outputs])
        self._labels.append(label)

    def result(self) -> dict[str, float]:
        """Call the function.

        Raises:
            ArgumentError: If it fails, or returns something else than numbers.
        """
        # What it returns may be of the user's own class: to look at it runs more of that code.
        with users_code(f"metric {self._name} fails", ArgumentError):
            columns = [np.concatenate(column) for column in zip(*self._outputs, strict=True)]
            return self._numbers(self._function(columns, np.asarray(self._labels)))

    def _numbers(self, found: Any) -> dict[str, float]:
        scores = found if isinstance(found, Mapping) else {self._name: found}
        try:
            numbers = {str(name): float(score) for name, score in scores.items()}
        except (TypeError, ValueError, OverflowError):
            numbers = {}
        if not numbers:
            raise ArgumentError(
                f"metric {self._name}: expected a number or numbers by name; got "
                f"{one_line(repr(found), 80)}"
            )
        return numbers


def _share(part: float, whole: int) -> float:
    return part / whole if whole else math.nan

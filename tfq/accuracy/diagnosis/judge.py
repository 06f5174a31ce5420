"""Runs models on the evaluation data, beside the float model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfq.accuracy.diagnosis.closeness import class_outputs, is_close
from tfq.accuracy.diagnosis.result import Evaluation
from tfq.errors import (
    ArgumentError,
    CalibrationDataError,
    ConversionError,
    InvalidModelError,
    MissingDependencyError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.accuracy.comparison import Comparison
    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.model import Model

MOST_SAMPLES = 500
"""More change figures little: a share of 90 % has a standard error of 1.3 points."""

# What a model may lack, or what a mode cannot do: a row of the table, not the end.
_REASONS = (
    ArgumentError,
    CalibrationDataError,
    ConversionError,
    InvalidModelError,
    MissingDependencyError,
)


class Judged(NamedTuple):
    """A model with what came of it.

    Attributes:
        evaluation: Its row.
        model: The model; None if it could not be made or run.
        comparison: With the float model; None likewise.
    """

    evaluation: Evaluation
    model: Model | None = None
    comparison: Comparison | None = None


class Judge:
    """The float model with the evaluation data; models come to it one by one.

    Attributes:
        classes: Which outputs hold classes for sure.
    """

    def __init__(self, model: Model, samples: Samples, metric: Metric | None) -> None:
        """Hold what models are judged by.

        Args:
            model: The float model.
            samples: Read with its inputs.
            metric: Of the labels; None without.
        """
        from tfq.accuracy.comparison import Reference

        self._reference = Reference(model, samples, metric)
        self.classes = class_outputs(model)

    def float_row(self) -> Evaluation:
        """Return the row of the float model.

        Raises:
            InvalidModelError: If it does not run.
        """
        return Evaluation("float", "float32", self._reference.scores)

    def judge(self, name: str, what: str, make: Callable[[], Model]) -> Judged:
        """Make a model and run it.

        Args:
            name: What to call it.
            what: How it is made, in the words of `tfq convert`.
            make: Makes it; what it raises because a mode or an operator is not supported becomes
                the row's reason.
        """
        from tfq.accuracy.comparison import against

        try:
            model = make()
            found = against(self._reference, model)
        except _REASONS as error:
            return Judged(Evaluation(name, what, error=str(error)))
        row = Evaluation(
            name,
            what,
            None if found.candidate_scores is None else dict(found.candidate_scores),
            found.sqnr,
            min(each.sqnr for each in found.outputs),
            found.agreement,
            is_close(found, self.classes),
        )
        return Judged(row, model, found)


def some(samples: Samples, most: int) -> Samples:
    """Return at most so many samples, from everywhere in the data.

    Args:
        samples: All of them.
        most: How many to keep.
    """
    from tfq.convert.calibration import Samples as Kept

    size = len(samples)
    if size <= most:
        return samples
    # Not every n-th: data often come in cycles of their classes.
    places = sorted({(2 * index + 1) * size // (2 * most) for index in range(most)})
    columns = {name: [column[each] for each in places] for name, column in samples.columns.items()}
    return Kept(columns, None if samples.labels is None else samples.labels[places])

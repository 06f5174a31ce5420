"""Runs models on the evaluation data, beside the float model, and says which are close to it.

Close are 99 % of the float model's score. MLPerf Inference asks as much of quantized models: in
its closed division, where retraining is not allowed, the quality target of image classification,
object detection, segmentation, speech and language is "99% of FP32" (MLCommons, MLPerf Inference
Rules, "Constraints for the Closed division", github.com/mlcommons/inference_policies,
inference_rules.adoc). It is not the only figure there: some of these tasks may also be entered at
99.9 %, and for MobileNet-v1 the first edition (v0.5) asked 98 %.

Without labels no standard says how much noise is too much. 20 dB are a convention of this package:
noise of the same 1 %, but of the power of each output, so that the root mean square of the error is
a tenth of the output's. It is on the safe side of the one figure that a vendor gives: of Hailo's
tools, 10 dB at the outputs "should be fine", with one layer in integers
(community.hailo.ai/t/snr-value-not-higher-than-10/1931). Decibels do not foretell a metric; outputs
that hold classes are therefore also close if they name the same classes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tfq.accuracy.diagnosis.result import Evaluation
from tfq.errors import (
    ArgumentError,
    CalibrationDataError,
    ConversionError,
    InvalidModelError,
    MissingDependencyError,
)
from tfq.numerics.noise import clamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfq.accuracy.comparison import Comparison
    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.model import Model

SHARE = 0.99
"""Of the float model's score, or of the samples with its class."""

SQNR = 20.0
"""Decibels of outputs that hold no classes."""

ERROR_SQNR = 40.0
"""Decibels with which an error such as the RMSE may rise by more: there is next to no noise."""

FREE_SAMPLES = 2
"""So many samples may go wrong whatever the share: with few samples one is more than 1 %."""

MOST_SAMPLES = 500
"""More change figures little: a share of 90 % has a standard error of 1.3 points."""


class Room(NamedTuple):
    """How much may be run.

    Attributes:
        least: So many samples in any case.
        macs: Multiply-accumulates that all samples together may take.
    """

    least: int
    macs: float


SCORED, COMPARED = Room(100, 3e10), Room(32, 1e10)
"""With labels and without: decibels are a mean over all values, and need fewer samples."""

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
        return Evaluation("float", "float32", scores=self._reference.scores)

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
            scores=None if found.candidate_scores is None else dict(found.candidate_scores),
            sqnr=found.sqnr,
            worst=clamped(min(each.sqnr for each in found.outputs)),
            agreement=found.agreement,
            close=is_close(found, self.classes),
        )
        return Judged(row, model, found)


def some(samples: Samples, most: int) -> Samples:
    """Return at most so many samples, from everywhere in the data.

    Args:
        samples: All of them.
        most: How many to keep.
    """
    size = len(samples)
    if size <= most:
        return samples
    # Not every n-th: data often come in cycles of their classes.
    return picked(samples, sorted({(2 * index + 1) * size // (2 * most) for index in range(most)}))


def picked(samples: Samples, places: Sequence[int]) -> Samples:
    """Return the samples at some places.

    Args:
        samples: All of them.
        places: Of those to keep.
    """
    columns = {name: [column[each] for each in places] for name, column in samples.columns.items()}
    labels = None if samples.labels is None else samples.labels[list(places)]
    return replace(samples, columns=columns, labels=labels)


def affordable(model: Model, room: Room, most: int = MOST_SAMPLES) -> int:
    """Return how many samples of a model are run, so that a dozen models are run in minutes.

    Args:
        model: The float model.
        room: What they may take.
        most: So many at most.
    """
    each = sum(operator.macs for operator in model.operators)
    return max(room.least, min(most, int(room.macs / max(each, 1))))


def class_outputs(model: Model) -> frozenset[int]:
    """Return which outputs of a model hold classes for sure: a SOFTMAX or LOGISTIC made them.

    The largest of other numbers may mean nothing, as that of the corners of a box.
    """
    producers = [tensor.producer for tensor in model.outputs]
    return frozenset(
        index
        for index, each in enumerate(producers)
        if each is not None and each.name in ("SOFTMAX", "LOG_SOFTMAX", "LOGISTIC")
    )


def is_close(comparison: Comparison, classes: frozenset[int]) -> bool:
    """Say whether a model is close to the float model.

    Args:
        comparison: Of the two, on the evaluation data. Its scores decide where there are any, else
            its outputs: each must be close.
        classes: Which outputs hold classes, of `class_outputs`.
    """
    wanted, found = comparison.reference_scores, comparison.candidate_scores
    if wanted and found:
        first = next(iter(wanted))
        return _score_is_close(comparison, wanted[first], found[first])
    least = 1 - max(1 - SHARE, FREE_SAMPLES / max(comparison.samples, 1))
    return all(
        each.sqnr >= SQNR
        or (index in classes and each.agreement is not None and each.agreement >= least)
        for index, each in enumerate(comparison.outputs)
    )


def _score_is_close(comparison: Comparison, wanted: float, found: float) -> bool:
    if not math.isfinite(wanted) or not math.isfinite(found):
        return False
    slack = (1 - SHARE) * abs(wanted)
    if not comparison.higher_is_better:
        return found <= wanted + slack or comparison.sqnr >= ERROR_SQNR
    if comparison.metric == "top1":
        slack = max(slack, FREE_SAMPLES / max(comparison.samples, 1))
    # A share of samples is a sum of fractions: the last bit must not decide.
    return found >= wanted - slack - 1e-9


def thresholds(metric: str | None, higher_is_better: bool, has_classes: bool) -> tuple[str, ...]:
    """Say what counts as close.

    Args:
        metric: Of the scores; None without labels.
        higher_is_better: Whether a larger score is a better one.
        has_classes: Whether an output holds classes.

    Returns:
        A sentence for each rule that was applied.
    """
    if metric is not None and not higher_is_better:
        return (
            f"close: {metric} at most {1 - SHARE:.0%} above float's, or outputs with at least "
            f"{ERROR_SQNR:g} dB",
        )
    few = f", or all but {FREE_SAMPLES} samples"
    if metric is not None:
        slack = few if metric == "top1" else ""
        return (f"close: {metric} at least {SHARE:.0%} of float's{slack}",)
    found = f"close: each output at least {SQNR:g} dB (noise of 1 %) against float's"
    if has_classes:
        found += f", or, of classes, float's top-1 for at least {SHARE:.0%} of the samples{few}"
    return (found,)

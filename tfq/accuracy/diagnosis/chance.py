"""Is a change of the data better on all samples, and beyond what several tries find by luck?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tfq.accuracy.shares import SHARES
from tfq.errors import Error

if TYPE_CHECKING:
    from tfq.accuracy.metrics import Metric
    from tfq.accuracy.scoring import Scorer
    from tfq.convert.calibration import Samples
    from tfq.model import Model

LEVEL = 0.01
"""The chance that any of the tries is called better though none is."""

# Metrics that mean something for a single sample.
_OF_ONE = (*SHARES, "mae", "rmse")
# A function of the user's own may need several samples, as a correlation does.
_PARTS = 25


class Scored(NamedTuple):
    """How a model does on samples.

    Attributes:
        score: On all of them.
        parts: On each sample, or on each of some parts where the metric may need several samples;
            NaN where there is no score.
    """

    score: float
    parts: tuple[float, ...]


def scored(model: Model, samples: Samples, metric: Metric) -> Scored:
    """Run a model and score it, in all and part by part.

    Args:
        model: The float model.
        samples: With labels.
        metric: Of these.

    Raises:
        tfq.Error: If it does not run, or a function of the user's own fails on all samples.
    """
    from tfq.accuracy.comparison import Reference

    size = 1 if metric.name in _OF_ONE else math.ceil(len(samples) / _PARTS)
    labels = samples.labels
    assert labels is not None
    whole, part, parts = metric.scorer(), metric.scorer(), []
    for step in Reference(model, samples).steps():
        for count, row in enumerate(step.rows(step.outputs), step.first + 1):
            whole.add(row, labels[count - 1])
            part.add(row, labels[count - 1])
            if count % size == 0 or count == len(samples):
                parts.append(_principal(part))
                part = metric.scorer()
    return Scored(float(next(iter(whole.result().values()))), tuple(parts))


def is_beyond_chance(before: Scored, after: Scored, *, higher: bool, tries: int) -> bool:
    """Say whether samples got better more often than a fair coin would have it.

    The sign test (for right and wrong answers McNemar's, exact), one-sided: of the samples whose
    score changed, half would be better by chance. Its level is divided by the number of tries
    (Bonferroni), as the luckiest of many is looked at.

    Args:
        before: With the data as they are.
        after: With a change.
        higher: Whether a larger score is a better one.
        tries: How many changes were tried.
    """
    sign = 1 if higher else -1
    signs = [_better(sign * a, sign * b) for a, b in zip(before.parts, after.parts, strict=True)]
    return sign_test(signs.count(1), signs.count(-1)) <= LEVEL / max(tries, 1)


def sign_test(better: int, worse: int) -> float:
    """Return the probability that a fair coin falls on one side at least so often.

    Args:
        better: How often it did.
        worse: How often it did not.
    """
    count = better + worse
    return sum(math.comb(count, each) for each in range(better, count + 1)) / (1 << count)


def _better(before: float, after: float) -> int:
    """Return 1 for better, -1 for worse, 0 for neither; any score is better than none."""
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) - math.isnan(after)
    return (after > before) - (after < before)


def _principal(part: Scorer) -> float:
    try:
        return float(next(iter(part.result().values())))
    except (Error, ArithmeticError, LookupError, ValueError):
        return math.nan

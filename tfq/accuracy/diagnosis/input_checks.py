"""Does the float model do its job on these data, and if not, which usual mistake explains it?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.diagnosis.changed_inputs import changes, extents, swapped_too
from tfq.accuracy.diagnosis.judge import COMPARED, affordable, picked, some
from tfq.accuracy.diagnosis.result import Cause, Check
from tfq.accuracy.shares import SHARES
from tfq.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from tfq.accuracy.diagnosis.changed_inputs import Changed
    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.model import Model

    Array = np.ndarray[Any, Any]

MOST_SAMPLES = 100
"""So many are run with each change, of large models fewer: what helps gains tens of points."""

# Outputs that are kept to be scored with other labels.
_MOST_BYTES = 1 << 26
# A score that is not further than so many standard deviations from those with shuffled labels is
# chance.
_SHUFFLES, _DEVIATIONS = 30, 4.0
# With fewer samples nothing can be told from chance.
_LEAST_SAMPLES = 20
# What helps gains so many points, and more than two standard errors; an error falls to this part.
_LEAST_GAIN = 0.05
_ERROR_LEFT = 0.75


class InputReport(NamedTuple):
    """What the float model says of the data.

    Attributes:
        checks: What was tried, the largest gain first.
        causes: Outputs that never change or are not finite.
        unchecked: What could not be checked, a sentence each.
        is_chance: Whether the score is no better than with labels at random.
        is_broken: Whether an output is not finite, or none ever changes.
        higher_is_better: Of the checks' scores.
    """

    checks: tuple[Check, ...]
    causes: tuple[Cause, ...]
    unchecked: tuple[str, ...]
    is_chance: bool
    is_broken: bool
    higher_is_better: bool = True

    @property
    def helping(self) -> tuple[Check, ...]:
        """The changes that help."""
        return tuple(each for each in self.checks if each.helps)

    @property
    def is_bad(self) -> bool:
        """Whether the float model itself is the first thing to look at."""
        return bool(self.helping) or self.is_broken or self.is_chance


def check_inputs(model: Model, samples: Samples, metric: Metric | None) -> InputReport:
    """Run a float model on samples as they are, and as they would be without a usual mistake.

    Args:
        model: The float model.
        samples: Read with its inputs; at most 100 are run.
        metric: Of the labels; None without, when only the outputs can be looked at.

    Raises:
        InvalidModelError: If it does not run.
    """
    few = some(samples, affordable(model, COMPARED, MOST_SAMPLES))
    outputs = list(_outputs(model, few))
    causes = tuple(_output_causes(model, outputs))
    # One output of several may be constant on purpose.
    never = sum(each.kind == "constant_output" for each in causes)
    is_broken = len(causes) > never or never == len(model.outputs) > 0
    if metric is None or samples.labels is None:
        reason = (
            "without labels, the scale of the inputs, the order of their channels and the numbers "
            "of the labels cannot be checked: float's own outputs are taken as right"
        )
        return InputReport((), causes, (reason,), False, is_broken)
    few = picked(few, range(len(outputs)))
    if len(few) < _LEAST_SAMPLES:
        many = f"{len(few)} sample{'' if len(few) == 1 else 's'}"
        reason = f"{many} with labels: too few to tell a mistake in the data from chance"
        return InputReport((), causes, (reason,), False, is_broken)
    scorer = _Scorer(model, few, metric)
    before = scorer.score(outputs, few.labels)
    limit = _chance(scorer, outputs)
    tried: list[Check] = []
    if metric.name not in SHARES or before < 1 - _LEAST_GAIN:
        tried = [*_label_checks(scorer, outputs, before), *_input_checks(scorer, before)]
    reason = "all labels are the same: whether the float model does better than chance is not seen"
    unchecked = (reason,) if limit is None else ()
    is_chance = scorer.is_within(before, limit)
    checks, higher = _best_first(tried, scorer, limit), metric.higher_is_better
    return InputReport(checks, causes, unchecked, is_chance, is_broken, higher)


def _best_first(tried: Sequence[Check], scorer: _Scorer, limit: float | None) -> tuple[Check, ...]:
    """Sort checks; where one of them explains it, those that gain not half as much do not."""
    most = max((each.gain for each in tried if each.helps), default=0.0)
    return tuple(
        replace(
            each,
            helps=each.helps and 2 * each.gain >= most and not scorer.is_within(each.score, limit),
        )
        for each in sorted(tried, key=lambda each: -each.gain)
    )


class _Scorer:
    """Scores outputs, and runs the model on changed inputs."""

    def __init__(self, model: Model, samples: Samples, metric: Metric) -> None:
        self.model, self.samples, self.metric = model, samples, metric

    def score(self, outputs: Iterable[list[Array]], labels: Any) -> float:
        scorer = self.metric.scorer()
        for row, label in zip(outputs, labels, strict=True):
            scorer.add(row, label)
        return float(next(iter(scorer.result().values())))

    def gain(self, before: float, after: float) -> float:
        return after - before if self.metric.higher_is_better else before - after

    def is_within(self, score: float, limit: float | None) -> bool:
        """Whether a score is no better than a limit."""
        return limit is not None and not self.gain(limit, score) > 0

    def check(self, name: str, advice: str, before: float, after: float) -> Check:
        return Check(name, advice, after, self.gain(before, after), self._helps(before, after))

    def _helps(self, before: float, after: float) -> bool:
        if not math.isfinite(after):
            return False
        if not math.isfinite(before):
            return True
        if not self.metric.higher_is_better:
            return after <= _ERROR_LEFT * before
        size = max(abs(before), abs(after), 1.0)
        share = min(max(before / size, 0.0), 1.0)
        # Of a share of samples; for other scores only a measure of how few samples there are.
        error = math.sqrt(max(share * (1 - share), 0.01) / len(self.samples))
        return after - before >= size * max(_LEAST_GAIN, 2 * error)


def _outputs(model: Model, samples: Samples) -> Iterator[list[Array]]:
    """Run the samples; of large outputs those of the first few."""
    from tfq.accuracy.comparison import Reference

    room = _MOST_BYTES
    for step in Reference(model, samples).steps():
        yield from step.rows(step.outputs)
        room -= sum(each.nbytes for each in step.outputs)
        if room < 0:
            return


def _output_causes(model: Model, outputs: Sequence[list[Array]]) -> Iterator[Cause]:
    import numpy as np

    for name, column in zip(model.output_names, zip(*outputs, strict=True), strict=True):
        if column[0].dtype.kind != "f" or not column[0].size:
            continue
        broken = sum(not np.isfinite(each).all() for each in column)
        if broken:
            text = f"float's output {name!r} has NaN or infinity in {broken} of {len(column)}"
            yield Cause("not_finite", f"{text} samples", "mend the float model")
        elif len(column) > 1 and all(np.array_equal(each, column[0]) for each in column):
            text = f"float's output {name!r} is the same for all {len(column)} samples"
            yield Cause("constant_output", text, "look at the data, then at the float model")


def _chance(scorer: _Scorer, outputs: Sequence[list[Array]]) -> float | None:
    """Return the best score that labels in a random order may be expected to have.

    None where all labels are the same, so that their order does not matter.
    """
    import numpy as np

    labels = np.asarray(scorer.samples.labels)
    if all(np.array_equal(each, labels[0]) for each in labels):
        return None
    dice = np.random.RandomState(0)
    scores = [
        scorer.score(outputs, labels[dice.permutation(len(labels))]) for _ in range(_SHUFFLES)
    ]
    sign = 1 if scorer.metric.higher_is_better else -1
    return float(np.mean(scores) + sign * _DEVIATIONS * np.std(scores))


def _label_checks(
    scorer: _Scorer, outputs: Sequence[list[Array]], before: float
) -> Iterator[Check]:
    import numpy as np

    labels = np.asarray(scorer.samples.labels)
    if labels.dtype.kind not in "iu" or not scorer.metric.higher_is_better:
        return
    labels = labels.astype(np.int64)
    advice = {
        1: "add 1 to the labels: class 0 of the model is none of theirs, such as a background",
        -1: "take 1 from the labels: they begin with 1, the classes of the model with 0",
    }
    for step, text in advice.items():
        try:
            after = scorer.score(outputs, labels + step)
        except (Error, ArithmeticError, LookupError, ValueError):
            # A metric of the user's own need not know such a label.
            continue
        yield scorer.check(f"labels {step:+d}", text, before, after)


def _input_checks(scorer: _Scorer, before: float) -> Iterator[Check]:
    seen = extents(scorer.samples)
    tried: list[tuple[Check, Changed]] = []
    for change in changes(seen):
        check = _tried(scorer, change, before)
        tried.append((check, change))
        yield check
    if not tried:
        return
    best, change = max(tried, key=lambda each: each[0].gain)
    has_colours = any(each.is_image and each.channels == 3 for each in seen.values())
    if has_colours and best.name.startswith("as "):
        again = _tried(scorer, swapped_too(change), before)
        # Two changes at once must be better than the one alone.
        yield again if again.gain > best.gain else replace(again, helps=False)


def _tried(scorer: _Scorer, change: Changed, before: float) -> Check:
    from tfq.accuracy.comparison import Reference

    columns = {
        name: [_changed(each, change) for each in column] if name in change.applies_to else column
        for name, column in scorer.samples.columns.items()
    }
    changed = replace(scorer.samples, columns=columns)
    scores = Reference(scorer.model, changed, scorer.metric).scores
    assert scores is not None
    return scorer.check(change.name, change.advice, before, float(next(iter(scores.values()))))


def _changed(value: Array, change: Changed) -> Array:
    import numpy as np

    return np.ascontiguousarray(change.apply(value), dtype=np.float32)

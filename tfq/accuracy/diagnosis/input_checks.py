"""Does the float model do its job on these data, and if not, which usual mistake explains it?"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.diagnosis.chance import is_beyond_chance, scored
from tfq.accuracy.diagnosis.changed_inputs import changes, extents, swapped_too
from tfq.accuracy.diagnosis.judge import COMPARED, affordable, picked, some
from tfq.accuracy.diagnosis.result import Cause, Check
from tfq.accuracy.shares import SHARES
from tfq.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np

    from tfq.accuracy.diagnosis.changed_inputs import Changed
    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.model import Model

    Array = np.ndarray[Any, Any]

MOST_SAMPLES = 100
"""So many are run with each change, of large models fewer; what seems to help is run on all."""

# Outputs that are kept to be scored with other labels.
_MOST_BYTES = 1 << 26
# A score that is not further than so many standard deviations from those with shuffled labels is
# chance.
_SHUFFLES, _DEVIATIONS = 30, 4.0
# With fewer samples nothing can be told from chance.
_LEAST_SAMPLES = 20
# What helps gains so many points, or an error falls to this part.
_LEAST_GAIN = 0.05
_ERROR_LEFT = 0.75
# A metric need not know changed labels, nor a model run on changed inputs.
_UNFIT = (Error, ArithmeticError, LookupError, ValueError)


class InputReport(NamedTuple):
    """What the float model says of the data.

    Attributes:
        checks: What was tried: what helps first, then the largest gain.
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
    def is_void(self) -> bool:
        """Whether the float model says nothing that others could be compared with."""
        return self.is_broken or self.is_chance


class _Try(NamedTuple):
    """One change of data or labels."""

    name: str
    advice: str
    apply: Callable[[Samples], Samples]


def check_inputs(model: Model, samples: Samples, metric: Metric | None) -> InputReport:
    """Run a float model on samples as they are, and as they would be without a usual mistake.

    Args:
        model: The float model.
        samples: All that are judged, read with its inputs. Changes are tried on at most 100; what
            seems to help is run on all.
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
    checks: tuple[Check, ...] = ()
    if metric.name not in SHARES or before < 1 - _LEAST_GAIN:
        checks = _Screening(scorer, before, limit, samples).checks()
    reason = "all labels are the same: whether the float model does better than chance is not seen"
    unchecked = (reason,) if limit is None else ()
    is_chance = scorer.is_within(before, limit)
    return InputReport(checks, causes, unchecked, is_chance, is_broken, metric.higher_is_better)


class _Scorer:
    """Scores outputs, and says what a gain is."""

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

    def is_enough(self, before: float, after: float) -> bool:
        """Whether a score is better by so much that it matters."""
        if not math.isfinite(after):
            return False
        if not math.isfinite(before):
            return True
        if not self.metric.higher_is_better:
            return after <= _ERROR_LEFT * before
        return after - before >= _LEAST_GAIN * max(abs(before), abs(after), 1.0)


class _Screening:
    """Changes that were tried on some samples; what seems to help there is run on all."""

    def __init__(
        self, scorer: _Scorer, before: float, limit: float | None, samples: Samples
    ) -> None:
        """Try them.

        Args:
            scorer: Has the model and some of the samples.
            before: Its score on these.
            limit: What labels at random reach; None where that is not known.
            samples: All that are judged.
        """
        self._scorer, self._before, self._limit = scorer, before, limit
        self._samples = samples
        self._tries: list[tuple[_Try, Check]] = []
        for each in _label_tries(scorer):
            self._try(each)
        self._try_inputs()

    def checks(self) -> tuple[Check, ...]:
        """Return them, those first that help on all samples, then by gain."""
        screened = _leading([check for _, check in self._tries])
        if any(each.helps for each in screened):
            tried = [each for each, _ in self._tries]
            pairs = zip(tried, screened, strict=True)
            screened = _leading(list(self._confirmed(pairs)))
        return tuple(sorted(screened, key=lambda each: (not each.helps, -each.gain)))

    def _confirmed(self, pairs: Iterable[tuple[_Try, Check]]) -> Iterator[Check]:
        model, metric = self._scorer.model, self._scorer.metric
        before = scored(model, self._samples, metric)
        for each, check in pairs:
            if not check.helps:
                yield check
                continue
            try:
                after = scored(model, each.apply(self._samples), metric)
            except _UNFIT:
                yield replace(check, helps=False)
                continue
            found = self._check(each, before.score, after.score, len(self._samples))
            higher, tries = metric.higher_is_better, len(self._tries)
            is_real = is_beyond_chance(before, after, higher=higher, tries=tries)
            yield replace(found, helps=found.helps and is_real)

    def _check(self, tried: _Try, before: float, after: float, count: int) -> Check:
        scorer = self._scorer
        helps = scorer.is_enough(before, after) and not scorer.is_within(after, self._limit)
        gain = scorer.gain(before, after)
        return Check(tried.name, tried.advice, after, gain, count, helps)

    def _try(self, tried: _Try) -> Check | None:
        """Try a change; None if there is no score with it."""
        scorer = self._scorer
        try:
            after = _score(scorer.model, tried.apply(scorer.samples), scorer.metric)
        except _UNFIT:
            return None
        check = self._check(tried, self._before, after, len(scorer.samples))
        self._tries.append((tried, check))
        return check

    def _try_inputs(self) -> None:
        seen = extents(self._samples)
        made = [(each, self._try(_of_inputs(each))) for each in changes(seen)]
        done = [(each, check) for each, check in made if check is not None]
        if not done:
            return
        change, best = max(done, key=lambda each: each[1].gain)
        has_colours = any(each.is_image and each.channels == 3 for each in seen.values())
        if has_colours and best.name.startswith("as "):
            again = self._try(_of_inputs(swapped_too(change)))
            # Two changes at once must be better than the one alone.
            if again is not None and again.gain <= best.gain:
                tried, check = self._tries.pop()
                self._tries.append((tried, replace(check, helps=False)))


def _leading(checks: Sequence[Check]) -> list[Check]:
    """Where one change explains it, those that gain not half as much do not."""
    most = max((each.gain for each in checks if each.helps), default=0.0)
    return [replace(each, helps=each.helps and 2 * each.gain >= most) for each in checks]


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


def _label_tries(scorer: _Scorer) -> Iterator[_Try]:
    import numpy as np

    labels = np.asarray(scorer.samples.labels)
    if labels.dtype.kind not in "iu" or not scorer.metric.higher_is_better:
        return
    advice = {
        1: "add 1 to the labels: class 0 of the model is none of theirs, such as a background",
        -1: "take 1 from the labels: they begin with 1, the classes of the model with 0",
    }
    for step, text in advice.items():
        yield _Try(f"labels {step:+d}", text, partial(_relabelled, step))


def _relabelled(step: int, samples: Samples) -> Samples:
    import numpy as np

    return replace(samples, labels=np.asarray(samples.labels).astype(np.int64) + step)


def _of_inputs(change: Changed) -> _Try:
    def apply(samples: Samples) -> Samples:
        columns = {
            name: [_changed(each, change) for each in column]
            if name in change.applies_to
            else column
            for name, column in samples.columns.items()
        }
        return replace(samples, columns=columns)

    return _Try(change.name, change.advice, apply)


def _score(model: Model, samples: Samples, metric: Metric) -> float:
    from tfq.accuracy.comparison import Reference

    scores = Reference(model, samples, metric).scores
    assert scores is not None
    return float(next(iter(scores.values())))


def _changed(value: Array, change: Changed) -> Array:
    import numpy as np

    return np.ascontiguousarray(change.apply(value), dtype=np.float32)

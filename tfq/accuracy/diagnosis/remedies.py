"""What can be done against the cost of 8 bits: each is made and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.diagnosis.command import flags_of
from tfq.accuracy.diagnosis.result import Remedy

if TYPE_CHECKING:
    from tfq.accuracy.diagnosis.judge import Judge, Judged
    from tfq.model import Model
    from tfq.profiles import Profile

COSTS = (
    "nothing",
    "a scale a channel",
    "16 bits in some layers",
    "16-bit activations",
)
"""What a remedy costs on the device, the least first."""

# Decibels; less is what other samples would make of it.
_LEAST_GAIN = 0.5
_RANGES = ("moving_average", "percentile:99.99", "mse", "entropy")
RECALIBRATED = "calibrated on evaluation data"

Options = Mapping[str, Any]


class Attempt(NamedTuple):
    """Something to try.

    Attributes:
        name: In a few words.
        cost: An index into `COSTS`.
        options: Of the conversion.
        recalibrated: Whether the evaluation data serve as calibration data.
        is_slow: Whether it takes so long that it is tried only if nothing else does.
        refines: The name of what it does more thoroughly, and so without use if that gains nothing.
    """

    name: str
    cost: int
    options: Options
    recalibrated: bool = False
    is_slow: bool = False
    refines: str | None = None

    @property
    def flags(self) -> str:
        """The options as flags of `tfq convert`."""
        return flags_of(self.options)


def attempts(
    granularity: str,
    ends: Sequence[str],
    worst: Sequence[str],
    *,
    other_calibration: bool,
    has_candidate: bool,
) -> Iterator[Attempt]:
    """List what to try, the cheapest on the device first; of that, the quickest to make.

    Args:
        granularity: Of the 8-bit model.
        ends: The keys of the first and the last convolution, where the outputs are no classes; else
            empty.
        worst: The keys of the layers that cost most.
        other_calibration: Whether calibration data are other than evaluation data.
        has_candidate: Whether the 8-bit model is not tfq's own.
    """
    eight: dict[str, Any] = {"mode": "full_integer", "granularity": granularity}
    if other_calibration:
        yield Attempt(RECALIBRATED, 0, eight | {"passes": "minmax"}, recalibrated=True)
    for each in ("equalize", "clip_weights"):
        yield Attempt(each, 0, eight | {"passes": each})
    for each in ("minmax", *_RANGES) if has_candidate else _RANGES:
        yield Attempt(f"ranges by {each}", 0, eight | {"passes": each})
    # All of one scheme in a row: they share what a conversion computes.
    usual = Attempt("accuracy=standard", 0, eight | {"accuracy": "standard"})
    yield usual
    best = eight | {"accuracy": "best"}
    yield Attempt("accuracy=best", 0, best, is_slow=True, refines=usual.name)
    for name, keys in (("the worst layers", worst), ("first and last conv", ends)):
        if keys:
            terms = ["equalize", *dict.fromkeys(f"int16:{pattern(each)}" for each in keys)]
            yield Attempt(f"int16 for {name}", 2, eight | {"passes": terms}, is_slow=True)
    mixed = eight | {"passes": "equalize,int16:10%"}
    yield Attempt("int16 for 10 % of the MACs", 2, mixed, is_slow=True)
    if granularity == "per_tensor":
        fine = {"mode": "full_integer", "granularity": "per_channel"}
        yield Attempt("per_channel", 1, fine | {"passes": "minmax"})
        yield Attempt("per_channel with standard", 1, fine | {"accuracy": "standard"}, is_slow=True)
    int16 = {"mode": "int16x8", "granularity": granularity}
    yield Attempt("int16x8", 3, int16, is_slow=True)


def pattern(key: str) -> str:
    """Return what `--passes=int16:…` calls an activation, without what it would take otherwise.

    Args:
        key: Of `tfq.passes.ranges.activation_keys`.
    """
    if key == key.strip() and "," not in key and not key.endswith("%"):
        return key
    # A comma would end the term, a percent sign make it a share, spaces at its ends vanish.
    text = key.replace("[", "[[]").replace(",", "?")
    text = text[:-1] + "?" if text.endswith(("%", " ")) else text
    return "?" + text[1:] if text.startswith(" ") else text


def try_all(
    listed: Iterable[Attempt], run: Callable[[Attempt], Remedy]
) -> tuple[tuple[Remedy, ...], tuple[str, ...]]:
    """Make and measure attempts; the slow ones only if nothing cheaper on the device is close.

    Args:
        listed: Of `attempts`, in the order in which they are tried.
        run: Makes and measures one.

    Returns:
        The remedies, ranked, and what was not tried for what reason, a sentence each.
    """
    found: dict[str, Remedy] = {}
    left: dict[str, list[str]] = {}
    for each in listed:
        reason = _needless(each, found)
        if reason is None:
            found[each.name] = run(each)
        else:
            left.setdefault(reason, []).append(each.name)
    texts = tuple(f"not tried, as {reason}: {', '.join(names)}" for reason, names in left.items())
    return tuple(sorted(found.values(), key=_order)), texts


def _needless(attempt: Attempt, found: Mapping[str, Remedy]) -> str | None:
    """Say why something slow need not be tried; None if it must be."""
    if not attempt.is_slow:
        return None
    does = [each for each in found.values() if each.allowed and each.evaluation.close]
    if any(COSTS.index(each.cost) <= attempt.cost for each in does):
        return "something that costs no more on the device is close"
    refined = found.get(attempt.refines or "")
    if refined is not None and not _gains(refined):
        return f"{refined.name}, which it refines, gains nothing"
    return None


def _gains(remedy: Remedy) -> bool:
    return (remedy.gain_sqnr or 0) >= _LEAST_GAIN or (remedy.gain_score or 0) > 0


class Trial:
    """Makes what is tried, and says what it gained."""

    def __init__(
        self,
        judge: Judge,
        base: Judged,
        device: Profile | None,
        convert: Callable[[Attempt], Model],
    ) -> None:
        """Hold what remedies are measured against.

        Args:
            judge: Has the evaluation data.
            base: The 8-bit model.
            device: What must take the result; None for any.
            convert: Makes what is tried.
        """
        self._judge, self._base, self._device, self._convert = judge, base, device, convert
        self._broken = _errors(base.model, device)

    def run(self, attempt: Attempt) -> Remedy:
        """Make one attempt and measure it."""
        judged = self._judge.judge(attempt.name, attempt.flags, lambda: self._convert(attempt))
        row, before = judged.evaluation, self._base.evaluation
        gain = None if row.worst is None or before.worst is None else row.worst - before.worst
        points = None if row.score is None or before.score is None else row.score - before.score
        higher = judged.comparison is None or judged.comparison.higher_is_better
        if points is not None and not higher:
            points = -points
        new = _errors(judged.model, self._device)
        refused = next((text for rule, text in new.items() if rule not in self._broken), None)
        return Remedy(
            name=attempt.name,
            flags=attempt.flags,
            cost=COSTS[attempt.cost],
            evaluation=row,
            gain_sqnr=gain,
            gain_score=points,
            allowed=refused is None,
            reason=refused,
        )


def recommended(remedies: Sequence[Remedy]) -> Remedy | None:
    """Return the first of ranked remedies if it is worth it."""
    made = (each for each in remedies if each.allowed and each.evaluation.error is None)
    first = next(made, None)
    return first if first and (first.evaluation.close or _gains(first)) else None


def _order(remedy: Remedy) -> tuple[bool, bool, bool, int, float]:
    # What the device takes and is close comes first, the cheapest of it before.
    row = remedy.evaluation
    cost = COSTS.index(remedy.cost) if row.close else 0
    # All that are close do the job; decibels tell them apart better than a sample more or less.
    points = 0.0 if row.close else 1000 * (remedy.gain_score or 0.0)
    gain = points + (remedy.gain_sqnr or 0.0)
    return row.error is not None, not remedy.allowed, not row.close, cost, -gain


def _errors(model: Model | None, device: Profile | None) -> dict[str, str]:
    """Return by rule the first error that lint finds."""
    from tfq.lint import lint

    if model is None or device is None:
        return {}
    found: dict[str, str] = {}
    for each in lint(model, device).findings:
        if each.severity == "error":
            found.setdefault(each.rule, f"{each.rule}: {each.message}")
    return found

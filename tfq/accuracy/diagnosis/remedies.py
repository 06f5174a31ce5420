"""What can be done against the cost of 8 bits: each is made and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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

_LEAST_GAIN = 0.5
# Decibels; less is what other samples would make of it.
_RANGES = ("moving_average", "percentile:99.99", "mse", "entropy")
RECALIBRATED = "calibrated on the evaluation data"

Options = Mapping[str, Any]


class Attempt(NamedTuple):
    """Something to try.

    Attributes:
        name: In a few words.
        cost: An index into `COSTS`.
        options: Of the conversion.
        recalibrated: Whether the evaluation data serve as calibration data.
        is_slow: Whether it takes so long that it is tried only if nothing else does.
    """

    name: str
    cost: int
    options: Options
    recalibrated: bool = False
    is_slow: bool = False

    @property
    def flags(self) -> str:
        """The options as flags of `tfq convert`."""
        return flags_of(self.options)


def flags_of(options: Options) -> str:
    """Return options of a conversion as flags of `tfq convert`."""
    import shlex

    words = []
    for name, value in options.items():
        text = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
        words.append(shlex.quote(f"--{name}={text}"))
    return " ".join(words)


def attempts(
    granularity: str, ends: Sequence[str], *, other_calibration: bool
) -> Iterator[Attempt]:
    """List what to try, the cheapest first.

    Args:
        granularity: Of the 8-bit model.
        ends: What `--passes=int16:…` calls the first and the last convolution, where the outputs
            are no classes; else empty.
        other_calibration: Whether calibration data are other than evaluation data.
    """
    eight: dict[str, Any] = {"mode": "full_integer", "granularity": granularity}
    if other_calibration:
        yield Attempt(RECALIBRATED, 0, eight | {"passes": "minmax"}, recalibrated=True)
    yield Attempt("equalize", 0, eight | {"passes": "equalize"})
    for each in _RANGES:
        yield Attempt(f"ranges by {each}", 0, eight | {"passes": each})
    yield Attempt("accuracy=standard", 0, eight | {"accuracy": "standard"})
    if granularity == "per_tensor":
        fine = {"mode": "full_integer", "granularity": "per_channel", "accuracy": "standard"}
        yield Attempt("per_channel", 1, fine)
    yield Attempt("int16x8", 3, {"mode": "int16x8", "granularity": granularity})
    yield Attempt("accuracy=best", 0, eight | {"accuracy": "best"}, is_slow=True)
    if ends:
        terms = ["equalize", *[f"int16:{each}" for each in ends]]
        name = "int16 for the first and last convolution"
        yield Attempt(name, 2, eight | {"passes": terms}, is_slow=True)
    mixed = eight | {"passes": "equalize,int16:10%"}
    yield Attempt("int16 for 10 % of the MACs", 2, mixed, is_slow=True)


def try_all(attempts: Iterable[Attempt], trial: Trial) -> tuple[tuple[Remedy, ...], list[str]]:
    """Make and measure attempts; the slow ones only if nothing cheaper on the device is close.

    Args:
        attempts: In the order in which they are tried.
        trial: Makes them.

    Returns:
        The remedies, ranked, and the names of what was not tried.
    """
    found: list[Remedy] = []
    left = []
    for each in attempts:
        if each.is_slow and any(_does(remedy, each.cost) for remedy in found):
            left.append(each.name)
        else:
            found.append(trial.run(each))
    return tuple(sorted(found, key=_order)), left


def _does(remedy: Remedy, cost: int) -> bool:
    """Say whether a remedy does the job, for no more than a cost."""
    return remedy.allowed and bool(remedy.evaluation.close) and COSTS.index(remedy.cost) <= cost


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
        gain = None if row.sqnr is None or before.sqnr is None else row.sqnr - before.sqnr
        points = None if row.score is None or before.score is None else row.score - before.score
        higher = judged.comparison is None or judged.comparison.higher_is_better
        if points is not None and not higher:
            points = -points
        new = _errors(judged.model, self._device)
        refused = next((text for rule, text in new.items() if rule not in self._broken), None)
        return Remedy(
            attempt.name,
            attempt.flags,
            COSTS[attempt.cost],
            row,
            gain,
            points,
            refused is None,
            refused,
        )


def recommended(remedies: Sequence[Remedy]) -> Remedy | None:
    """Return the first of ranked remedies if it is worth it."""
    first = next(
        (each for each in remedies if each.allowed and each.evaluation.error is None), None
    )
    if first is None:
        return None
    gains = (first.gain_sqnr or 0) >= _LEAST_GAIN or (first.gain_score or 0) > 0
    return first if first.evaluation.close or gains else None


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

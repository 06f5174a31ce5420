"""Which row to ship, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tfq.sweep.result import Row

SAME_SIZE = 1.02
"""Files within 2 % of the smallest count as equally small: records in them differ in length."""
BLOCK = 4096
"""So do files within as many bytes: a sector of serial NOR flash, and a block of most file systems.
What a file takes is rounded up to these, so nothing that fits better is bought with fewer bytes."""
SAME_LATENCY = 1.25
"""Rows within 25 % of the fastest count as equally fast: a median of few runs is no surer."""
_ROUNDING = 1e-9
_SHARES = ("top1", "agreement")


class Wish(NamedTuple):
    """What is asked of a row.

    Attributes:
        profiles: The devices that it must pass.
        max_drop: The most that it may lose.
    """

    profiles: tuple[str, ...]
    max_drop: float

    def passes(self, row: Row) -> bool:
        """Whether a row passes every device."""
        return (
            row.ok and all(name in row.profiles for name in self.profiles) and not self.failed(row)
        )

    def failed(self, row: Row) -> list[str]:
        """The devices that a row does not pass."""
        return [
            name for name in self.profiles if name in row.profiles and not row.profiles[name].ok
        ]

    def is_accurate(self, row: Row) -> bool:
        """Whether a row loses no more than it may; what it loses must be known."""
        return row.ok and row.drop is not None and row.drop <= self.max_drop + _ROUNDING


class Recommendation(NamedTuple):
    """Which row, and why.

    Attributes:
        row: Its name; None if none fits.
        reason: One or two sentences.
    """

    row: str | None
    reason: str


class Measure(NamedTuple):
    """What accuracy was measured as.

    Attributes:
        metric: Its name; None for nothing.
        data: What on.
        samples: How many.
    """

    metric: str | None
    data: str | None
    samples: int | None

    def drop(self, value: float) -> str:
        """A drop in words: `0.02 of top1`."""
        if self.metric == "sqnr":
            return f"{value:.3g} relative error"
        return f"{value:.3g} of {self.metric}"

    @property
    def ground(self) -> str:
        """What it stands on, such as `on the evaluation data (50 samples: one is 0.02)`."""
        count = self.samples or 1
        one = f": one is {1 / count:.3g}" if self.metric in _SHARES else ""
        return f"on the {self.data} ({count} sample{'' if count == 1 else 's'}{one})"


def best(rows: Iterable[Row], wish: Wish) -> str | None:
    """Choose the smallest row that fits.

    Of rows about as small (`SAME_SIZE`, `BLOCK`), those that lose least; of these, the fast ones;
    of these, the one whose outputs are closest to float32's.

    Returns:
        Its name; None if none fits.
    """
    fitting = [row for row in rows if wish.passes(row) and wish.is_accurate(row)]
    if not fitting:
        return None
    fitting = _small(fitting)
    least = min(_drop(row) for row in fitting)
    fitting = [row for row in fitting if _drop(row) <= least + _ROUNDING]
    known = [row.latency_ms for row in fitting if row.latency_ms is not None]
    if known:
        limit = SAME_LATENCY * min(known)
        fitting = [row for row in fitting if row.latency_ms is not None and row.latency_ms <= limit]
    return max(fitting, key=_sqnr).name


def _small(fitting: Sequence[Row]) -> list[Row]:
    """Return the rows about as small as the smallest."""
    smallest = min(row.size or 0 for row in fitting)
    limit = max(SAME_SIZE * smallest, smallest + BLOCK)
    return [row for row in fitting if (row.size or 0) <= limit]


def recommend(rows: Sequence[Row], wish: Wish, measure: Measure) -> Recommendation:
    """Choose a row, or say what is in the way.

    Args:
        rows: All of the sweep.
        wish: What is asked of it.
        measure: What accuracy was measured as, for the reason.
    """
    if measure.metric is None:
        return Recommendation(None, "nothing was evaluated: there are no data")
    name = best(rows, wish)
    if name is None:
        return Recommendation(None, _obstacle(rows, wish, measure))
    fitting = [row for row in rows if wish.passes(row) and wish.is_accurate(row)]
    row = next(row for row in rows if row.name == name)
    asked = [f"pass {_and(wish.profiles)}"] if wish.profiles else []
    asked.append(f"lose at most {measure.drop(wish.max_drop)}")
    lost = _drop(row)
    loses = f"it loses {measure.drop(lost)}" if lost > 0 else "it loses nothing"
    return Recommendation(name, f"{_merit(fitting)} {_and(asked)}; {loses} {measure.ground}")


def _merit(fitting: Sequence[Row]) -> str:
    """Say what the best of the rows that fit is among them."""
    count, small = len(fitting), len(_small(fitting))
    if count == 1:
        return "the only one to"
    if small == 1:
        return f"the smallest of the {count} that"
    if small == count:
        return f"the best of the {count}, about equally small, that"
    return f"the best of the {small} that are about as small as the smallest of the {count} that"


def _obstacle(rows: Sequence[Row], wish: Wish, measure: Measure) -> str:
    """Say what comes nearest, and what blocks it."""
    limit = measure.drop(wish.max_drop)
    passing = [row for row in rows if wish.passes(row) and row.drop is not None]
    accurate = [row for row in rows if wish.is_accurate(row)]
    said = []
    if passing:
        row = min(passing, key=_drop)
        passes = f"passes {_and(wish.profiles)}" if wish.profiles else "is the most accurate"
        said.append(f"{row.name} {passes}, but loses {measure.drop(_drop(row))}, more than {limit}")
    elif wish.profiles:
        said.append(f"no row passes {_and(wish.profiles)}")
    if accurate and wish.profiles:
        row = min(accurate, key=lambda each: _errors(each, wish.profiles))
        found = [
            f"{name} ({_counted(row.profiles[name].errors, 'error')})" for name in wish.failed(row)
        ]
        said.append(f"{row.name} is accurate enough, but fails {_and(found)}")
    if not any(row.drop is not None for row in rows):
        said.append("no row could be evaluated")
    return f"{'; '.join(said)}; {measure.ground}"


def _errors(row: Row, profiles: Iterable[str]) -> int:
    return sum(row.profiles[name].errors for name in profiles if name in row.profiles)


def _drop(row: Row) -> float:
    """What a row loses; to be better than float32 is luck, and no reason to prefer it."""
    return max(row.drop, 0.0) if row.drop is not None else math.inf


def _sqnr(row: Row) -> float:
    return row.sqnr if row.sqnr is not None else -math.inf


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _and(words: Sequence[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last

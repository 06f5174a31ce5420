"""What is kept of the values of one activation: extremes, their means, and a histogram.

Everything can be merged, so that samples may be spread over workers, and every way of choosing a
range (`ranges`) is made of it, so that the data are run once. In which order samples are seen, and
how they are split, makes no difference but for the rounding of the sums of extremes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.errors import CalibrationDataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 2048
# Of a large activation so many values go into the histogram; all into the extremes.
_SAMPLED = 1 << 12
# Bins are so wide at least: below are only values that float32 holds as denormal numbers.
_FINEST = -126
# No value is more bins away from 0: float64 and int64 count them exactly.
_FARTHEST = 40
_LARGEST_EXPONENT = 200
# What a file may say: what float32 holds, and counts whose sums int64 holds.
LARGEST = math.ldexp(1.0, 128)
MOST_COUNTED = 1 << 48


class Histogram:
    """Counts of values in bins whose width is a power of two and whose borders are multiples of it.

    Where values do not fit into `BINS` bins, pairs of bins become one: so two histograms can always
    be brought to the same bins, and added. The bins are as fine as all values allow, and so do not
    depend on the order in which the values came.

    Attributes:
        exponent: The bins are 2^exponent wide.
        start: The first bin's lower border, in bins from 0.
        counts: How many values other than 0 are in each bin, from the smallest that was seen to the
            largest.
    """

    def __init__(
        self, exponent: int = _FINEST, start: int = 0, counts: Array | None = None
    ) -> None:
        """Make a histogram; without counts an empty one."""
        import numpy as np

        self.exponent = exponent
        self.start = start
        self.counts = np.zeros(0, np.int64) if counts is None else counts

    def add(self, values: Array, low: float, high: float) -> None:
        """Count values, but for those that are exactly 0.

        Args:
            values: Finite float32 numbers.
            low: A number not above any of them.
            high: A number not below any of them.
        """
        import numpy as np

        exponent = max(_least_exponent(low, high), self.exponent)
        start = _place(low, exponent)
        # Exact: a product with a power of two that does not underflow, then differences of whole
        # numbers.
        exact = np.float32 if -127 < exponent <= 0 else np.float64
        places = values.ravel() * exact(math.ldexp(1.0, -exponent))
        np.floor(places, out=places)
        places -= start
        size = _place(high, exponent) - start + 1
        counts = np.bincount(places.astype(np.int64), minlength=size)
        zeros = values.size - np.count_nonzero(values)
        if zeros:
            counts[-start] -= zeros
        self.merge(Histogram(exponent, start, counts))

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        if not other.counts.size:
            return
        if not self.counts.size:
            self.exponent, self.start, self.counts = other.exponent, other.start, other.counts
            return
        theirs = Histogram(other.exponent, other.start, other.counts)
        while theirs.exponent < self.exponent:
            theirs._coarsen()
        while self.exponent < theirs.exponent or self._span(theirs) > BINS:
            if self.exponent == theirs.exponent:
                theirs._coarsen()
            self._coarsen()
        self._count(theirs)

    def borders(self) -> Array:
        """Return the borders of the bins: one more than there are bins."""
        import numpy as np

        places = np.arange(self.start, self.start + self.counts.size + 1, dtype=np.float64)
        found: Array = np.ldexp(places, self.exponent)
        return found

    def quantile(self, share: float) -> float:
        """Return the number below which a share of the values is, from 0 to 1.

        Values count as spread evenly over their bin.
        """
        import numpy as np

        total = np.concatenate([[0], np.cumsum(self.counts)])
        return float(np.interp(share * total[-1], total, self.borders()))

    def _span(self, other: Histogram) -> int:
        stop = max(self.start + self.counts.size, other.start + other.counts.size)
        return stop - min(self.start, other.start)

    def _coarsen(self) -> None:
        import numpy as np

        odd = self.start % 2
        counts = np.pad(self.counts, (odd, (self.counts.size + odd) % 2))
        self.counts = counts.reshape(-1, 2).sum(axis=1)
        self.start = (self.start - odd) // 2
        self.exponent += 1

    def _count(self, other: Histogram) -> None:
        import numpy as np

        first = min(self.start, other.start)
        total = np.zeros(self._span(other), np.int64)
        for each in (self, other):
            total[each.start - first : each.start - first + each.counts.size] += each.counts
        self.start, self.counts = first, total


def _place(value: float, exponent: int) -> int:
    """Return the bin of a value, in bins from 0."""
    return math.floor(math.ldexp(value, -exponent))


def _least_exponent(low: float, high: float) -> int:
    """Return the width of the finest bins into which a range fits."""
    finest = max(_FINEST, math.frexp(max(abs(low), abs(high)))[1] - _FARTHEST)
    # One bin more may be touched than the range is wide.
    found = max(math.frexp((high - low) / BINS)[1] - 2, finest)
    while _place(high, found) - _place(low, found) >= BINS:
        found += 1
    return found


def _sample(rows: Array) -> Array:
    """Return some of the values, from everywhere: equal steps would see few of the channels."""
    size = rows.shape[1]
    return rows if size <= _SAMPLED else rows[:, spread(size, _SAMPLED)]


def spread(size: int, count: int) -> Array:
    """Return places spread evenly over more of them, without a step that recurs.

    Args:
        size: How many places there are.
        count: How many to return.
    """
    import numpy as np

    # Multiples of the golden section are spread evenly, however many there are.
    step = int(size * (math.sqrt(5) - 1) / 2) | 1
    found: Array = np.arange(count) * step % size
    return found


class Extremes(NamedTuple):
    """How far the channels of one activation reach.

    Attributes:
        lows: The smallest value of each channel (last axis; one for a scalar), float32.
        highs: The largest.
    """

    lows: Array
    highs: Array

    def merged(self, other: Extremes) -> Extremes:
        """Return the extremes of what both saw.

        Raises:
            CalibrationDataError: If they have not as many channels.
        """
        import numpy as np

        _check_channels(self.lows, other.lows)
        return Extremes(np.minimum(self.lows, other.lows), np.maximum(self.highs, other.highs))

    @property
    def makes_sense(self) -> bool:
        """Whether these can be the extremes of anything: a file may say what it likes."""
        return self.lows.shape == self.highs.shape and bool((self.lows <= self.highs).all())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"lows": self.lows.tolist(), "highs": self.highs.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Extremes:
        """Read what `to_json` returned and the schema accepts."""
        import numpy as np

        return cls(np.asarray(data["lows"], np.float32), np.asarray(data["highs"], np.float32))


class Means(NamedTuple):
    """What the channels of one activation are in the mean.

    Attributes:
        totals: The sum of each channel (last axis; one for a scalar), float64.
        size: How many values of each were added.
    """

    totals: Array
    size: int

    @classmethod
    def of(cls, samples: Sequence[Array]) -> Means:
        """Take the sums of arrays of one shape with channels along their last axis."""
        import numpy as np

        values = np.stack(samples)
        channels = values.shape[-1]
        totals = values.reshape(-1, channels).sum(axis=0, dtype=np.float64)
        return cls(totals, values.size // channels if channels else 0)

    def merged(self, other: Means) -> Means:
        """Return the sums of what both saw.

        Raises:
            CalibrationDataError: If they have not as many channels.
        """
        _check_channels(self.totals, other.totals)
        return Means(self.totals + other.totals, self.size + other.size)

    @property
    def values(self) -> Array:
        """The mean of each channel."""
        found: Array = self.totals / max(self.size, 1)
        return found

    @property
    def makes_sense(self) -> bool:
        """Whether these can be the means of anything."""
        return self.size > 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"totals": self.totals.tolist(), "size": self.size}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Means:
        """Read what `to_json` returned and the schema accepts."""
        import numpy as np

        return cls(np.asarray(data["totals"], np.float64), int(data["size"]))


def _check_channels(known: Array, new: Array) -> None:
    if known.shape != new.shape:
        raise CalibrationDataError(
            f"ranges: expected {known.size} channels as before, got {new.size}"
        )


class Statistics:
    """What was seen of one activation.

    Attributes:
        samples: How often it was seen.
        low: Its smallest value.
        high: Its largest.
        lows: The sum of the smallest values of all samples.
        highs: The sum of the largest.
        histogram: How its values are distributed, those left out that are exactly 0: every range
            holds 0, without an error, and behind a ReLU half of all values are 0.
    """

    def __init__(self) -> None:
        """Have seen nothing."""
        self.samples = 0
        self.low, self.high = math.inf, -math.inf
        self.lows = self.highs = 0.0
        self.histogram = Histogram()

    def add(self, values: Sequence[Array]) -> int | None:
        """Look at the values of some samples.

        Args:
            values: Of each sample an array of one shape.

        Returns:
            None; or which of the samples is the first that is not finite: none then counts.
        """
        import numpy as np

        rows = np.stack(values) if len(values) > 1 else values[0][None]
        rows = rows.reshape(len(values), -1)
        if not rows.size:
            return None
        lows, highs = rows.min(axis=1), rows.max(axis=1)
        # NaN is the extreme of whatever it is among.
        finite = np.isfinite(lows) & np.isfinite(highs)
        if not finite.all():
            return int(finite.argmin())
        self.samples += len(values)
        self.low, self.high = min(self.low, float(lows.min())), max(self.high, float(highs.max()))
        self.lows += float(lows.sum(dtype=np.float64))
        self.highs += float(highs.sum(dtype=np.float64))
        self.histogram.add(_sample(rows), float(lows.min()), float(highs.max()))
        return None

    def merge(self, other: Statistics) -> None:
        """Add what somebody else saw of the same activation."""
        self.samples += other.samples
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.lows += other.lows
        self.highs += other.highs
        self.histogram.merge(other.histogram)

    @property
    def makes_sense(self) -> bool:
        """Whether these can be the statistics of anything: a file may say what it likes."""
        histogram = self.histogram
        edges = [abs(histogram.start), abs(histogram.start + histogram.counts.size)]
        return bool(
            self.low <= self.high
            and self.low * self.samples <= self.lows + _slack(self.lows)
            and self.highs <= self.high * self.samples + _slack(self.highs)
            and abs(histogram.exponent) <= _LARGEST_EXPONENT
            and max(edges) <= 1 << (_FARTHEST + 1)
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        histogram = self.histogram
        return {
            "samples": self.samples,
            "low": self.low,
            "high": self.high,
            "lows": self.lows,
            "highs": self.highs,
            "exponent": histogram.exponent,
            "start": histogram.start,
            "counts": histogram.counts.tolist(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Statistics:
        """Read what `to_json` returned and the schema accepts."""
        import numpy as np

        made = cls()
        made.samples = int(data["samples"])
        made.low, made.high = float(data["low"]), float(data["high"])
        made.lows, made.highs = float(data["lows"]), float(data["highs"])
        counts = np.asarray(data["counts"], np.int64)
        made.histogram = Histogram(int(data["exponent"]), int(data["start"]), counts)
        return made


def _slack(number: float) -> float:
    """Return how much a sum may be off because of rounding."""
    return abs(number) * 1e-6 + 1e-30

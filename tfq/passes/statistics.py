"""What is kept of the values of one activation: extremes, their means, and a histogram.

Everything can be merged, so that samples may be spread over workers, and every way of choosing a
range (`ranges`) is made of it, so that the data are run once.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 1024
# Of a large activation so many values go into the histogram; all into the extremes.
_SAMPLED = 1 << 14
# The width of the finest bins; below are only values that float32 holds as denormal numbers.
_FINEST = -126
_LARGEST_EXPONENT = 200


class Histogram:
    """Counts of values in bins whose width is a power of two and whose borders are multiples of it.

    Where values do not fit into `BINS` bins, pairs of bins become one: so two histograms can always
    be brought to the same bins, and added.

    Attributes:
        exponent: The bins are 2^exponent wide.
        start: The first bin's lower border, in bins from 0.
        counts: How many values are in each bin.
    """

    def __init__(
        self, exponent: int = _FINEST, start: int = 0, counts: Array | None = None
    ) -> None:
        """Make a histogram; without counts an empty one."""
        import numpy as np

        self.exponent = exponent
        self.start = start
        self.counts = np.zeros(0, np.int64) if counts is None else counts

    def add(self, values: Array) -> None:
        """Count finite values."""
        import numpy as np

        if values.size == 0:
            return
        low, high = float(values.min()), float(values.max())
        if not self.counts.size:
            span = max(high - low, abs(high), abs(low), math.ldexp(1.0, _FINEST)) / BINS
            self.exponent = max(math.frexp(span)[1], _FINEST)
        self._make_room(low, high)
        places = np.floor(np.ldexp(values.astype(np.float64), -self.exponent)).astype(np.int64)
        self._count(int(places.min()), np.bincount(places - places.min()))

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        if not other.counts.size:
            return
        theirs = Histogram(other.exponent, other.start, other.counts)
        if not self.counts.size:
            self.exponent = theirs.exponent
        while theirs.exponent < self.exponent:
            theirs._coarsen()
        while self.exponent < theirs.exponent:
            self._coarsen()
        while self._span(theirs.start, theirs.start + theirs.counts.size) > BINS:
            self._coarsen()
            theirs._coarsen()
        self._count(theirs.start, theirs.counts)

    def centers(self) -> Array:
        """Return the middle of each bin."""
        import numpy as np

        places = np.arange(self.start, self.start + self.counts.size) + 0.5
        found: Array = np.ldexp(places, self.exponent)
        return found

    def quantile(self, share: float) -> float:
        """Return the number below which a share of the values is, from 0 to 1, within a bin."""
        import numpy as np

        total = np.cumsum(self.counts)
        place = int(np.searchsorted(total, share * total[-1]))
        border = self.start + place + (1 if share > 0.5 else 0)
        return math.ldexp(border, self.exponent)

    def _span(self, start: int, stop: int) -> int:
        if not self.counts.size:
            return stop - start
        return max(stop, self.start + self.counts.size) - min(start, self.start)

    def _make_room(self, low: float, high: float) -> None:
        while True:
            start = math.floor(math.ldexp(low, -self.exponent))
            stop = math.floor(math.ldexp(high, -self.exponent)) + 1
            if self._span(start, stop) <= BINS:
                return
            self._coarsen()

    def _coarsen(self) -> None:
        import numpy as np

        odd = self.start % 2
        counts = np.pad(self.counts, (odd, (self.counts.size + odd) % 2))
        self.counts = counts.reshape(-1, 2).sum(axis=1)
        self.start = (self.start - odd) // 2
        self.exponent += 1

    def _count(self, start: int, counts: Array) -> None:
        import numpy as np

        first = min(start, self.start) if self.counts.size else start
        size = self._span(start, start + counts.size)
        total = np.zeros(size, np.int64)
        total[self.start - first : self.start - first + self.counts.size] = self.counts
        total[start - first : start - first + counts.size] += counts
        self.start, self.counts = first, total


def _sample(values: Array) -> Array:
    """Return some of the values, from everywhere: equal steps would see few of the channels."""
    import numpy as np

    if values.size <= _SAMPLED:
        return values
    # Multiples of the golden section are spread evenly, however many there are.
    step = int(values.size * (math.sqrt(5) - 1) / 2) | 1
    found: Array = values[np.arange(_SAMPLED) * step % values.size]
    return found


class Statistics:
    """What was seen of one activation.

    Attributes:
        samples: How often it was seen.
        low: Its smallest value.
        high: Its largest.
        lows: The sum of the smallest values of all samples.
        highs: The sum of the largest.
        histogram: How its values are distributed.
    """

    def __init__(self) -> None:
        """Have seen nothing."""
        self.samples = 0
        self.low, self.high = math.inf, -math.inf
        self.lows = self.highs = 0.0
        self.histogram = Histogram()

    def add(self, values: Array) -> None:
        """Look at the values of one sample; those that are not finite do not count."""
        import numpy as np

        values = values.ravel()
        if not np.isfinite(values).all():
            values = values[np.isfinite(values)]
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        self.samples += 1
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.lows += low
        self.highs += high
        self.histogram.add(_sample(values))

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
        return bool(
            self.samples > 0
            and math.isfinite(self.low + self.high + self.lows + self.highs)
            and self.low <= self.high
            and abs(histogram.exponent) <= _LARGEST_EXPONENT
            and 0 < histogram.counts.size <= BINS
            and histogram.counts.min() >= 0
            and histogram.counts.sum() > 0
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
        made.samples = data["samples"]
        made.low, made.high = float(data["low"]), float(data["high"])
        made.lows, made.highs = float(data["lows"]), float(data["highs"])
        counts = np.asarray(data["counts"], np.int64)
        made.histogram = Histogram(data["exponent"], data["start"], counts)
        return made

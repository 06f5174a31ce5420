"""The ways to choose the range of an activation from what was seen of it."""

from __future__ import annotations

import functools
import math

from tfq.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import numpy as np

    from tfq.passes.statistics import Statistics

    Array: TypeAlias = np.ndarray[Any, Any]
    Range = tuple[float, float]
    # Of what was seen, for so many bits, symmetric around 0 or not.
    Method = Callable[[Statistics, int, bool], Range]

# Searches try so many limits a side, each 4 % nearer to 0, down to a hundredth of what was seen.
_CANDIDATES, _LEAST_SHARE = 120, 0.01
# The search by entropy tries every so many of them, then those around the best.
_STRIDE = 4
# On average, for the search by entropy.
_LEAST_A_BIN = 4
# More bits leave nothing to gain: what is clipped costs more than the finer steps save.
_MOST_SEARCHED_BITS = 8


def method(text: str, bits: int) -> Method:
    """Return the way to choose a range that has a name.

    Args:
        text: As `Ranges.spans` takes it.
        bits: Of the integers.

    Raises:
        ArgumentError: If there is none of this name.
    """
    name, _, argument = text.partition(":")
    if name == "percentile":
        return _percentile(argument or "99.99")
    if argument or name not in _METHODS:
        known = ", ".join(sorted([*_METHODS, "percentile:99.99"]))
        raise ArgumentError(f"ranges: expected one of {known}, got {text!r}")
    if name in ("entropy", "mse") and bits > _MOST_SEARCHED_BITS:
        name = "minmax"
    return _METHODS[name]


def _percentile(argument: str) -> Method:
    try:
        percent = float(argument)
    except ValueError:
        percent = math.nan
    if not 50 < percent <= 100:
        raise ArgumentError(f"percentile: expected a number above 50 up to 100, got {argument!r}")

    def choose(seen: Statistics, bits: int, symmetric: bool) -> Range:
        del bits, symmetric
        if percent == 100 or not seen.histogram.counts.any():
            return seen.low, seen.high
        low = seen.histogram.quantile(1 - percent / 100)
        high = seen.histogram.quantile(percent / 100)
        # Those that are 0 are not counted, but in the range.
        if seen.low <= 0 <= seen.high:
            low, high = min(low, 0.0), max(high, 0.0)
        return _within(low, seen), _within(high, seen)

    return choose


def _within(limit: float, seen: Statistics) -> float:
    return min(max(limit, seen.low), seen.high)


def _minmax(seen: Statistics, bits: int, symmetric: bool) -> Range:
    del bits, symmetric
    return seen.low, seen.high


def _moving_average(seen: Statistics, bits: int, symmetric: bool) -> Range:
    del bits, symmetric
    low, high = seen.lows / seen.samples, seen.highs / seen.samples
    return _within(low, seen), _within(high, seen)


def _mse(seen: Statistics, bits: int, symmetric: bool) -> Range:
    """Clip where the squared error is smallest: of what is clipped, and of what is rounded.

    Rounding to steps of s costs s²/12 a value, and v² where the value v becomes 0.
    """
    import numpy as np

    if not _varied(seen):
        return seen.low, seen.high
    lows, highs = _candidates(seen, symmetric)
    steps = (highs - lows) / ((1 << bits) - (2 if symmetric else 1))
    moments = _Moments(seen)
    small = moments.below(steps / 2) - moments.below(-steps / 2)
    inside = moments.below(highs) - moments.below(lows)
    rounded = np.square(steps) / 12 * (inside[0] - small[0]) + small[2]
    best = int((rounded + moments.clipped(lows, highs)).argmin())
    return float(lows[best]), float(highs[best])


def _entropy(seen: Statistics, bits: int, symmetric: bool) -> Range:
    """Clip where the distribution of the quantized values is closest to that of the values.

    The search of TensorRT (S. Migacz, 8-bit Inference with TensorRT, GTC 2017), with limits on both
    sides. As there, values that are 0 are left out, and a range has as many bins as levels: with
    fewer nothing is lost by quantizing, and the narrowest range would always be the best. Few
    values say nothing of a distribution: of them all are kept.
    """
    counts = seen.histogram.counts
    if not _varied(seen) or counts.sum() < _LEAST_A_BIN * counts.size:
        return seen.low, seen.high
    best = min(seen.low, 0.0), max(seen.high, 0.0)
    if symmetric:
        best = min(best[0], -best[1]), max(best[1], -best[0])
    levels = (1 << bits) - (2 if symmetric else 1)
    for sides in ((1, 1),) if symmetric else ((1, 1), (1, 0), (0, 1)):
        best = _narrowed(seen, best, sides, levels)
    return best


def _narrowed(seen: Statistics, start: Range, sides: tuple[int, int], levels: int) -> Range:
    """Move one limit or both towards 0, to where the divergence is smallest."""
    import numpy as np

    borders = seen.histogram.borders()
    centers, counts = (borders[1:] + borders[:-1]) / 2, seen.histogram.counts.astype(np.float64)
    low, high = start
    pairs = [
        (low * (share if sides[0] else 1), high * (share if sides[1] else 1)) for share in _shares()
    ]
    least = levels * (borders[1] - borders[0])
    pairs = [pair for pair in pairs if pair[1] - pair[0] >= least] or pairs[:1]
    divergence = functools.cache(lambda at: _divergence(centers, counts, pairs[at], levels))
    rough = min(range(0, len(pairs), _STRIDE), key=divergence)
    near = range(max(rough - _STRIDE + 1, 0), min(rough + _STRIDE, len(pairs)))
    return pairs[min(near, key=divergence)]


def _divergence(centers: Array, counts: Array, limits: Range, levels: int) -> float:
    """Return the Kullback-Leibler divergence of the quantized values from the clipped ones."""
    import numpy as np

    low, high = limits
    inside = (centers >= low) & (centers <= high)
    places = np.flatnonzero(inside)
    if not places.size:
        return math.inf
    first, last = int(places[0]), int(places[-1]) + 1
    # What is clipped counts at the limits; the quantized distribution does not know of it.
    reference = counts[first:last].copy()
    reference[0] += counts[:first].sum()
    reference[-1] += counts[last:].sum()
    level = np.rint((centers[first:last] - low) / ((high - low) / levels)).astype(np.int64)
    present = reference > 0
    sums = np.bincount(level, counts[first:last], levels + 1)
    filled = np.bincount(level, present, levels + 1)
    spread = (sums / np.maximum(filled, 1))[level]
    p = reference[present] / reference.sum()
    q = np.maximum(spread[present] / max(spread[present].sum(), 1e-12), 1e-12)
    return float((p * np.log(p / q)).sum())


def _shares() -> Array:
    import numpy as np

    return np.geomspace(1.0, _LEAST_SHARE, _CANDIDATES)


def _varied(seen: Statistics) -> bool:
    return seen.low < seen.high and bool(seen.histogram.counts.any())


def _candidates(seen: Statistics, symmetric: bool) -> tuple[Array, Array]:
    """Return all pairs of limits to try, the widest first."""
    import numpy as np

    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    shares = _shares()
    if symmetric:
        reach = max(-low, high) * shares
        return -reach, reach
    lows = low * shares if low < 0 else np.zeros(1)
    highs = high * shares if high > 0 else np.zeros(1)
    pairs = np.stack(np.meshgrid(lows, highs, indexing="ij")).reshape(2, -1)
    return pairs[0], pairs[1]


class _Moments:
    """Numbers, sums and sums of squares of the values below any number, from a histogram."""

    def __init__(self, seen: Statistics) -> None:
        import numpy as np

        self._borders = seen.histogram.borders()
        centers = (self._borders[1:] + self._borders[:-1]) / 2
        counts = seen.histogram.counts
        powers = np.stack([counts, counts * centers, counts * np.square(centers)])
        self._sums = np.pad(np.cumsum(powers, axis=1), ((0, 0), (1, 0)))

    def below(self, limits: Array) -> Array:
        """Return number, sum and sum of squares of the values below each limit."""
        import numpy as np

        return np.stack([np.interp(limits, self._borders, row) for row in self._sums])

    def clipped(self, lows: Array, highs: Array) -> Array:
        """Return the summed squared distance of the values outside to the nearer limit."""
        import numpy as np

        total = self._sums[:, -1:]
        error = np.zeros(lows.shape)
        for limits, sums in ((lows, self.below(lows)), (highs, total - self.below(highs))):
            error += sums[2] - 2 * limits * sums[1] + np.square(limits) * sums[0]
        return error


_METHODS: dict[str, Method] = {
    "entropy": _entropy,
    "minmax": _minmax,
    "moving_average": _moving_average,
    "mse": _mse,
}

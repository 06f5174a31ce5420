"""Numbers as a line of bars, for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BARS = 60
BARS = "▁▂▃▄▅▆▇█"


def worst(values: Sequence[float], most: int = MOST_BARS) -> list[float]:
    """Return the least of some numbers at a time, where there are too many for a line.

    Args:
        values: What to draw.
        most: How many bars there may be.

    Example:
        >>> worst([3, 1, 2, 8, 5], most=3)
        [1, 2, 5]
    """
    each_bar = max(-(-len(values) // most), 1)
    return [min(values[start : start + each_bar]) for start in range(0, len(values), each_bar)]


def sparkline(values: Sequence[float], low: float | None = None, high: float | None = None) -> str:
    """Draw numbers, a character each.

    Args:
        values: What to draw. NaN is a space, infinity the highest or lowest bar.
        low: What the lowest bar stands for, and all below; by default the least of the values.
        high: Likewise the highest bar; by default the greatest of the values.

    Returns:
        As many characters as there are values.

    Example:
        >>> sparkline([1, 2, 3, 8])
        '▁▂▃█'
    """
    finite = [value for value in values if math.isfinite(value)]
    least = min(finite, default=0.0) if low is None else low
    greatest = max(finite, default=0.0) if high is None else high
    return "".join(_bar(value, least, greatest) for value in values)


def _bar(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return " "
    if math.isinf(value):
        return BARS[-1] if value > 0 else BARS[0]
    if high <= low:
        return BARS[len(BARS) // 2]
    part = (min(max(value, low), high) - low) / (high - low)
    return BARS[round(part * (len(BARS) - 1))]

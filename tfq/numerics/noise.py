"""How far numbers are from what they should be."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np


EXACT = 120.0
"""Decibels that stand for no error at all where a mean is taken: more than float32 itself has."""


def clamped(ratio: float) -> float:
    """Return decibels within ±`EXACT`, so that what is exact does not hide all else in a mean."""
    return max(min(ratio, EXACT), -EXACT)


def sqnr(expected: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> float:
    """Return the signal-to-quantization-noise ratio: 10·log10(Σ expected² / Σ (expected - found)²).

    Args:
        expected: The numbers as they should be.
        found: As they are, of the same shape.

    Returns:
        Decibels, as `decibels` does.
    """
    import numpy as np

    wanted = expected.astype(np.float64)
    noise = np.square(wanted - found).sum()
    return decibels(float(np.square(wanted).sum()), float(noise))


def decibels(signal: float, noise: float) -> float:
    """Return the ratio of two powers.

    Args:
        signal: The sum of the squares of what should be.
        noise: The sum of the squares of the differences.

    Returns:
        Decibels: infinite without noise, -infinite without a signal or with noise that is no
        number.
    """
    if noise == 0:
        return math.inf
    if not signal or not math.isfinite(noise):
        return -math.inf
    return 10 * math.log10(signal / noise)

"""How far the outputs of one model are from those of another, over any number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfq.numerics.noise import decibels

Array = np.ndarray[Any, Any]

_CHUNK = 1 << 20
"""So many numbers are looked at at a time: an output of 300 MB needs no copies of its size."""


@dataclass(frozen=True)
class OutputError:
    """What one output of a candidate has of the reference's.

    Attributes:
        name: of the reference's output.
        dtype: of what is compared; float32 for quantized outputs.
        sqnr: signal-to-quantization-noise ratio in dB over all samples together, see
            `tfq.numerics.noise.decibels`.
        cosine: cosine similarity, the mean over the samples; NaN where a number is not finite.
        max_error: the largest absolute difference; infinite where one of two numbers is not finite.
        mean_error: the mean absolute difference; likewise.
        agreement: the share of positions whose largest score along the last axis is at the same
            index; of integers and texts, that of equal ones; None where there is nothing to choose
            between.
        positions: how many the agreement is of.
        not_finite: how many values are NaN or infinite in either model.
        other_shape: in how many samples the two had other shapes; errors leave these out.
    """

    name: str
    dtype: str
    sqnr: float
    cosine: float
    max_error: float
    mean_error: float
    agreement: float | None
    positions: int
    not_finite: int
    other_shape: int

    @property
    def is_real(self) -> bool:
        """Whether its numbers are near or far, not only right or wrong as an index is."""
        return self.dtype.startswith(("float", "complex"))


class OutputDifference:
    """Adds up what `OutputError` says, one sample at a time."""

    def __init__(self, name: str) -> None:
        """Start with no sample.

        Args:
            name: Of the reference's output.
        """
        self.name = name
        self.compared = self.other_shape = 0
        self._dtype = "float32"
        self._signal = self._noise = self._sum = self._largest = 0.0
        self._values = self._hits = self._positions = self._not_finite = 0
        self._cosines = 0.0
        self._is_broken = False

    def add(self, expected: Array, found: Array) -> None:
        """Take in an output of one sample.

        Args:
            expected: The reference's.
            found: The candidate's. One of another shape is only counted.
        """
        self._dtype = expected.dtype.name
        if expected.shape != found.shape:
            self.other_shape += 1
            return
        self.compared += 1
        hits, positions = _agreeing(expected, found)
        self._hits += hits
        self._positions += positions
        wanted, given = _numbers(expected, found)
        dot = signal = power = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, wanted.size, _CHUNK):
                pair = self._finite(wanted[start : start + _CHUNK], given[start : start + _CHUNK])
                exact, close = pair
                difference = exact - close
                signal += _dot(exact, exact)
                power += _dot(close, close)
                dot += _dot(exact, close)
                self._noise += _dot(difference, difference)
                np.abs(difference, out=difference)
                self._sum += float(difference.sum())
                self._largest = max(self._largest, float(difference.max(initial=0.0)))
        self._values += wanted.size
        self._signal += signal
        self._cosines += _cosine(dot, signal, power)

    def _finite(self, wanted: Array, given: Array) -> tuple[Array, Array]:
        """Both as float64, without places where either is NaN or infinite."""
        exact, close = wanted.astype(np.float64), given.astype(np.float64)
        finite = np.isfinite(exact) & np.isfinite(close)
        if finite.all():
            return exact, close
        same = (exact == close) | (np.isnan(exact) & np.isnan(close))
        self._not_finite += int(finite.size - np.count_nonzero(finite))
        self._is_broken |= not bool((same | finite).all())
        return exact[finite], close[finite]

    def result(self) -> OutputError:
        """Return what all samples together say."""
        broken = self._is_broken or not self.compared
        return OutputError(
            name=self.name,
            dtype=self._dtype,
            sqnr=decibels(self._signal, math.inf if broken else self._noise),
            cosine=math.nan if broken else self._cosines / self.compared,
            max_error=math.inf if broken else self._largest,
            mean_error=math.inf if broken else self._sum / max(self._values, 1),
            agreement=self._hits / self._positions if self._positions else None,
            positions=self._positions,
            not_finite=self._not_finite,
            other_shape=self.other_shape,
        )


def _agreeing(expected: Array, found: Array) -> tuple[int, int]:
    """Count positions with the same answer, and all positions that have one."""
    if expected.dtype.kind not in "fc":
        return int(np.count_nonzero(expected == found)), expected.size
    if expected.dtype.kind == "c" or not expected.ndim or not expected.size:
        return 0, 0
    if expected.shape[-1] < 2:
        return 0, 0
    same = expected.argmax(axis=-1) == found.argmax(axis=-1)
    # The largest of scores of which one is NaN is NaN: no answer, wherever argmax puts it.
    answers = ~np.isnan(found.max(axis=-1).astype(np.float64))
    return int(np.count_nonzero(same & answers)), same.size


def _numbers(expected: Array, found: Array) -> tuple[Array, Array]:
    """Both as flat real numbers; texts are right (0 and 0) or infinitely wrong (0 and ∞)."""
    if expected.dtype.kind in "OSU":
        wrong = np.where(expected == found, 0.0, np.inf).ravel()
        return np.zeros_like(wrong), wrong
    if expected.dtype.kind == "c":
        return _parts(expected), _parts(found)
    return expected.ravel(), found.ravel()


def _parts(values: Array) -> Array:
    return np.concatenate([values.real.ravel(), values.imag.ravel()])


def _dot(one: Array, other: Array) -> float:
    # Not `@`: waking BLAS's threads takes milliseconds between two runs of a model.
    return float(np.einsum("i,i->", one, other))


def _cosine(dot: float, signal: float, power: float) -> float:
    """The cosine of the angle between two vectors; 1 between two that are zero."""
    if not signal or not power:
        return float(signal == power)
    return min(max(dot / (math.sqrt(signal) * math.sqrt(power)), -1.0), 1.0)

"""Ranges of real numbers, and the scales and zero points that represent them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import SMALLEST_NORMAL, Array
from tfq.numerics.integers import Integers, integers

_LARGEST = float(np.finfo(np.float32).max)


class Parameters(NamedTuple):
    """How integers stand for real numbers: `real = scale * (integer - zero_point)`.

    Attributes:
        dtype: The type of the integers, one of `INTEGERS`.
        scales: One, or one for each channel; positive float32 numbers.
        zero_points: One for each scale.
        axis: The dimension along which the channels lie.
        narrow: Whether the lowest integer is left out, so that there are as many integers below
            the middle as above it.
    """

    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0
    narrow: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """The lowest and the highest integer."""
        kind = integers(self.dtype)
        return kind.low + self.narrow, kind.high


def parameters(
    minimum: float | Array,
    maximum: float | Array,
    dtype: str,
    *,
    symmetric: bool = False,
    narrow: bool = False,
    power_of_two: bool = False,
    axis: int = 0,
) -> Parameters:
    """Return the parameters that represent the numbers from a minimum to a maximum.

    The range is widened to hold 0.0, and 0.0 is always one of the numbers represented. Computed in
    float64 and rounded to float32 at the end:

    - asymmetric: `scale = (maximum - minimum) / (high - low)`, and the zero point is
      `-minimum / scale` above the lowest integer, rounded, ties up. So the zero points of int8 and
      uint8 differ by 128. This is the rule of TFLiteConverter 2.21, found by what it writes; the
      `Nudge` of TensorFlow's fake quantization does the same in float32 (see `tensorflow_ops`).
      LiteRT's own `ChooseQuantizationParams` differs where a zero point below 0 is a tie.
    - symmetric: the zero point is the middle, and the scale the least with which both ends fit.
    - power of two: the scale is the next power of two; the zero point follows from that.

    Where there is nothing but 0.0 the scale is 1 and the zero point the middle. Scales stay within
    the normal numbers of float32; powers of two up to the highest of these, 2 ** 127.

    Args:
        minimum: The lowest real number; or an array, one for each channel.
        maximum: The highest, of the same shape.
        dtype: The type of the integers, one of `INTEGERS`.
        symmetric: Whether positive and negative numbers get the same scale around the middle.
        narrow: Whether to leave out the lowest integer, as the format asks for weights
            (https://ai.google.dev/edge/litert/models/quantization_spec).
        power_of_two: Whether scales must be powers of two.
        axis: The dimension along which the channels lie.

    Returns:
        The parameters, with as many scales as there are minima.

    Raises:
        ArgumentError: An end is NaN or beyond float32, a minimum is above its maximum, or the two
            are not of the same length.
    """
    kind = integers(dtype)
    kind = kind._replace(low=kind.low + narrow)
    lows = np.atleast_1d(np.asarray(minimum, np.float64))
    highs = np.atleast_1d(np.asarray(maximum, np.float64))
    if lows.shape != highs.shape or lows.ndim != 1:
        raise ArgumentError(
            f"expected one minimum and one maximum a channel; got {lows.shape}, {highs.shape}"
        )
    choose = _symmetric if symmetric else _asymmetric
    chosen = []
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        _check(low, high)
        chosen.append(choose(min(low, 0.0), max(high, 0.0), kind, power_of_two))
    scales, points = zip(*chosen, strict=True) if chosen else ((), ())
    return Parameters(dtype, scales, points, axis, narrow)


def next_power_of_two(number: float) -> float:
    """Return the smallest power of two that is not below a positive number."""
    mantissa, exponent = math.frexp(number)
    return math.ldexp(1.0, exponent - 1 if mantissa == 0.5 else exponent)


def along_axis(numbers: Any, parameters: Parameters, rank: int, dtype: Any) -> Array:
    """Lay numbers, one for each channel, along the channels' axis; a single one fits everywhere.

    Args:
        numbers: The numbers.
        parameters: Which have the axis.
        rank: How many dimensions the result must have to fit.
        dtype: Which type the result must have.

    Raises:
        ArgumentError: There is no such axis.
    """
    array = np.asarray(numbers, dtype)
    if array.size == 1:
        return array.reshape(())
    if not 0 <= parameters.axis < rank:
        raise ArgumentError(f"expected channels along an axis below {rank}; got {parameters.axis}")
    return array.reshape([-1 if axis == parameters.axis else 1 for axis in range(rank)])


def _check(minimum: float, maximum: float) -> None:
    # NaN fails the comparisons, too.
    if not (abs(minimum) <= _LARGEST and abs(maximum) <= _LARGEST):
        raise ArgumentError(f"expected a range of float32 numbers; got {minimum} to {maximum}")
    if minimum > maximum:
        raise ArgumentError(f"expected a minimum below the maximum; got {minimum} to {maximum}")


def _asymmetric(
    minimum: float, maximum: float, kind: Integers, power_of_two: bool
) -> tuple[float, int]:
    if minimum == maximum:
        return 1.0, kind.middle
    scale = (maximum - minimum) / (kind.high - kind.low)
    if power_of_two or scale < SMALLEST_NORMAL:
        scale = _scale(scale, power_of_two)
    steps = math.floor(-minimum / scale + 0.5)
    return _scale(scale, power_of_two), min(kind.low + steps, kind.high)


def _symmetric(
    minimum: float, maximum: float, kind: Integers, power_of_two: bool
) -> tuple[float, int]:
    if minimum == maximum:
        return 1.0, kind.middle
    scale = max(minimum / (kind.low - kind.middle), maximum / (kind.high - kind.middle))
    return _scale(scale, power_of_two), kind.middle


def _scale(scale: float, power_of_two: bool) -> float:
    """Make a scale one that files can hold and kernels take."""
    # XNNPACK ends the process on a scale below the normal numbers.
    scale = max(scale, SMALLEST_NORMAL)
    return min(next_power_of_two(scale), 2.0**127) if power_of_two else float(np.float32(scale))

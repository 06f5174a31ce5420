"""The sums from which the error of one activation follows, over any number of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.numerics.noise import decibels
from tfq.passes.parameters import LIMITS, Parameters, parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from tfq.model import Tensor

    Array = np.ndarray[Any, Any]

# Those of which one can be seen to be full.
_SMALL = frozenset({"int8", "uint8", "int16"})


def decoded(values: Array, known: Parameters | None) -> Array:
    """Turn stored values into the numbers that they stand for.

    Args:
        values: As an interpreter holds them.
        known: How they are quantized; None if they are not.
    """
    import numpy as np

    if known is None:
        return values.astype(np.float32) if values.dtype == np.float16 else values
    # As the kernel of DEQUANTIZE: float32 holds integers of 16 bits and their differences.
    real: Array = values.astype(np.float32)
    real -= np.float32(known.zero_points[0])
    real *= np.float32(known.scales[0])
    return real


class _Limits(NamedTuple):
    """What the integers of an activation can be, and the numbers at which they clip."""

    low: int
    high: int
    least: float
    most: float


class LayerSums:
    """What was seen of one activation: accumulated errors and, where there are, isolated ones.

    Samples are kept until `count`: looking at many small ones at once is faster.

    Attributes:
        max_error: The largest difference from the reference.
    """

    def __init__(self, tensor: Tensor) -> None:
        """Have seen nothing."""
        self._parameters = parameters(tensor)
        self._limits = _limits(tensor, self._parameters)
        self._expected: list[Array] = []
        self._stored: list[Array] = []
        self._alone: list[Array] = []
        self._size = self._clipped = 0
        self._signal = self._noise = self._isolated_noise = self._total = 0.0
        self._low, self._high = math.inf, -math.inf
        self.max_error = 0.0

    def keep(self, expected: Array, stored: Array, alone: Array | None) -> None:
        """Keep one sample.

        Args:
            expected: What the reference holds.
            stored: What the candidate holds, of the same shape, before decoding.
            alone: Likewise, what its operator computes on its own.
        """
        self._expected.append(expected)
        self._stored.append(stored)
        if alone is not None:
            self._alone.append(alone)

    def count(self) -> None:
        """Add the samples that were kept to the sums, and forget them."""
        import numpy as np

        expected, stored, alone = map(_joined, (self._expected, self._stored, self._alone))
        if not expected.size:
            return
        error = decoded(stored, self._parameters) - expected
        self._signal += _power(expected)
        self._noise += _power(error)
        if alone.size == expected.size:
            self._isolated_noise += _power(decoded(alone, self._parameters) - expected)
        np.abs(error, out=error)
        self._total += float(error.sum(dtype=np.float64))
        self.max_error = float(np.maximum(self.max_error, error.max()))
        self._size += expected.size
        if self._limits is not None:
            self._look_at_integers(self._limits, expected, stored)

    def _look_at_integers(self, limits: _Limits, expected: Array, stored: Array) -> None:
        import numpy as np

        low, high = int(stored.min()), int(stored.max())
        self._low, self._high = min(self._low, low), max(self._high, high)
        if low == limits.low:
            self._clipped += int(np.count_nonzero((stored == low) & (expected < limits.least)))
        if high == limits.high:
            self._clipped += int(np.count_nonzero((stored == high) & (expected > limits.most)))

    @property
    def sqnr(self) -> float:
        """The accumulated error in dB."""
        return decibels(self._signal, self._noise)

    @property
    def isolated(self) -> float:
        """The error of the operator alone in dB."""
        return decibels(self._signal, self._isolated_noise)

    @property
    def mean_error(self) -> float:
        """The mean difference from the reference."""
        return self._total / max(self._size, 1)

    @property
    def range_use(self) -> float | None:
        """How far the integers reach, as a share of what the type has; None for floats."""
        if self._limits is None or not self._size:
            return None
        return (self._high - self._low) / (self._limits.high - self._limits.low)

    @property
    def saturation(self) -> float | None:
        """The share of values that are clipped; None for floats."""
        if self._limits is None or not self._size:
            return None
        return self._clipped / self._size


def _joined(arrays: list[Array]) -> Array:
    """Return the values of arrays in one row, and empty the list."""
    import numpy as np

    rows: Sequence[Array] = [each.ravel() for each in arrays]
    arrays.clear()
    if len(rows) == 1:
        return rows[0]
    return np.concatenate(rows) if rows else np.zeros(0, np.float32)


def _limits(tensor: Tensor, known: Parameters | None) -> _Limits | None:
    if known is None or tensor.dtype not in _SMALL:
        return None
    (low, high, _), scale, point = LIMITS[tensor.dtype], known.scales[0], known.zero_points[0]
    # Half a step is rounding, and SOFTMAX has no integer for 1.0: one step beyond is clipped.
    return _Limits(low, high, (low - point - 1) * scale, (high - point + 1) * scale)


def _power(values: Array) -> float:
    """Return the sum of squares: in float64 where float32 does not hold them."""
    import numpy as np

    # Not `@`: waking the threads of BLAS takes milliseconds between two runs of a model.
    power = float(np.einsum("i,i->", values, values))
    if not math.isfinite(power) or (power == 0 and values.any()):
        exact = values.astype(np.float64)
        power = float(exact @ exact)
    return power

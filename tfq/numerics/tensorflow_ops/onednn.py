"""The two ways of `tf.quantization.quantize` that TensorFlow's oneDNN kernels compute otherwise.

The source is tensorflow/core/kernels/mkl/mkl_quantize_op.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfq.numerics.floats import Array
from tfq.numerics.integers import Integers

Step = Callable[[Array, Any, Any, Integers], tuple[Array, Any, Any]]


def onednn_step(kind: Integers, mode: str, round_mode: str) -> Step | None:
    """Return the function that takes the place of a mode's own; None if none does.

    Args:
        kind: The integers to quantize to.
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
        round_mode: "HALF_AWAY_FROM_ZERO" or "HALF_TO_EVEN".
    """
    if mode == "MIN_FIRST" and kind.storage == "uint8":
        return _min_first
    if round_mode == "HALF_TO_EVEN" and kind.storage in ("int8", "uint8"):
        return _scaled
    return None


def _min_first(values: Array, low: Any, high: Any, kind: Integers) -> tuple[Array, Any, Any]:
    factor = np.float32(255) / (high - low)
    return _limited(values * factor + -low * factor, kind, kind.high), low, high


def _scaled(values: Array, low: Any, high: Any, kind: Integers) -> tuple[Array, Any, Any]:
    end = max(abs(low), abs(high))
    factor = np.float32(127.5 if kind.low < 0 else 255) / end
    return _limited(values * factor, kind, kind.low), -end if kind.low < 0 else np.float32(0), end


def _limited(values: Array, kind: Integers, nan: int) -> Array:
    limited = np.rint(np.clip(values, kind.low, kind.high))
    whole: Array = np.where(np.isnan(limited), nan, limited).astype(np.int64)
    return whole

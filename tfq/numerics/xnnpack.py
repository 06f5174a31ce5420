"""QUANTIZE as XNNPACK does it, which LiteRT's interpreter uses unless told not to.

It takes over float to int8 or uint8 with one scale, and int8 to int8 or uint8 to uint8 where the
scales' ratio is from 2 ** -8 to 2 ** 7; LiteRT's own kernels run everything else. DEQUANTIZE is the
same in both. Checked against LiteRT 2.3 on x86-64, where a scale below the normal float32 numbers
ends the process.
"""

from __future__ import annotations

import numpy as np

from tfq.errors import ArgumentError
from tfq.numerics.floats import Array, flushed
from tfq.numerics.integers import integers
from tfq.numerics.parameters import Parameters


def quantize(values: Array, parameters: Parameters) -> Array:
    """Return the integers that stand for real numbers.

    The values are multiplied by the inverse of the scale, both in float32, and rounded, ties to
    even. What is too high becomes the highest integer, as does NaN; what is too low the lowest.
    Numbers below the normal ones count as zero, an inverse among them.

    Args:
        values: Real numbers, of any shape.
        parameters: What to quantize to: int8 or uint8, with one scale.

    Returns:
        The integers.

    Raises:
        ArgumentError: XNNPACK does not quantize to that.
    """
    scale = _only_scale(parameters)
    with np.errstate(all="ignore"):
        inverse = flushed(np.float32(1) / scale)
        products = flushed(np.asarray(values, np.float32)) * inverse
    low, high = parameters.limits
    point = parameters.zero_points[0]
    limited = np.clip(np.where(np.isnan(products), np.inf, products), low - point, high - point)
    whole: Array = (np.rint(limited) + point).astype(integers(parameters.dtype).storage)
    return whole


def requantize(values: Array, source: Parameters, target: Parameters) -> Array:
    """Return the integers that stand for the same real numbers with other parameters.

    The ratio of the scales is rounded to 8 bits behind the point, ties to even, and the product to
    an integer, ties up.

    Args:
        values: Integers, of any shape.
        source: How they stand for real numbers.
        target: How the result must; of the same type.

    Returns:
        The integers.

    Raises:
        ArgumentError: XNNPACK does not requantize that.
    """
    ratio = _only_scale(source) / _only_scale(target)
    if source.dtype != target.dtype or not 2.0**-8 <= ratio <= 2.0**7:
        raise ArgumentError(
            "expected one type, and scales whose ratio is from 2 ** -8 to 2 ** 7; got "
            f"{source.dtype} to {target.dtype}, {ratio}"
        )
    factor = int(np.rint(np.float32(256) * ratio))
    centred = np.asarray(values, np.int64) - source.zero_points[0]
    sums = ((centred * factor + 128) >> 8) + target.zero_points[0]
    limited: Array = np.clip(sums, *target.limits).astype(integers(target.dtype).storage)
    return limited


def _only_scale(parameters: Parameters) -> np.float32:
    if parameters.dtype not in ("int8", "uint8") or len(parameters.scales) != 1:
        raise ArgumentError(
            f"expected int8 or uint8 with one scale; got {parameters.dtype} with "
            f"{len(parameters.scales)}"
        )
    scale: np.float32 = np.float32(parameters.scales[0])
    return scale

"""Why a layer errs: each cause is one function that looks at the evidence for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.accuracy.diagnosis.evidence import represented, share_outside
from tfq.accuracy.diagnosis.result import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tfq.accuracy.diagnosis.evidence import Evidence, Place
    from tfq.model import Tensor

    Array = np.ndarray[Any, Any]

SPREAD = 8.0
"""Three of eight bits are lost to what reaches 8 times less far than what sets the scale."""

_WEIGHT_SQNR = 30.0
# Weights that are normally distributed have 41 dB with 8 bits and a range of 4 deviations:
# 10·log10(12·(254/8)²). With 30 dB two bits are lost.
_RARE = 0.001
# Of the values of an activation, at both ends together.
_RARE_SPAN = 4.0
# A range that is 4 times as wide as what all but those need loses two bits.
_HUGE = 1e4
_CLIPPED = 0.01
# With a step of 1/4 the numbers that a softmax adds up are off by up to exp(1/8) - 1, 13 %.
_SOFTMAX_STEP = 0.25
_INT32 = 2**31 - 1


def layer_causes(place: Place, evidence: Evidence) -> tuple[Cause, ...]:
    """Find why an operator of a quantized model errs.

    Args:
        place: The operator.
        evidence: What is known of both models.

    Returns:
        The causes that the evidence shows; empty if it shows none.
    """
    found = [
        *_weights(place),
        *_bias(place),
        *_outliers(place),
        *_channels(place),
        *_shared(place, evidence),
        *_clipped(place),
        *_softmax(place),
    ]
    return tuple(found)


def spread(values: Array) -> float:
    """Return how many times the largest of some magnitudes is the median of those above 0."""
    import numpy as np

    positive = values[values > 0]
    return float(positive.max() / np.median(positive)) if positive.size > 1 else 1.0


def channel_magnitudes(weights: Array, axis: int) -> Array:
    """Return the largest magnitude of each output channel.

    Args:
        weights: Of a layer.
        axis: Where its output channels lie.
    """
    import numpy as np

    others = tuple(each for each in range(weights.ndim) if each != axis)
    found: Array = np.abs(weights).max(axis=others)
    return found


def _weights(place: Place) -> Iterator[Cause]:
    weights, quantized = place.float_weights, ops.weights(place.integer)
    axis = ops.channel_axis(place.integer)
    if weights is None or quantized is None or quantized.quantization is None or axis is None:
        return
    values = weights.numpy()
    if axis >= values.ndim or not values.size:
        return
    ratio = spread(channel_magnitudes(values, axis))
    if quantized.quantization.granularity == "per_tensor" and ratio >= SPREAD:
        text = (
            f"the largest output channel of its weights is {ratio:.3g} times the median one, and "
            "all share one scale"
        )
        yield Cause("weight_channels", text, "equalize (in accuracy=standard), or per_channel")
    elif place.error.weight_sqnr is not None and place.error.weight_sqnr < _WEIGHT_SQNR:
        text = f"its weights keep only {place.error.weight_sqnr:.1f} dB in 8 bits"
        yield Cause("weight_outlier", text, "clip_weights or equalize; weight decay in training")


def _bias(place: Place) -> Iterator[Cause]:
    import numpy as np

    bias = ops.bias(place.integer)
    if bias is None or bias.dtype != "int32" or not bias.is_constant:
        return
    values = bias.numpy().astype(np.int64)
    full = int(np.count_nonzero(np.abs(values) >= _INT32))
    if full:
        text = f"{full} of {values.size} values of its bias are at the end of int32"
        yield Cause("bias_overflow", text, "equalize, or retrain without tiny weights")


def _outliers(place: Place) -> Iterator[Cause]:
    seen = place.seen
    if seen is None or not seen.samples or not seen.histogram.counts.size:
        return
    span = max(seen.high, 0.0) - min(seen.low, 0.0)
    low, high = (seen.histogram.quantile(share) for share in (_RARE / 2, 1 - _RARE / 2))
    usual = max(high, 0.0) - min(low, 0.0)
    if not usual or span < _RARE_SPAN * usual:
        return
    if max(abs(seen.low), abs(seen.high)) >= _HUGE:
        text = f"its output reaches {seen.low:.3g}..{seen.high:.3g}, nearly all of it is within "
        text += f"{low:.3g}..{high:.3g}"
        yield Cause("huge_value", text, "make the constant smaller, such as -100 for a mask")
        return
    text = (
        f"{_RARE:.1%} of its output's values make the range {span / usual:.3g} times as wide "
        f"({seen.low:.3g}..{seen.high:.3g} instead of {low:.3g}..{high:.3g})"
    )
    yield Cause("activation_outlier", text, "ranges by mse, entropy or percentile:99.99")


def _channels(place: Place) -> Iterator[Cause]:
    import numpy as np

    if place.channels is None or place.real is None or len(place.real.shape) < 2:
        return
    ratio = spread(np.maximum(np.abs(place.channels.lows), np.abs(place.channels.highs)))
    if ratio >= SPREAD:
        text = (
            f"the widest channel of its output reaches {ratio:.3g} times as far as the median one"
        )
        yield Cause("activation_channels", text, "equalize (in accuracy=standard), or int16 for it")


def _shared(place: Place, evidence: Evidence) -> Iterator[Cause]:
    """Look at what an operator joins: unlike ranges under one scale, or added up."""
    real = None if place.real is None else place.real.producer
    joins = real is not None and (
        real.name in ("ADD", "SUB") or real.name in ("CONCATENATION", "PACK", "MAXIMUM", "MINIMUM")
    )
    if real is None or not joins:
        return
    spans = []
    for tensor in real.inputs:
        seen = evidence.seen(tensor)
        if seen is not None and seen.samples:
            spans.append(max(abs(seen.low), abs(seen.high)))
    positive = [each for each in spans if each > 0]
    if len(positive) < 2 or max(positive) < SPREAD * min(positive):
        return
    ratio = max(positive) / min(positive)
    text = f"of what it joins, one reaches {ratio:.3g} times as far as another"
    yield Cause("shared_scale", text, "int16 for it, or normalize before joining")


def _clipped(place: Place) -> Iterator[Cause]:
    ends = represented(place.output)
    if ends is None or place.seen is None or place.integer.name in _BOUNDED:
        return
    # What was equalized is in other units than float's values.
    if place.error.rescaled:
        return
    low, high, step = ends
    share = share_outside(place.seen, low - step, high + step)
    if share >= _CLIPPED:
        text = (
            f"{share:.1%} of its output's values are beyond {low:.3g}..{high:.3g}, which is what "
            "was calibrated"
        )
        yield Cause("saturation", text, "calibration data as the device will see them")


# Their range is prescribed, and holds what they make up to a step.
_BOUNDED = ("SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX", "L2_NORMALIZATION")


def _softmax(place: Place) -> Iterator[Cause]:
    data: Tensor | None = next(iter(place.integer.inputs), None)
    if place.integer.name not in ("SOFTMAX", "LOG_SOFTMAX") or data is None:
        return
    ends = represented(data)
    if ends is None or not math.isfinite(ends[2]):
        return
    beta = place.integer.options.get("beta", 1.0)
    step = ends[2] * (beta if isinstance(beta, float) else 1.0)
    if step >= _SOFTMAX_STEP and data.dtype != "int16":
        text = (
            f"one step of its input is {step:.3g}: neighbours differ by a factor of "
            f"{math.exp(min(step, 50.0)):.3g} in probability"
        )
        yield Cause("softmax_input", text, "int16 for it and what feeds it, or ranges by mse")

"""Why a quantized model or a layer of it errs: each cause is a function that looks for evidence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.accuracy.diagnosis.changed_inputs import extents
from tfq.accuracy.diagnosis.evidence import represented, share_outside
from tfq.accuracy.diagnosis.result import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tfq.accuracy.diagnosis.evidence import Evidence, Place
    from tfq.convert.calibration import Samples
    from tfq.model import Model, Tensor
    from tfq.passes.statistics import Statistics

    Array = np.ndarray[Any, Any]

SPREAD = 8.0
"""Three of eight bits are lost to what reaches 8 times less far than what sets the scale."""

# Of all but the largest 2 % of what shares a scale: normally distributed weights have 40 dB with 8
# bits and a largest weight of 4 deviations, 10·log10(12·(127/4)²). With 30 dB two bits are lost.
_WEIGHT_SQNR = 30.0
_LARGEST, _OF_SCALES = 0.02, 0.1
# Of the values of an activation, at both ends together: a range that is 4 times as wide as what all
# but those need loses two bits.
_RARE, _RARE_SPAN = 0.001, 4.0
_HUGE = 1e4
_STEPS = 256
_CLIPPED = 0.01
# With a step of 1/4 the numbers that a softmax adds up are off by up to exp(1/8) - 1, 13 %.
_SOFTMAX_STEP = 0.25
# Below, outputs are not close to float; see `tfq.accuracy.diagnosis.judge`.
_NOISY = 20.0
_INT32 = 2**31 - 1
_SOFTMAXES = ("SOFTMAX", "LOG_SOFTMAX")
# Their range is prescribed, and holds what they make up to a step.
_BOUNDED = (*_SOFTMAXES, "LOGISTIC", "TANH", "L2_NORMALIZATION")
_JOINING = ("ADD", "SUB", "CONCATENATION", "PACK", "MAXIMUM", "MINIMUM")
_BETWEEN = ("QUANTIZE", "DEQUANTIZE", "CAST")
_PREPARED = "calibrate with data prepared as in use"


def model_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """Find what is wrong with a quantized model as a whole.

    Args:
        evidence: What is known of it.
    """
    return (*_input_range(evidence), *_floats(evidence.integer))


def calibration_causes(calibration: Samples, evaluation: Samples) -> tuple[Cause, ...]:
    """Compare what was calibrated with what is evaluated, input by input.

    Args:
        calibration: Other samples than the evaluation's.
        evaluation: Read with the same inputs.
    """
    return tuple(_unlike(calibration, evaluation))


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
        *(_huge(place) or [*_outliers(place), *_channels(place), *_clipped(place)]),
        *_shared(place, evidence),
        *_softmax(place),
        *_probabilities(place),
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
    import numpy as np

    weights, quantized = place.float_weights, ops.weights(place.integer)
    axis = ops.channel_axis(place.integer)
    if weights is None or quantized is None or quantized.quantization is None or axis is None:
        return
    values = weights.numpy()
    if axis >= values.ndim or not values.size:
        return
    shares = quantized.quantization.granularity == "per_tensor"
    ratio = spread(channel_magnitudes(values, axis))
    if shares and ratio >= SPREAD:
        text = (
            f"the largest output channel of its weights is {ratio:.3g} times the median one, and "
            "all share one scale"
        )
        yield Cause("weight_channels", text, "equalize (in accuracy=standard), or per_channel")
        return
    rows = np.moveaxis(values, axis, 0).reshape(1 if shares else values.shape[axis], -1)
    kept = _kept(np.abs(rows, dtype=np.float64), 7 if quantized.dtype == "int4" else 127)
    poor = kept[kept < _WEIGHT_SQNR]
    if poor.size >= max(1, _OF_SCALES * len(rows)):
        text = (
            f"beside the largest weights the others keep only {poor.min():.1f} dB in "
            f"{quantized.dtype}, with {poor.size} of {len(rows)} scales"
        )
        yield Cause("weight_outlier", text, "clip_weights or equalize; weight decay in training")
        return
    # The input channels lie behind the others; a depthwise layer has none of its own.
    own = place.error.isolated
    ratio = spread(channel_magnitudes(values, values.ndim - 1)) if axis == 0 else 1.0
    if ratio >= SPREAD and own is not None and own < _NOISY:
        text = (
            f"the weights of its largest input channel are {ratio:.3g} times those of the median "
            "one, and share their scales"
        )
        yield Cause("weight_channels", text, "equalize (in accuracy=standard)")


def _kept(rows: Array, steps: int) -> Array:
    """Return how far the small weights of each scale stand above its steps, in dB.

    10·log10(12·steps²·mean(rest²) / largest²): the noise of rounding is a twelfth of a step's
    square. Weights that are 0 are exact, and not counted.

    Args:
        rows: Magnitudes; those of a row share a scale.
        steps: Of the integers, from 0 to the largest.
    """
    import numpy as np

    found = np.full(len(rows), np.inf)
    for index, row in enumerate(rows):
        some = np.sort(row[row > 0])
        rest = some[: some.size - max(1, int(_LARGEST * some.size))]
        if rest.size:
            power = np.square(steps * rest / some[-1]).mean()
            found[index] = 10 * np.log10(12 * power) if power else -np.inf
    return found


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


def _huge(place: Place) -> list[Cause]:
    """See whether values are either huge or less than a step of what holds the huge ones."""
    seen = place.seen
    if seen is None or not seen.samples or not seen.histogram.counts.size:
        return []
    reach = max(abs(seen.low), abs(seen.high))
    huge = share_outside(seen, -reach / 2, reach / 2)
    small = 1 - share_outside(seen, -reach / _STEPS, reach / _STEPS)
    if reach < _HUGE or not huge or not small or huge + small < 1 - _CLIPPED:
        return []
    text = (
        f"its output reaches {seen.low:.3g}..{seen.high:.3g}, and {small:.1%} of its values are "
        "less than one of 256 steps of that"
    )
    return [Cause("huge_value", text, "make the constant smaller, such as -100 for a mask")]


def _outliers(place: Place) -> Iterator[Cause]:
    seen = place.seen
    if seen is None or not seen.samples or not seen.histogram.counts.size:
        return
    span = max(seen.high, 0.0) - min(seen.low, 0.0)
    low, high = (seen.histogram.quantile(share) for share in (_RARE / 2, 1 - _RARE / 2))
    usual = max(high, 0.0) - min(low, 0.0)
    if usual and span >= _RARE_SPAN * usual:
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
    # What a softmax makes shares a prescribed scale: nothing to equalize.
    if ratio >= SPREAD and place.integer.name not in _BOUNDED:
        text = (
            f"the widest channel of its output reaches {ratio:.3g} times as far as the median one"
        )
        yield Cause("activation_channels", text, "equalize (in accuracy=standard), or int16 for it")


def _shared(place: Place, evidence: Evidence) -> Iterator[Cause]:
    """Look at what an operator joins: unlike ranges under one scale, or added up."""
    real = None if place.real is None else place.real.producer
    if real is None or real.name not in _JOINING:
        return
    spans = [_reach(evidence.seen(tensor)) for tensor in real.inputs]
    positive = [each for each in spans if each > 0]
    if len(positive) < 2 or max(positive) < SPREAD * min(positive):
        return
    ratio = max(positive) / min(positive)
    text = f"of what it joins, one reaches {ratio:.3g} times as far as another"
    yield Cause("shared_scale", text, "int16 for it, or normalize before joining")


def _reach(seen: Statistics | None) -> float:
    return 0.0 if seen is None or not seen.samples else max(abs(seen.low), abs(seen.high))


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
            "its integers hold"
        )
        yield Cause("saturation", text, "calibration data as the device will see them")


def _softmax(place: Place) -> Iterator[Cause]:
    data: Tensor | None = next(iter(place.integer.inputs), None)
    if place.integer.name not in _SOFTMAXES or data is None:
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


def _probabilities(place: Place) -> Iterator[Cause]:
    """See whether a softmax's outputs vanish: of many classes, none of which is likely."""
    ends, own = represented(place.output), place.error.isolated
    if place.integer.name != "SOFTMAX" or ends is None or place.seen is None:
        return
    half = ends[2] / 2
    share = 1 - share_outside(place.seen, -half, half)
    if own is not None and own < _NOISY and share >= 0.5:
        text = (
            f"{share:.0%} of its probabilities are below half of its step, which is always "
            f"{ends[2]:.2g}, and become 0; the largest that was seen is {place.seen.high:.2g}"
        )
        yield Cause("softmax_output", text, "end the model before the SOFTMAX, or int16 for it")


def _input_range(evidence: Evidence) -> Iterator[Cause]:
    for name, tensor, seen in evidence.inputs():
        ends = represented(tensor)
        if ends is None or not seen.samples:
            continue
        low, high, step = ends
        share = share_outside(seen, low - step, high + step)
        reach = f"input {name!r} holds {low:.4g}..{high:.4g} in steps of {step:.3g}, the data are "
        reach += f"{seen.low:.4g}..{seen.high:.4g}"
        if share >= _CLIPPED:
            text = f"{reach}: {share:.1%} of their values are cut off"
            yield Cause("input_range", text, _PREPARED)
        elif tensor.dtype != "int16" and SPREAD * (seen.high - seen.low) <= high - low:
            text = f"{reach}: they use {(seen.high - seen.low) / step:.0f} of its 255 steps"
            yield Cause("input_range", text, _PREPARED)


def _floats(model: Model) -> Iterator[Cause]:
    found = [
        each.name
        for each in model.operators
        if each.compute == "float" and each.name not in _BETWEEN
    ]
    if found:
        names = ", ".join(sorted(set(found)))
        text = f"{len(found)} of {len(model.operators)} operators compute in float: {names}"
        yield Cause("float_operator", text, "it does not cost accuracy, but see tfq lint")


def _unlike(calibration: Samples, evaluation: Samples) -> Iterator[Cause]:
    known, given = extents(calibration), extents(evaluation)
    for name, now in given.items():
        then = known.get(name)
        if then is None:
            continue
        low, high = min(then.low, 0.0), max(then.high, 0.0)
        column = evaluation.columns[name]
        size = sum(each.size for each in column)
        margin = 0.05 * (high - low)
        outside = sum(
            int(((each < low - margin) | (each > high + margin)).sum()) for each in column
        )
        reach = f"input {name!r} was calibrated on {then.low:.4g}..{then.high:.4g}, the evaluation "
        reach += f"data are {now.low:.4g}..{now.high:.4g}"
        if outside >= _CLIPPED * size:
            text = f"{reach}: {outside / size:.1%} of their values are beyond"
        elif SPREAD * (max(now.high, 0.0) - min(now.low, 0.0)) <= high - low:
            text = f"{reach}: they use little of it"
        else:
            continue
        yield Cause("unlike_calibration", text, "calibrate with data as the device will see them")

"""Fake quantization: floats that have the values of integers, with straight-through gradients."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_LN_2 = 0.6931471805599453
# Thresholds below have no use, and their logarithm no end.
_LEAST = 2.0**-30
# What is a half but for float32's own rounding is one.
_NOISE = 1e-3


def fake_quantize(values: Any, low: Any, high: Any, bits: int) -> Any:
    """Round floats to integers between two ends, and back; what is beyond gets no gradient.

    Args:
        values: Floats of any shape.
        low: The real number of the lowest integer, at most 0.
        high: The real number of the highest, at least 0; they are nudged so that 0 has an integer.
        bits: Of the integers.
    """
    return tf.quantization.fake_quant_with_min_max_vars(values, low, high, bits)


def rounded_averages(values: Any, low: Any, high: Any, bits: int) -> Any:
    """Round averages of integers as kernels do: halves away from the integer 0.

    Fake quantization rounds them up, and a quarter of the averages of four are halves.

    Args:
        values: Averages of numbers that are fake-quantized with the same ends.
        low: The real number of the lowest integer.
        high: The real number of the highest.
        bits: Of the integers.
    """
    scale = (high - low) / (2.0**bits - 1)
    point = tf.round(-(2.0 ** (bits - 1)) - low / scale)
    steps = values / scale + point
    integers = tf.sign(steps) * tf.floor(tf.abs(steps) + 0.5 + _NOISE)
    return values + tf.stop_gradient((integers - point) * scale - values)


def asymmetric_ends(low: Any, high: Any) -> tuple[Any, Any]:
    """Return the ends for what was seen between two numbers; where that is only 0, 0 and 1."""
    return low, tf.where(high > low, high, tf.ones_like(high))


def symmetric_ends(low: Any, high: Any, bits: int) -> tuple[Any, Any]:
    """Return the ends with 0 in the middle that have room for what was seen.

    Args:
        low: The smallest number that was seen.
        high: The largest.
        bits: Of the integers.
    """
    most = tf.maximum(-low, high)
    top = 2.0 ** (bits - 1) - 1
    scale = tf.where(most > 0, most, tf.ones_like(most)) / top
    return -(top + 1) * scale, top * scale


def log2_threshold(low: Any, high: Any) -> Any:
    """Return the logarithm to base 2 of the largest size that was seen."""
    most = tf.maximum(-low, high)
    return tf.math.log(tf.maximum(tf.where(most > 0, most, tf.ones_like(most)), _LEAST)) / _LN_2


def power_of_two_ends(threshold: Any, bits: int) -> tuple[Any, Any]:
    """Return the ends that belong to a threshold: the next power of two on both sides.

    Args:
        threshold: Its logarithm to base 2.
        bits: Of the integers.
    """
    limit = tf.pow(2.0, tf.math.ceil(threshold))
    return -limit, limit * (1 - 2.0 ** (1 - bits))


def trained_quantize(values: Any, threshold: Any, bits: int) -> Any:
    """Fake-quantize with a power of two that learns how much to clip.

    The gradient of the threshold weighs clipping against rounding (Jain et al. 2019, Trained
    Quantization Thresholds, eq. 6); it is divided by the square root of the number of values times
    the largest integer, so that it has the size of a weight's gradient (Esser et al. 2020, LSQ,
    section 2.2).

    Args:
        values: Floats of any shape.
        threshold: The logarithm to base 2 of the largest size that is not clipped.
        bits: Of the integers.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def quantize(values: Any, threshold: Any) -> tuple[Any, Any]:
        low, high = power_of_two_ends(threshold, bits)
        made = fake_quantize(values, low, high, bits)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            is_inside = tf.logical_and(values >= low, values <= high)
            # Where nothing is clipped, the rounding error; elsewhere the end itself.
            slope = tf.where(is_inside, made - values, made) * _LN_2
            count = tf.cast(tf.size(values), values.dtype) * 2.0 ** (bits - 1)
            summed = tf.reduce_sum(upstream * slope) * tf.math.rsqrt(count)
            return tf.where(is_inside, upstream, tf.zeros_like(upstream)), summed

        return made, gradient

    return quantize(values, threshold)


def weight_scales(weights: Any, axes: tuple[int, ...], bits: int) -> Any:
    """Return the smallest symmetric scales with which weights fit.

    Args:
        weights: Floats.
        axes: Those that share a scale.
        bits: Of the integers.

    Returns:
        Scales of the rank of the weights.
    """
    most = tf.reduce_max(tf.abs(weights), axes, keepdims=True)
    return tf.where(most > 0, most, tf.ones_like(most)) / (2.0 ** (bits - 1) - 1)


def quantize_weights(weights: Any, scales: Any, bits: int) -> Any:
    """Fake-quantize weights to a narrow range, as many integers below 0 as above.

    Args:
        weights: Floats.
        scales: That broadcast with them; gradients flow to these, too.
        bits: Of the integers.
    """
    most = 2.0 ** (bits - 1) - 1
    steps = weights / scales
    rounded = steps + tf.stop_gradient(tf.round(steps) - steps)
    return tf.clip_by_value(rounded, -most, most) * scales


def next_power_of_two(threshold: Any) -> Any:
    """Return 2 to a power, rounded up; the gradient is that of the power not rounded."""
    exponent = threshold + tf.stop_gradient(tf.math.ceil(threshold) - threshold)
    return tf.pow(2.0, exponent)

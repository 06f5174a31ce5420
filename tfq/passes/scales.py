"""How to quantize what has a certain range: activations, weights, and what goes with a bias."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.passes.parameters import LIMITS, Parameters, float32, largest, next_power_of_two

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Operator

    Array = np.ndarray[Any, Any]

# Kernels multiply and divide up to three scales: the results stay normal numbers of float32.
_SMALLEST, _LARGEST, _LARGEST_PRODUCT = 2.0**-40, 2.0**40, 2.0**90
# What is always 0 has a range of the usual size, so that what it is added to keeps its precision.
_EMPTY = 1.0
# A bias must leave room for the sum that it starts, also where the scale becomes half of what it
# could be; kernels take sums of 48 bits beside activations of 16.
_LARGEST_BIAS = {"int32": 2.0**29, "int64": 2.0**45}
# XNNPACK takes no product of scales over 2^8 times the output's, and LiteRT's ADD aborts over 2^14.
_FINEST_PRODUCT, _FINEST_SUM = 2.0**-6, 2.0**-10
# Below half of it the kernels' multiplier is 0 or, for XNNPACK, out of range.
_LEAST_MULTIPLIER = 2.0**-30
# The layers whose weights LiteRT takes in 4 bits beside integer activations.
_FOUR_BITS = ("CONV_2D", "FULLY_CONNECTED")
_CLIPS = {
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_0_TO_1": (0.0, 1.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


class Scheme(NamedTuple):
    """How to quantize.

    Attributes:
        activations: `"int8"` or `"int16"`.
        per_channel: Whether each output channel of weights has a scale of its own.
        symmetric: Whether activations have their zero point in the middle; with int16 they always
            have.
        power_of_two: Whether all scales are powers of two; activations are symmetric then.
        weight_bits: 8, or 4 for the layers that have such kernels; the others keep 8.
    """

    activations: str = "int8"
    per_channel: bool = False
    symmetric: bool = False
    power_of_two: bool = False
    weight_bits: int = 8

    def weight_type(self, operator: Operator) -> str:
        """Return the type of a layer's weights."""
        return "int4" if self.weight_bits == 4 and operator.name in _FOUR_BITS else "int8"


def activation_parameters(low: float, high: float, dtype: str, scheme: Scheme) -> Parameters:
    """Choose the parameters of an activation from its range.

    Zero is always one of the numbers that have an integer of their own, as the specification asks
    (https://ai.google.dev/edge/litert/models/quantization_spec).

    Args:
        low: Its smallest value.
        high: Its largest.
        dtype: The type of its integers.
        scheme: How to quantize.
    """
    lowest, highest, middle = LIMITS[dtype]
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = _EMPTY
    if scheme.symmetric or scheme.power_of_two or dtype == "int16":
        scale = _held(max(-low, high) / (highest - middle), power_of_two=scheme.power_of_two)
        return Parameters(dtype, (scale,), (middle,))
    # Half of each, as the difference of two large float32 numbers may be none.
    scale = _held((high / 2 - low / 2) / (highest - lowest) * 2)
    point = min(max(round(lowest - low / scale), lowest), highest)
    return Parameters(dtype, (scale,), (point,))


def coarser(parameters: Parameters, scale: float, scheme: Scheme) -> Parameters:
    """Return parameters of an activation that cover at least as much, with another scale.

    Args:
        parameters: Those that it has.
        scale: A larger scale.
        scheme: How to quantize.
    """
    lowest, _, middle = LIMITS[parameters.dtype]
    held = min(scale, _LARGEST_PRODUCT)
    held = next_power_of_two(held) if scheme.power_of_two else float32(held)
    (point,) = parameters.zero_points
    if point != middle:
        point = lowest + round((point - lowest) * parameters.scales[0] / held)
    return parameters._replace(scales=(held,), zero_points=(point,))


def finest(operator: Operator, inputs: list[float], weights: float | None) -> float:
    """Return the smallest output scale of an operator that rescales.

    Less is no more precise, as the inputs are not, and beyond what kernels can multiply by.

    Args:
        operator: The operator.
        inputs: The scales of the activations that it reads.
        weights: The largest scale of its weights, if it has any.
    """
    if not inputs:
        return 0.0
    if operator.name == "SQUARED_DIFFERENCE":
        return max(inputs) ** 2 * _FINEST_PRODUCT
    if operator.name in ("MUL", "BATCH_MATMUL"):
        return math.prod(inputs) * _FINEST_PRODUCT
    if weights is not None:
        return inputs[0] * weights * _FINEST_PRODUCT
    # LiteRT's HARD_SWISH refuses an output scale below 1/128 of the input's.
    return max(inputs) * (_FINEST_PRODUCT if operator.name == "HARD_SWISH" else _FINEST_SUM)


def clipped(operator: Operator, low: float, high: float) -> tuple[float, float]:
    """Cut the range of an output to what the activation of its operator can give."""
    name = operator.options.get("fused_activation_function", operator.name)
    least, most = _CLIPS.get(name, (-math.inf, math.inf))
    return min(max(low, least), most), min(max(high, least), most)


def bias_type(dtype: str) -> str:
    """Return the type of a bias beside activations of a type."""
    return "int64" if dtype == "int16" else "int32"


def weight_scales(
    tops: Array,
    bias: Array | None,
    ends: tuple[float, float],
    dtypes: tuple[str, str],
) -> Array:
    """Return the smallest scales with which the weights and the bias of a layer fit.

    Args:
        tops: The largest distance from 0 in each output channel of its weights.
        bias: Its bias, if it has one.
        ends: The scales of its input and its output.
        dtypes: The type of its weights, and that of its activations.

    Returns:
        One for each channel.
    """
    import numpy as np

    scales = np.where(tops > 0, tops, _EMPTY) / largest(dtypes[0])
    given, made = ends
    if bias is not None and bias.size:
        room = given * _LARGEST_BIAS[bias_type(dtypes[1])]
        scales = np.maximum(scales, np.abs(bias.astype(np.float64)) / room)
    least = max(_SMALLEST, _LEAST_MULTIPLIER * made / given)
    held: Array = np.maximum(scales, least)
    return held


def weight_parameters(
    weights: Array, scales: Array, axis: int, dtype: str, scheme: Scheme
) -> Parameters:
    """Choose the symmetric parameters of weights.

    With powers of two, the one that covers all values, or the half of it, which clips, where that
    halves the squared error at least: what is clipped errs to one side, which costs more than its
    square says (on the face models 0.6 dB more than with the smaller error).

    Args:
        weights: The weights.
        scales: The smallest scales for each channel, as `weight_scales` gives them.
        axis: Where the channels lie.
        dtype: The type of the weights.
        scheme: How to quantize.
    """
    import numpy as np

    if not scheme.per_channel or not scales.size:
        scales = scales.max(keepdims=True, initial=_SMALLEST)
    scales = np.clip(scales, _SMALLEST, _LARGEST)
    if scheme.power_of_two:
        scales = np.array([next_power_of_two(each) for each in scales.tolist()])
        rows = np.moveaxis(weights, axis, 0).reshape(len(scales), -1)
        halved = _squared_errors(rows, scales / 2, dtype)
        is_cheaper = halved < _squared_errors(rows, scales, dtype) / 2
        scales = np.where(is_cheaper, scales / 2, scales)
    held: list[float] = scales.astype(np.float32).tolist()
    return Parameters(dtype, tuple(held), (0,) * len(held), axis)


def _squared_errors(rows: Array, scales: Array, dtype: str) -> Array:
    """Return the summed squared error of each row of weights under a scale of its own."""
    import numpy as np

    most, steps = largest(dtype), scales[:, None]
    errors = np.clip(np.rint(rows / steps), -most, most) * steps - rows
    summed: Array = np.einsum("ri,ri->r", errors, errors)
    return summed


def _held(scale: float, *, power_of_two: bool = False) -> float:
    """Round a scale to one that files hold and kernels take."""
    scale = min(max(scale, _SMALLEST), _LARGEST)
    return next_power_of_two(scale) if power_of_two else float32(scale)

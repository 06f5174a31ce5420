"""Rounding the weights of a layer so that its outputs suffer least."""

from __future__ import annotations

from tfq.passes.covariances import reads_images, window
from tfq.passes.parameters import broadcast, largest, quantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Operator
    from tfq.passes.covariances import Covariance
    from tfq.passes.integer_kernels import Layer
    from tfq.passes.parameters import Parameters

    Array = np.ndarray[Any, Any]

# So many inputs are rounded one by one before the others learn of it, all at once.
_BLOCK = 64


def rounded(
    operator: Operator, weights: Array, target: Parameters, covariance: Covariance | None
) -> Array:
    """Round weights to integers.

    Without a covariance each to the nearest. With one, input after input, and the others make up
    for the error of each as far as they vary together (Frantar et al., GPTQ: Accurate Post-Training
    Quantization for Generative Pre-trained Transformers, 2022, https://arxiv.org/abs/2210.17323).

    Args:
        operator: A convolution or dense layer.
        weights: Its weights.
        target: Their parameters, symmetric.
        covariance: How its inputs vary (`tfq.passes.covariances`).

    Returns:
        Integers in the shape of the weights.
    """
    import numpy as np

    nearest = quantized(weights.astype(np.float64), target, narrow=True)
    if covariance is None:
        return nearest
    steps = broadcast(target.scales, target.axis, weights.ndim)
    rows, matrix = _rows(operator, weights / steps), covariance.matrix
    fits = rows.shape[-1] == matrix.shape[-1] and (matrix.ndim == 2 or len(matrix) == len(rows))
    upper = covariance.factor if fits else None
    if upper is None:
        return nearest
    return _back(operator, _with_feedback(rows, upper, largest(target.dtype)), weights.shape)


def _rows(operator: Operator, weights: Array) -> Array:
    """Return weights as rows of what is multiplied and added up."""
    if operator.name == "DEPTHWISE_CONV_2D":
        channels: Array = weights.reshape(-1, weights.shape[-1]).T
        return channels
    if operator.name == "TRANSPOSE_CONV":
        return weights.reshape(-1, weights.shape[-1])
    return weights.reshape(len(weights), -1)


def _back(operator: Operator, rows: Array, shape: tuple[int, ...]) -> Array:
    found: Array = (rows.T if operator.name == "DEPTHWISE_CONV_2D" else rows).reshape(shape)
    return found


def _with_feedback(rows: Array, upper: Array, most: int) -> Array:
    """Round columns in order; hand the error of each on to those that follow.

    Args:
        rows: Weights in steps of their scales, (outputs, inputs).
        upper: The factor, (inputs, inputs), or one for each row.
        most: The largest integer.
    """
    import numpy as np

    rows, made = rows.copy(), np.empty_like(rows)
    size = rows.shape[1]
    one_each = upper.ndim > 2
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        errors = np.empty((len(rows), stop - start))
        for at in range(start, stop):
            made[:, at] = np.clip(np.rint(rows[:, at]), -most, most)
            error = (rows[:, at] - made[:, at]) / upper[..., at, at]
            errors[:, at - start] = error
            rows[:, at:stop] -= error[:, None] * upper[..., at, at:stop]
        if stop < size:
            block = upper[..., start:stop, stop:]
            rows[:, stop:] -= np.einsum("rb,rbi->ri", errors, block) if one_each else errors @ block
    return made


def mean_shift(operator: Operator, layer: Layer, errors: Array, means: Array) -> Array | None:
    """Return what errors of the weights add to each output channel in the mean.

    To first order that is the errors times the mean of what the layer reads (Nagel et al.,
    Data-Free Quantization through Weight Equalization and Bias Correction, 2019,
    https://arxiv.org/abs/1906.04721, section 4.2, with means that were measured). What pads an
    image is zero and adds nothing.

    Args:
        operator: A convolution or dense layer.
        layer: What it reads.
        errors: Weights as they are minus weights as they will be.
        means: The mean of each input channel.

    Returns:
        One number for each output channel; None where input channels cannot be told apart.
    """
    import numpy as np

    is_depthwise = operator.name == "DEPTHWISE_CONV_2D"
    if not is_depthwise and errors.shape[-1:] != means.shape:
        return None
    if operator.name == "FULLY_CONNECTED":
        dense: Array = np.einsum("oi,i->o", errors, means)
        return dense
    if not reads_images(operator, layer):
        return None
    rows, columns = (_share(operator, layer, axis) for axis in (1, 2))
    if not is_depthwise:
        found: Array = np.einsum("ohwi,h,w,i->o", errors, rows, columns, means)
        return found
    if errors.shape[-1] % means.size:
        return None
    found = np.einsum("xhwo,h,w->o", errors, rows, columns)
    found *= np.repeat(means, found.size // means.size)
    return found


def _share(operator: Operator, layer: Layer, axis: int) -> Array:
    """Return how often each tap of a kernel along an axis of the image is not on padding."""
    import numpy as np

    taps = layer.weights.shape[axis]
    if operator.name == "TRANSPOSE_CONV":
        stride = int(operator.options[f"stride_{('h', 'w')[axis - 1]}"])
        return np.full(taps, 1.0 / max(stride, 1))
    size, made = layer.data.shape[axis], operator.outputs[0].shape[axis]
    stride, dilation, before = window(operator, layer, axis)
    places = np.arange(made)[:, None] * stride + np.arange(taps) * dilation - before
    found: Array = ((places >= 0) & (places < size)).mean(axis=0)
    return found

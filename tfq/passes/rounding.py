"""Rounding the weights of a layer so that its outputs suffer least."""

from __future__ import annotations

from tfq.passes.covariances import reads_images, window
from tfq.passes.parameters import broadcast, dequantized, largest, quantized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Operator
    from tfq.passes.covariances import Covariance
    from tfq.passes.integer_kernels import Layer
    from tfq.passes.parameters import Parameters

    Array = np.ndarray[Any, Any]

# So many inputs are rounded one by one before the others learn of it, all at once.
_BLOCK = 32


class RoundedWeights:
    """The weights of a float model's layers as integers, each made once.

    Quantizations that differ in the rest share them, as those among which ranges are searched do;
    so may models whose operators and weights are the same.
    """

    def __init__(self, covariances: Mapping[int, Covariance] | None = None) -> None:
        """Know of no layer yet.

        Args:
            covariances: By the index of the operator, how what a layer reads varies: weights are
                rounded with regard to it, else to the nearest.
        """
        self._covariances = covariances or {}
        # By the index of the operator, and by what else they depend on.
        self._tops: dict[int, Array] = {}
        self._integers: dict[tuple[int, Parameters], Array] = {}
        self._shifts: dict[tuple[int, Parameters, bytes], Array | None] = {}

    def tops(self, operator: Operator, found: Layer) -> Array:
        """Return the largest distance from 0 in each output channel of a layer's weights."""
        import numpy as np

        if operator.index not in self._tops:
            values = np.abs(found.weights.numpy().astype(np.float64))
            others = tuple(each for each in range(values.ndim) if each != found.axis)
            self._tops[operator.index] = values.max(axis=others, initial=0.0)
        return self._tops[operator.index]

    def integers(self, operator: Operator, found: Layer, target: Parameters) -> Array:
        """Return the integers of a layer's weights; those that others read too suit nobody best.

        Args:
            operator: The layer.
            found: What it reads.
            target: The parameters of its weights.
        """
        key = operator.index, target
        if key not in self._integers:
            is_shared = len(found.weights.consumers) > 1
            covariance = None if is_shared else self._covariances.get(operator.index)
            made = rounded(operator, found.weights.numpy(), target, covariance)
            self._integers[key] = made.astype("i1")
        return self._integers[key]

    def shift(
        self, operator: Operator, found: Layer, target: Parameters, means: Array
    ) -> Array | None:
        """Return what a bias must take up, so that rounding the weights adds nothing in the mean.

        Args:
            operator: The layer.
            found: What it reads.
            target: The parameters of its weights.
            means: The mean of each channel of what it reads.

        Returns:
            One number for each output channel; None where input channels cannot be told apart.
        """
        key = operator.index, target, means.tobytes()
        if key not in self._shifts:
            integers = self.integers(operator, found, target)
            errors = found.weights.numpy() - dequantized(integers, target)
            self._shifts[key] = mean_shift(operator, found, errors, means)
        return self._shifts[key]


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

    # An input's weights lie side by side, and so do the factors of each input.
    columns, made = np.ascontiguousarray(rows.T), np.empty(rows.shape[::-1])
    factors = np.ascontiguousarray(upper.T)
    errors, product = np.empty_like(columns), "bo,bo->o" if upper.ndim > 2 else "b,bo->o"
    for start in range(0, len(columns), _BLOCK):
        stop = start + _BLOCK
        for at in range(start, min(stop, len(columns))):
            if at > start:
                columns[at] -= np.einsum(product, factors[at, start:at], errors[start:at])
            np.clip(np.rint(columns[at]), -most, most, out=made[at])
            errors[at] = (columns[at] - made[at]) / factors[at, at]
        later = factors[stop:, start:stop]
        if upper.ndim > 2:
            columns[stop:] -= np.einsum("ibo,bo->io", later, errors[start:stop])
        else:
            columns[stop:] -= later @ errors[start:stop]
    found: Array = made.T
    return found


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

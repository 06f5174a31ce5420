"""What rounding the weights of a layer adds to its output in the mean."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Operator
    from tfq.passes.integer_kernels import Layer

    Array = np.ndarray[Any, Any]

_RANK = 4
_IMAGES = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


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
    if operator.name not in _IMAGES or errors.ndim != _RANK:
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

    side = ("h", "w")[axis - 1]
    options = operator.options
    taps = layer.weights.shape[axis]
    stride = int(options[f"stride_{side}"])
    if operator.name == "TRANSPOSE_CONV":
        return np.full(taps, 1.0 / max(stride, 1))
    dilation = int(options.get(f"dilation_{side}_factor", 1))
    size, made = layer.data.shape[axis], operator.outputs[0].shape[axis]
    before = 0
    if options["padding"] == "SAME":
        before = max((made - 1) * stride + (taps - 1) * dilation + 1 - size, 0) // 2
    places = np.arange(made)[:, None] * stride + np.arange(taps) * dilation - before
    found: Array = ((places >= 0) & (places < size)).mean(axis=0)
    return found

"""Which constants passes can quantize anew, and to what."""

from __future__ import annotations

from tfq import ops
from tfq.passes.kernels import obstacle
from tfq.passes.parameters import LIMITS, Parameters, float32, largest, parameters, real_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Tensor


def fine_constants(model: Model) -> list[Tensor]:
    """List the constants with more than one scale that an operator reads."""
    return [
        tensor
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.quantization is not None
        and tensor.quantization.granularity != "per_tensor"
        and tensor.dtype in ops.QUANTIZED
        and tensor.is_constant
        and tensor.consumers
    ]


def quantized_weights(model: Model) -> list[Tensor]:
    """List the quantized constants that operators use as weights, each once."""
    found: dict[Tensor, None] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            found.update(dict.fromkeys(map(ops.stored, ops.all_weights(operator))))
    return [
        tensor
        for tensor in found
        if tensor.is_constant and tensor.dtype in ops.QUANTIZED and tensor.quantization is not None
    ]


def constant_obstacle(tensor: Tensor) -> str | None:
    """Say why a constant cannot be quantized anew; None if it can."""
    if tensor.dtype not in LIMITS:
        return f"{tensor.dtype} cannot be written"
    if tensor.is_external:
        return "its data are in another file"
    if tensor.is_sparse:
        return "it is sparse"
    if tensor in tensor.subgraph.outputs:
        return "it is an output of the model"
    if any(tensor in ops.shared_scale(operator) for operator in tensor.consumers):
        return "it shares its scale with an activation"
    if real_values(tensor) is None:
        return "its scales are no numbers or do not fit its shape"
    for operator in tensor.consumers:
        if operator.name == "DEPTHWISE_CONV_2D" and operator.compute == "hybrid":
            # It takes one scale for as many as there are channels, and reads past its end.
            return "LiteRT's kernel for float activations reads a scale for each channel"
    reasons = [obstacle(operator, tensor) for operator in tensor.consumers]
    return next((reason for reason in reasons if reason is not None), None)


def per_tensor_target(tensor: Tensor) -> Parameters:
    """Return the symmetric parameters with one scale that cover a constant's values."""
    import numpy as np

    values = real_values(tensor)
    quantization = tensor.quantization
    widest = float(np.abs(values).max()) if values is not None and values.size else 0.0
    fallback = max(quantization.scales) if quantization is not None else 1.0
    scale = float32(widest / largest(tensor.dtype)) or fallback
    return Parameters(tensor.dtype, (scale,), (LIMITS[tensor.dtype][2],))


def symmetric_target(tensor: Tensor, dtype: str, axis: int | None = None) -> Parameters:
    """Return symmetric parameters of a type that cover a constant's values.

    Args:
        tensor: A constant.
        dtype: The new type.
        axis: Where its channels shall lie, if each gets a scale; None leaves that as it is.
    """
    import numpy as np

    known, values = parameters(tensor), real_values(tensor)
    if axis is None and known is not None and len(known.scales) > 1:
        axis = known.axis
    if known is None or values is None or axis is None:
        return per_tensor_target(tensor)._replace(dtype=dtype, zero_points=(LIMITS[dtype][2],))
    others = tuple(each for each in range(values.ndim) if each != axis)
    widest = np.abs(values).max(axis=others, initial=0.0) / largest(dtype)
    # A channel of zeros has any scale.
    scales = tuple([float32(scale) or known.scales[0] for scale in widest.tolist()])
    return Parameters(dtype, scales, (LIMITS[dtype][2],) * len(scales), axis)

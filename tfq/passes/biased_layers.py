"""Layers of a quantized model whose biases can be changed, beside those of its float model."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq import ops
from tfq.format import ABSENT
from tfq.passes.changes import Kept, operator_place
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import LIMITS, Parameters, float32, real_values
from tfq.passes.ranges import activation_keys
from tfq.passes.requantize import product

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.format import Draft
    from tfq.model import Model, Operator, Tensor
    from tfq.passes.rewrite import Rewrite

    Array = np.ndarray[Any, Any]

_LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_CONVERSIONS = ("DEQUANTIZE", "QUANTIZE")
# The type of a bias by that of what an operator gives.
_BIASES = {"int8": "int32", "int16": "int64", "uint8": "int32"}
# The version from which on a kernel takes a bias, where that is not the first.
_WITH_BIAS = {"TRANSPOSE_CONV": 3}
# Float64 and kernels compute exactly up to here.
LARGEST_BIAS = {"int32": float(LIMITS["int32"][1]), "int64": float(1 << 53)}


class Layer(NamedTuple):
    """An operator whose bias can be corrected.

    Attributes:
        operator: It, in the quantized model.
        bias: Its bias; None if it gets one.
        given: How the kernel understands the integers of the bias.
        gain: How much of a change in the mean of its inputs it passes on: output x input channels.
        twin: What its output should be: an activation of the float model.
        source: What its input should be; None if the float model has no such activation.
    """

    operator: Operator
    bias: Tensor | None
    given: Parameters
    gain: Array
    twin: Tensor
    source: Tensor | None


def biased_layers(model: Model, reference: Model) -> tuple[list[Layer], list[Kept]]:
    """Find the layers whose biases can be changed, and why those of others cannot.

    Args:
        model: A quantized model.
        reference: The float model that it was made of.

    Returns:
        The layers of the first subgraph in running order; and those left alone.
    """
    keys = activation_keys(model.subgraphs[0])
    twins = {
        key: tensor
        for tensor, key in activation_keys(reference.subgraphs[0]).items()
        if tensor.dtype == "float32" and not tensor.is_constant
    }
    layers, kept = [], []
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.name not in _LAYERS or operator.outputs[0].dtype not in _BIASES:
                continue
            twin = twins.get(keys.get(operator.outputs[0], ""))
            found = _layer(operator, twin, twins.get(keys.get(source_of(operator), "")))
            if isinstance(found, str):
                kept.append(Kept(operator_place(operator), found))
            else:
                layers.append(found)
    return layers, kept


def _layer(operator: Operator, twin: Tensor | None, source: Tensor | None) -> Layer | str:
    """Say what there is to know of a layer, or why it is left alone."""
    output, bias, data = operator.outputs[0], ops.bias(operator), source_of(operator)
    if operator.subgraph.index:
        return "it is in a subgraph that others run"
    if twin is None or twin.shape != output.shape:
        return f"the float model has no activation {output.name!r} of its shape"
    if bias is not None and (not bias.is_constant or bias.is_external):
        return "its bias is not in the file"
    given = _bias_parameters(operator)
    if given is None:
        return "its weights are not in the file, or its scales make no sense"
    if bias is not None and bias.shape != (output.shape[-1],):
        return f"its bias has the shape {bias.shape}, expected one value a channel"
    if source is not None and source.shape != data.shape:
        source = None
    return Layer(operator, bias, given, _gain(operator), twin, source)


def source_of(operator: Operator) -> Tensor:
    """Return what a layer reads, before any QUANTIZE and DEQUANTIZE.

    Args:
        operator: A layer.
    """
    data = _read(operator)
    while data.producer is not None and data.producer.name in _CONVERSIONS:
        data = data.producer.inputs[0] or data
    return data


def _read(operator: Operator) -> Tensor:
    data = operator.inputs[BIASED[operator.name]]
    assert data is not None
    return data


def _bias_parameters(operator: Operator) -> Parameters | None:
    """Return how a kernel understands the integers of its bias."""
    data, weights, bias = _read(operator), ops.weights(operator), ops.bias(operator)
    if weights is None:
        return None
    weights = ops.stored(weights)
    if not weights.is_constant or weights.is_external or real_values(weights) is None:
        return None
    scales = tuple([float32(scale) for scale in product(data, weights, {})])
    dtype = bias.dtype if bias is not None else _BIASES[operator.outputs[0].dtype]
    if dtype not in LARGEST_BIAS or not all(0 < scale < math.inf for scale in scales):
        return None
    if len(scales) not in (1, operator.outputs[0].shape[-1]):
        return None
    return Parameters(dtype, scales, (0,) * len(scales))


def _gain(operator: Operator) -> Array:
    """Return what a change of each input channel adds to each output channel, borders left out."""
    import numpy as np

    weights = ops.weights(operator)
    data, output = _read(operator), operator.outputs[0]
    values = real_values(ops.stored(weights)) if weights is not None else None
    assert values is not None
    if operator.name == "FULLY_CONNECTED":
        return values
    if operator.name == "DEPTHWISE_CONV_2D":
        taps = values.sum(axis=(0, 1, 2))[:, None]
    else:
        taps = values.sum(axis=(1, 2))
    if operator.name == "TRANSPOSE_CONV":
        taps = taps * (math.prod(data.shape[1:3]) / math.prod(output.shape[1:3]))
    # Grouped convolutions: the outputs of one group read the same few inputs.
    groups = max(data.shape[-1] // taps.shape[1], 1)
    gain = np.zeros((taps.shape[0], groups, taps.shape[1]))
    gain[np.arange(len(taps)), np.arange(len(taps)) * groups // len(taps)] = taps
    return gain.reshape(len(taps), -1)


def integers(layer: Layer) -> Array:
    """Return the bias of a layer as it is, in float64; zeros if it has none."""
    import numpy as np

    if layer.bias is None:
        return np.zeros(layer.operator.outputs[0].shape[-1])
    return layer.bias.numpy().astype(np.float64)


def own_bias(rewrite: Rewrite, layer: Layer) -> Draft:
    """Return the draft of a bias that only this layer reads.

    Args:
        rewrite: The model under change.
        layer: One of its layers; where it has no bias, or shares it, it gets a new one.
    """
    operator, bias = layer.operator, layer.bias
    subgraph, draft = operator.subgraph.index, rewrite.operator(operator)
    if bias is not None and len(bias.consumers) == 1:
        return rewrite.view(bias)
    if bias is not None:
        name, like = f"{bias.name}_{operator.index}", rewrite.view(bias)
        index = rewrite.add_tensor(subgraph, like, name, constant=True)
        own = rewrite.tensor(subgraph, index)
        rewrite.read(draft, bias.index, index)
    else:
        output = operator.outputs[0]
        index = rewrite.add_tensor(subgraph, rewrite.view(output), f"{output.name}_bias")
        own = rewrite.tensor(subgraph, index)
        own["shape"], own["shape_signature"] = (output.shape[-1],), None
        place = ops.operation(operator).bias[0]
        inputs = (*draft["inputs"], *[ABSENT] * (place + 1 - len(draft["inputs"])))
        draft["inputs"] = (*inputs[:place], index, *inputs[place + 1 :])
        rewrite.raise_version(draft, _WITH_BIAS.get(operator.name, 1))
    rewrite.set_parameters(own, layer.given)
    return own

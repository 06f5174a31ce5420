"""Layers of a quantized model whose biases can be changed, beside those of its float model."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq import ops
from tfq.format import ABSENT
from tfq.passes import integer_kernels
from tfq.passes.carrying import LAYERS
from tfq.passes.changes import Kept, operator_place
from tfq.passes.parameters import LIMITS, Parameters, float32, real_values
from tfq.passes.ranges import activation_keys
from tfq.passes.requantize import product
from tfq.passes.scales import bias_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.format import Draft
    from tfq.model import Model, Operator, Tensor
    from tfq.passes.rewrite import Rewrite

    Array = np.ndarray[Any, Any]

_CONVERSIONS = ("DEQUANTIZE", "QUANTIZE")
_INTEGERS = frozenset({"int8", "int16", "uint8"})
# The version from which on a kernel takes a bias, where that is not the first.
_WITH_BIAS = {"TRANSPOSE_CONV": 3}
# Float64 and kernels compute exactly up to here.
LARGEST_BIAS = {"int32": float(LIMITS["int32"][1]), "int64": float(1 << 53)}


class BiasedLayer(NamedTuple):
    """An operator whose bias can be corrected.

    Attributes:
        operator: It, in the quantized model.
        parts: What it reads.
        weights: The real numbers that its weights stand for.
        given: How the kernel understands the integers of the bias.
        twin: What its output should be: an activation of the float model.
        source: What its input should be; None if the float model has no such activation.
    """

    operator: Operator
    parts: integer_kernels.Layer
    weights: Array
    given: Parameters
    twin: Tensor
    source: Tensor | None

    def integers(self) -> Array:
        """Return the bias as it is, in float64; zeros if there is none."""
        import numpy as np

        if self.parts.bias is None:
            return np.zeros(self.operator.outputs[0].shape[-1])
        return self.parts.bias.numpy().astype(np.float64)


def biased_layers(model: Model, reference: Model) -> tuple[list[BiasedLayer], list[Kept]]:
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
            if operator.name not in LAYERS or operator.outputs[0].dtype not in _INTEGERS:
                continue
            parts = integer_kernels.layer(operator)
            source = keys.get(source_of(parts.data)) if parts is not None else None
            twin = twins.get(keys.get(operator.outputs[0], ""))
            found = _layer(operator, parts, twin, twins.get(source or ""))
            if isinstance(found, str):
                kept.append(Kept(operator_place(operator), found))
            else:
                layers.append(found)
    return layers, kept


def _layer(
    operator: Operator,
    parts: integer_kernels.Layer | None,
    twin: Tensor | None,
    source: Tensor | None,
) -> BiasedLayer | str:
    """Say what there is to know of a layer, or why it is left alone."""
    output = operator.outputs[0]
    if operator.subgraph.index:
        return "it is in a subgraph that others run"
    if parts is None:
        return f"its inputs are not those of {operator.name}"
    if twin is None or twin.shape != output.shape:
        return f"the float model has no activation {output.name!r} of its shape"
    bias, weights = parts.bias, ops.stored(parts.weights)
    if bias is not None and (not bias.is_constant or bias.is_external):
        return "its bias is not in the file"
    if bias is not None and bias.shape != (output.shape[-1],):
        return f"its bias has the shape {bias.shape}, expected one value a channel"
    values = real_values(weights) if weights.is_constant and not weights.is_external else None
    if values is None:
        return "its weights are not in the file, or its scales make no sense"
    dtype = bias.dtype if bias is not None else bias_type(output.dtype)
    scales = tuple([float32(scale) for scale in product(parts.data, weights, {})])
    makes_sense = dtype in LARGEST_BIAS and all(0 < scale < math.inf for scale in scales)
    if not makes_sense or len(scales) not in (1, output.shape[-1]):
        return "the scale of its bias makes no sense"
    given = Parameters(dtype, scales, (0,) * len(scales))
    if source is not None and source.shape != parts.data.shape:
        source = None
    return BiasedLayer(operator, parts, values, given, twin, source)


def source_of(data: Tensor) -> Tensor:
    """Return where the numbers that a layer reads come from, before any QUANTIZE and DEQUANTIZE.

    Args:
        data: What the layer reads.
    """
    while data.producer is not None and data.producer.name in _CONVERSIONS:
        data = data.producer.inputs[0] or data
    return data


def own_bias(rewrite: Rewrite, operator: Operator) -> Draft:
    """Return the draft of a bias that only one layer reads; its data are to be set.

    Args:
        rewrite: The model under change.
        operator: One of its layers. Where it has no bias, or others read it too, it gets a new one,
            which has no quantization yet.
    """
    bias, output = ops.bias(operator), operator.outputs[0]
    is_shared = bias is not None and (
        len(bias.consumers) > 1
        or operator.inputs.count(bias) > 1
        or bias in operator.subgraph.outputs
    )
    if bias is not None and not is_shared:
        return rewrite.view(bias)
    place, draft = operator.subgraph.index, rewrite.operator(operator)
    index = rewrite.add_tensor(place, rewrite.view(bias or output), f"{output.name}_bias")
    own, at = rewrite.tensor(place, index), ops.operation(operator).bias[0]
    own["shape"], own["shape_signature"] = (output.shape[-1],), None
    inputs = (*draft["inputs"], *[ABSENT] * (at + 1 - len(draft["inputs"])))
    draft["inputs"] = (*inputs[:at], index, *inputs[at + 1 :])
    rewrite.raise_version(draft, _WITH_BIAS.get(operator.name, 1))
    return own

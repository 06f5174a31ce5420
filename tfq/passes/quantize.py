"""A float model in, a full-integer model out: static quantization of the flatbuffer itself."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.errors import ArgumentError, ConversionError
from tfq.format import Draft
from tfq.passes.changes import Change, Changes, Kept, operator_place
from tfq.passes.integer_kernels import KERNELS, is_float, layer, obstacle, touches_floats
from tfq.passes.parameters import Parameters, encoded, quantized
from tfq.passes.ranges import activation_keys
from tfq.passes.rewrite import Rewrite
from tfq.passes.rounding import RoundedWeights
from tfq.passes.scales import (
    Scheme,
    activation_parameters,
    bias_type,
    clipped,
    coarser,
    finest,
    weight_parameters,
    weight_scales,
)
from tfq.passes.sharing import Groups, Node
from tfq.passes.views import Views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Subgraph, Tensor
    from tfq.passes.integer_kernels import Layer

    Array = np.ndarray[Any, Any]
    Range = tuple[float, float]

__all__ = ["Scheme", "quantize"]

# The options by which these take scales that are no powers of two.
_ANY_SCALE = {"ADD": "AddOptions", "SUB": "SubOptions"}
_OF_FLOATS = ("min_runtime_version", b"min_runtime_version")
# They choose between their inputs, so that a constant beyond the other's range means its end.
_LIMITING = ("MAXIMUM", "MINIMUM")
# Coarser scales for one operator may ask for coarser ones at the next.
_ROUNDS = 8


def quantize(
    model: Model,
    spans: Mapping[str, Range],
    scheme: Scheme,
    types: Mapping[Operator, str] | None = None,
    means: Mapping[str, Array] | None = None,
    weights: RoundedWeights | None = None,
) -> tuple[Model, Changes]:
    """Quantize a float model statically.

    1. Every operator that has an integer kernel computes in integers; its activations get scales
       from their ranges, weights symmetric ones from their largest value, biases input scale
       times weight scale.
    2. Tensors that a kernel hands on unchanged share one scale (`tfq.ops.shared_scale`); what an
       operator prescribes is kept (`tfq.ops.fixed_quantization`), with a QUANTIZE behind it where
       both rules meet.
    3. Operators without an integer kernel stay in float between DEQUANTIZE and QUANTIZE.
    4. Operators of different types are joined by QUANTIZE; from int8 to int16, which LiteRT's
       QUANTIZE cannot, by CAST and ADD.
    5. Inputs and outputs of the model have the scheme's type, unless only operators in float touch
       them.
    6. A bias takes up what rounding the weights adds in the mean, where the mean of the input is
       known (`tfq.passes.rounding`).

    Left alone:

    7. Subgraphs other than the first, and operators that run them.

    Args:
        model: A float model, its constants unpacked (`float_weights`).
        spans: By the key of each activation of the first subgraph (`activation_keys`), its smallest
            and largest value.
        scheme: How to quantize.
        types: Operators whose activations have another type than the scheme's: `"int8"`,
            `"int16"`, or `"float32"` for those that stay in float.
        means: By key, the mean of each channel of activations that layers read.
        weights: What rounds the weights of this model, and knows what it made of them before; by
            default each goes to the nearest integer.

    Returns:
        The quantized model, and what changed.

    Raises:
        ConversionError: If an activation has no range, a constant is not finite, or the model is
            quantized already.
        ArgumentError: If there is no such type.
    """
    chosen, kept = _choose(model.subgraphs[0], scheme, types or {})
    seen = _Seen(means or {}, weights or RoundedWeights())
    work = _Quantizer(model, spans, scheme, chosen, seen)
    work.quantize_activations()
    work.quantize_constants()
    work.cross_borders()
    entries = work.rewrite.draft["metadata"] or ()
    # What it says is true of the operators of the float model.
    kept_entries = [each for each in entries if each["name"] not in _OF_FLOATS]
    work.rewrite.draft["metadata"] = kept_entries or None
    changed = [Change(operator_place(op), f"computes in {dtype}") for op, dtype in chosen.items()]
    return work.rewrite.finish(), Changes("quantize", tuple(changed), tuple(kept))


def _choose(
    graph: Subgraph, scheme: Scheme, types: Mapping[Operator, str]
) -> tuple[dict[Operator, str], list[Kept]]:
    """Find the operators that will compute in integers, and why others will not."""
    chosen, kept = {}, []
    for operator in graph.operators:
        tensors = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
        if any(each.quantization is not None for each in tensors):
            raise ConversionError(f"{operator.place}: is quantized already, expected a float model")
        if not touches_floats(operator):
            continue
        dtype = types.get(operator, scheme.activations)
        if dtype not in ("float32", *KERNELS):
            raise ArgumentError(f"types: expected int8, int16 or float32, got {dtype!r}")
        reason = "float32 was asked for" if dtype == "float32" else obstacle(operator, dtype)
        if reason is None:
            chosen[operator] = dtype
        else:
            kept.append(Kept(operator_place(operator), f"stays in float: {reason}"))
    return chosen, kept


class _Seen(NamedTuple):
    """What is known of the layers of a model beside itself."""

    means: Mapping[str, Array]
    weights: RoundedWeights


class _Quantizer:
    """One quantization: which operators, which parameters, and the model under change."""

    def __init__(
        self,
        model: Model,
        spans: Mapping[str, Range],
        scheme: Scheme,
        types: dict[Operator, str],
        seen: _Seen,
    ) -> None:
        self.graph: Subgraph = model.subgraphs[0]
        self.means, self.weights = seen
        self.spans = spans
        self.scheme = scheme
        self.types = types
        self.keys = activation_keys(self.graph)
        self.rewrite = Rewrite(model)
        found = {operator: layer(operator) for operator in types}
        self.layers = {operator: each for operator, each in found.items() if each is not None}
        self.groups = Groups(types)
        self.parameters = self._parameters()
        self._coarsen()
        self.views = Views(self.rewrite, self.graph)

    def _parameters(self) -> dict[Node, Parameters]:
        """Choose parameters for each activation that an integer operator touches."""
        found: dict[Node, Parameters] = {}
        for group in self.groups.members():
            chosen = self.groups.fixed(group[0])
            if chosen is None:
                spans = [self._span(node) for node in group if not _follows(node)]
                low, high = min(span[0] for span in spans), max(span[1] for span in spans)
                chosen = activation_parameters(low, high, group[0].dtype, self.scheme)
            found.update(dict.fromkeys(group, chosen))
        return found

    def _span(self, node: Node) -> Range:
        tensor = node.tensor
        if tensor.is_constant:
            # What is infinite, as padding before a maximum is, becomes the end of the range.
            values = _numbers(tensor)
            return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if 0 in tensor.shape:
            return 0.0, 0.0
        if self.keys[tensor] not in self.spans:
            raise ConversionError(f"{tensor.place}: has no range; was it calibrated?")
        low, high = self.spans[self.keys[tensor]]
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ConversionError(f"{tensor.place}: expected a finite range, got {low} to {high}")
        return (low, high) if tensor.producer is None else clipped(tensor.producer, low, high)

    def _coarsen(self) -> None:
        """Give outputs no finer scales than their kernels can compute with."""
        members = {node: group for group in self.groups.members() for node in group}
        for _ in range(_ROUNDS):
            settled, scales = True, self._weight_scales()
            for operator, dtype in self.types.items():
                for tensor in filter(is_float, operator.outputs):
                    node = Node(tensor, dtype)
                    least = self._finest(operator, node, scales)
                    if self.groups.fixed(node) is None and self._scale(node) < least:
                        chosen = coarser(self.parameters[node], least, self.scheme)
                        self.parameters.update(dict.fromkeys(members[node], chosen))
                        settled = False
            if settled:
                break

    def _finest(
        self, operator: Operator, made: Node, scales: dict[tuple[Tensor, int], Array]
    ) -> float:
        inputs = [(operator, each) for each in operator.inputs if each is not None]
        nodes = [self.groups.nodes[pair] for pair in inputs if pair in self.groups.nodes]
        if any(self.parameters[node] is self.parameters[made] for node in nodes):
            return 0.0
        found = self.layers.get(operator)
        top = float(scales[found.weights, found.axis].max()) if found is not None else None
        return finest(operator, [self._scale(node) for node in nodes], top)

    def _scale(self, node: Node) -> float:
        return self.parameters[node].scales[0]

    def _home(self, tensor: Tensor) -> Parameters | None:
        """Return the parameters that an activation itself gets; None if it stays a float."""
        if tensor.producer is not None:
            dtype = self.types.get(tensor.producer)
        elif tensor in self.graph.inputs and self._is_usual(tensor):
            dtype = self.scheme.activations
            if Node(tensor, dtype) not in self.parameters:
                return self._usual(tensor)
        else:
            dtype = None
        return None if dtype is None else self.parameters.get(Node(tensor, dtype))

    def _is_usual(self, tensor: Tensor) -> bool:
        """Say whether an input becomes an integer one: unless all that reads it wants floats."""
        return not tensor.consumers or any(each in self.types for each in tensor.consumers)

    def _usual(self, tensor: Tensor) -> Parameters:
        """Return parameters of the scheme's type for an input or output of the model."""
        dtype = self.scheme.activations
        low, high = self._span(Node(tensor, dtype))
        return activation_parameters(low, high, dtype, self.scheme)

    def quantize_activations(self) -> None:
        """Give what integer operators write, and the model's inputs, their new type."""
        for tensor in self.graph.tensors:
            if is_float(tensor) and not tensor.is_constant:
                home = self._home(tensor)
                differs = home is not None and home.dtype != self.scheme.activations
                is_shown = differs and tensor in self.graph.outputs
                self.views.settle(tensor, home, self._usual(tensor) if is_shown else None)
        for operator, dtype in self.types.items():
            draft = self.rewrite.operator(operator)
            self.rewrite.raise_version(draft, KERNELS[dtype][operator.name])
            if dtype == "int16" and operator.name in _ANY_SCALE:
                options = draft["builtin_options"] or Draft(_ANY_SCALE[operator.name])
                options["pot_scale_int16"] = False
                draft["builtin_options"] = options

    def quantize_constants(self) -> None:
        """Quantize weights, biases and other constants of integer operators."""
        scales = self._weight_scales()
        for operator, each in self.layers.items():
            self._layer(operator, each, scales[each.weights, each.axis])
        for operator in self.types:
            for tensor in operator.inputs:
                if tensor is not None and tensor.is_constant:
                    node = self.groups.nodes.get((operator, tensor))
                    if node is not None:
                        target = self.parameters[node]
                        integers = quantized(tensor.numpy().astype("f8"), target)
                        self._constant(operator, tensor, target, integers)

    def _weight_scales(self) -> dict[tuple[Tensor, int], Array]:
        """Choose the smallest scales of weights, those that layers share as all of these need."""
        import numpy as np

        found: dict[tuple[Tensor, int], Array] = {}
        for operator, each in self.layers.items():
            made = self._scale(Node(operator.outputs[0], self.types[operator]))
            tops = self.weights.tops(operator, each)
            if not np.isfinite(tops).all():
                _finite(each.weights)  # says what is wrong
            scales = weight_scales(
                tops,
                None if each.bias is None else _finite(each.bias),
                (self._given(operator, each), made),
                (self.scheme.weight_type(operator), self.types[operator]),
            )
            key = (each.weights, each.axis)
            found[key] = np.maximum(found.get(key, 0.0), scales)
        return found

    def _layer(self, operator: Operator, found: Layer, scales: Array) -> None:
        """Quantize the weights and the bias of a convolution or dense layer."""
        import numpy as np

        dtype, values = self.scheme.weight_type(operator), found.weights.numpy()
        target = weight_parameters(values, scales, found.axis, dtype, self.scheme)
        integers = self.weights.integers(operator, found, target)
        self._constant(operator, found.weights, target, integers)
        if found.bias is not None:
            given = self._given(operator, found)
            products = tuple(np.float32(given * np.array(target.scales)).tolist())
            dtype = bias_type(self.types[operator])
            zeros = (0,) * len(products)
            bias = Parameters(dtype, products, zeros, 0)
            self._constant(
                operator, found.bias, bias, quantized(self._bias(operator, found, target), bias)
            )

    def _bias(self, operator: Operator, found: Layer, target: Parameters) -> Array:
        """Return the bias of a layer, with what rounding its weights adds where that is known."""
        assert found.bias is not None
        bias: Array = found.bias.numpy().astype("f8")
        means = self.means.get(self.keys[found.data])
        if means is None or len(found.bias.consumers) > 1:
            return bias
        shift = self.weights.shift(operator, found, target, means)
        return bias if shift is None else bias + shift

    def _given(self, operator: Operator, found: Layer) -> float:
        """Return the scale of what a layer reads."""
        return self._scale(self.groups.nodes[operator, found.data])

    def _constant(
        self,
        operator: Operator,
        tensor: Tensor,
        target: Parameters,
        integers: Array,
    ) -> None:
        """Let an operator read a constant quantized so; others may read it otherwise."""
        if (tensor, target) not in self.views:
            floats = any(each not in self.types for each in tensor.consumers)
            alone = not floats and tensor not in self.graph.outputs
            self.views.constant(tensor, target, encoded(integers, target.dtype), alone=alone)
        index = self.views.index(tensor, target)
        self.rewrite.read(self.rewrite.operator(operator), tensor.index, index)

    def cross_borders(self) -> None:
        """Set QUANTIZE and DEQUANTIZE where integers and floats, or two scales, meet."""
        for tensor in self.graph.tensors:
            if tensor.is_constant or not is_float(tensor):
                continue
            for reader in tensor.consumers:
                node = self.groups.nodes.get((reader, tensor))
                wanted = self.parameters[node] if node is not None else None
                index = self.views.index(tensor, wanted)
                self.rewrite.read(self.rewrite.operator(reader), tensor.index, index)


def _follows(node: Node) -> bool:
    """Say whether a constant takes the range of what it is compared with."""
    return node.reader is not None and node.tensor.is_constant and node.reader.name in _LIMITING


def _finite(constant: Tensor) -> Array:
    """Return the values of a constant, all of which must be finite."""
    values = constant.numpy()
    if _numbers(constant).size != values.size:
        raise ConversionError(f"{constant.place}: expected finite weights, got infinity")
    return values


def _numbers(constant: Tensor) -> Array:
    """Return the finite values of a constant, none of which may be NaN."""
    import numpy as np

    values = constant.numpy()
    if np.isnan(values).any():
        raise ConversionError(f"{constant.place}: expected finite weights, got NaN")
    finite: Array = values[np.isfinite(values)]
    return finite

"""A float model in, a full-integer model out: static quantization of the flatbuffer itself."""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.errors import ConversionError
from tfq.passes.changes import Change, Changes, operator_place
from tfq.passes.kernels import BIASED, INT8_VERSIONS
from tfq.passes.parameters import LIMITS, Parameters, encoded, float32, largest, quantized
from tfq.passes.rewrite import Rewrite
from tfq.passes.sharing import Groups, is_float

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np

    from tfq.format import Draft
    from tfq.model import Model, Operator, Subgraph, Tensor

    Array = np.ndarray[Any, Any]
    Range = tuple[float, float]

# Operators whose LiteRT kernels compute in integers, by the type of their activations; a test
# asks LiteRT. Most of 8 bits are those of INT8_VERSIONS.
_INTEGER_8 = frozenset(INT8_VERSIONS) | {
    "ABS",
    "BATCH_MATMUL",
    "ELU",
    "EXP",
    "GELU",
    "REDUCE_MAX",
    "REDUCE_MIN",
    "RSQRT",
    "SQUARED_DIFFERENCE",
}
_INTEGER_16 = frozenset(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "EXPAND_DIMS",
        "FULLY_CONNECTED",
        "GATHER",
        "LEAKY_RELU",
        "LOGISTIC",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MINIMUM",
        "MUL",
        "PACK",
        "PAD",
        "PADV2",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SLICE",
        "SOFTMAX",
        "SPLIT",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "TANH",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
        "UNPACK",
    ]
)
KERNELS = {"int8": _INTEGER_8, "int16": _INTEGER_16}
# A bias must leave room for the sum that it starts: half of what its type holds.
_LARGEST_BIAS = {"int32": (1 << 31) / 2, "int64": float(1 << 53)}


class Scheme(NamedTuple):
    """How to quantize.

    Attributes:
        activations: `"int8"` or `"int16"`.
        per_channel: Whether each output channel of weights has a scale of its own.
        symmetric: Whether activations have their zero point in the middle; with int16 they always
            have.
        power_of_two: Whether all scales are powers of two.
        inputs: The type of the model's inputs: that of the activations, or `"float32"`.
        outputs: Likewise.
    """

    activations: str = "int8"
    per_channel: bool = False
    symmetric: bool = False
    power_of_two: bool = False
    inputs: str = "int8"
    outputs: str = "int8"


def quantize(model: Model, ranges: Mapping[str, Range], scheme: Scheme) -> tuple[Model, Changes]:
    """Quantize a float model statically.

    1. Every operator that has an integer kernel computes in integers; its activations get scales
       from their ranges, weights symmetric ones from their largest value, biases input scale
       times weight scale.
    2. Tensors that a kernel hands on unchanged share one scale (`tfq.ops.shared_scale`); what an
       operator prescribes is kept (`tfq.ops.fixed_quantization`), with a QUANTIZE behind it where
       both rules meet.
    3. Operators without an integer kernel stay in float between DEQUANTIZE and QUANTIZE.

    Left alone:

    4. Subgraphs other than the first.

    Args:
        model: A float model, its constants unpacked (`float_weights`).
        ranges: By the name of each activation of the first subgraph, its smallest and largest
            value.
        scheme: How to quantize.

    Returns:
        The quantized model, and what changed.

    Raises:
        ConversionError: If an activation has no range, or the model is quantized already.
    """
    work = _Quantizer(model, ranges, scheme)
    work.quantize_activations()
    work.quantize_constants()
    work.cross_borders()
    stays = [operator for operator in work.graph.operators if work.stays_float(operator)]
    changed = [
        Change(operator_place(operator), f"computes in {scheme.activations}")
        for operator in work.graph.operators
        if operator in work.integer
    ]
    changed += [Change(operator_place(operator), "stays in float") for operator in stays]
    return work.rewrite.finish(), Changes("quantize", tuple(changed))


class _Quantizer:
    """One quantization: which operators, which parameters, and the model under change."""

    def __init__(self, model: Model, ranges: Mapping[str, Range], scheme: Scheme) -> None:
        self.model = model
        self.graph: Subgraph = model.subgraphs[0]
        self.ranges = ranges
        self.scheme = scheme
        self.rewrite = Rewrite(model)
        self.integer = {op for op in self.graph.operators if self._has_kernel(op)}
        self.groups = Groups(self.graph, self.integer, scheme.activations)
        self.parameters = self._parameters()
        # (constant, parameters) → the index of the tensor that holds it so.
        self._constants: dict[tuple[Tensor, Parameters], int] = {}

    def stays_float(self, operator: Operator) -> bool:
        """Whether an operator has floats, and keeps them."""
        return operator not in self.integer and any(map(is_float, _tensors(operator)))

    def _has_kernel(self, operator: Operator) -> bool:
        tensors = _tensors(operator)
        if any(tensor.quantization is not None for tensor in tensors):
            raise ConversionError(f"{operator.place}: is quantized already, expected a float model")
        if operator.name not in KERNELS[self.scheme.activations]:
            return False
        if not any(map(is_float, tensors)):
            return False
        if operator.name in BIASED:
            fixed = [ops.weights(operator), ops.bias(operator)]
            return all(each is None or (each.is_constant and is_float(each)) for each in fixed)
        return all(tensor.is_external is False for tensor in tensors)

    def _parameters(self) -> dict[Tensor, Parameters]:
        """Choose parameters for each activation that an integer operator touches."""
        found: dict[Tensor, Parameters] = {}
        for group in self.groups.members():
            fixed = self.groups.fixed(group[0])
            if fixed is None:
                spans = [self._range(tensor) for tensor in group]
                low, high = min(span[0] for span in spans), max(span[1] for span in spans)
                fixed = activation_parameters(low, high, self.scheme)
            found.update(dict.fromkeys(group, fixed))
        return found

    def _range(self, tensor: Tensor) -> Range:
        if tensor.is_constant:
            values = tensor.numpy()
            return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if tensor.name not in self.ranges:
            raise ConversionError(f"{tensor.place}: has no range; was it calibrated?")
        return self.ranges[tensor.name]

    def quantize_activations(self) -> None:
        """Give what integer operators write, and the model's integer inputs, their new type."""
        for tensor in self.parameters:
            if not tensor.is_constant and self._holds_integers(tensor):
                self.rewrite.set_parameters(self.rewrite.view(tensor), self.parameters[tensor])
        for operator in self.integer:
            version = INT8_VERSIONS.get(operator.name)
            if version is not None:
                self.rewrite.raise_version(self.rewrite.operator(operator), version)

    def _holds_integers(self, tensor: Tensor) -> bool:
        """Whether a tensor itself becomes an integer one, and no QUANTIZE stands behind it."""
        if tensor.producer is not None:
            return tensor.producer in self.integer
        return tensor in self.graph.inputs and self.scheme.inputs != "float32"

    def quantize_constants(self) -> None:
        """Quantize weights, biases and other constants of integer operators."""
        for operator in self.graph.operators:
            if operator not in self.integer:
                continue
            if operator.name in BIASED:
                self._layer(operator)
                continue
            for tensor in operator.inputs:
                if tensor is not None and tensor.is_constant and is_float(tensor):
                    target = self.parameters.get(tensor)
                    if target is None:
                        target = activation_parameters(*self._range(tensor), self.scheme)
                    self._constant(operator, tensor, target)

    def _layer(self, operator: Operator) -> None:
        """Quantize the weights and the bias of a convolution or dense layer."""
        import numpy as np

        weights, bias = ops.weights(operator), ops.bias(operator)
        data = operator.inputs[BIASED[operator.name]]
        if weights is None or data is None:
            return
        given = self._input_parameters(operator, data).scales[0]
        dtype = "int64" if self.scheme.activations == "int16" else "int32"
        axis = ops.channel_axis(operator) or 0
        scales = self._weight_scales(weights.numpy(), axis)
        if bias is not None:
            scales = np.maximum(scales, _floor(bias.numpy(), given, dtype, scales.size))
        if self.scheme.power_of_two:
            scales = np.exp2(np.ceil(np.log2(scales)))
        target = Parameters(
            "int8", tuple(float32(each) for each in scales), (0,) * scales.size, axis
        )
        self._constant(operator, weights, target, narrow=True)
        if bias is not None:
            products = tuple(float32(given * scale) for scale in target.scales)
            self._constant(operator, bias, Parameters(dtype, products, (0,) * len(products), 0))

    def _weight_scales(self, values: Array, axis: int) -> Array:
        import numpy as np

        values = np.abs(values.astype(np.float64))
        if self.scheme.per_channel:
            tops = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1).max(axis=1)
        else:
            tops = values.max(initial=0.0).reshape(1)
        scales: Array = np.where(tops > 0, tops / largest("int8"), 1.0)
        return scales

    def _input_parameters(self, operator: Operator, tensor: Tensor) -> Parameters:
        crossing = self.groups.crossings.get((operator, tensor))
        return self.parameters[crossing if crossing is not None else tensor]

    def _constant(
        self, operator: Operator, tensor: Tensor, target: Parameters, *, narrow: bool = False
    ) -> None:
        """Let an operator read a constant quantized so; others may read it otherwise."""
        key = (tensor, target)
        if key not in self._constants:
            draft, index = self.rewrite.view(tensor), tensor.index
            taken = any(known is tensor for known, _ in self._constants)
            if taken or any(each not in self.integer for each in tensor.consumers):
                name = f"{tensor.name}_{len(self._constants)}"
                index = self.rewrite.add_tensor(self.graph.index, draft, name, constant=True)
                draft = self.rewrite.tensor(self.graph.index, index)
            integers = quantized(tensor.numpy().astype("f8"), target, narrow=narrow)
            self.rewrite.set_parameters(draft, target)
            self.rewrite.set_data(draft, encoded(integers, target.dtype))
            self._constants[key] = index
        self.rewrite.read(self.rewrite.operator(operator), tensor.index, self._constants[key])

    def cross_borders(self) -> None:
        """Set QUANTIZE and DEQUANTIZE where integers and floats, or two scales, meet."""
        for tensor in [each for each in self.parameters if not each.is_constant]:
            readers = [each for each in tensor.consumers if each in self.integer]
            floats = [each for each in tensor.consumers if each not in self.integer]
            is_output = tensor in self.graph.outputs
            if self._holds_integers(tensor):
                if floats or (is_output and self.scheme.outputs == "float32"):
                    self._dequantize(tensor, floats)
            elif readers:
                target = self.parameters[tensor]
                self._insert("QUANTIZE", tensor, target, readers, "quantized")
            # After the above: it reads what that made.
        for (operator, tensor), member in self.groups.crossings.items():
            target = self.parameters[member]
            if target != self.parameters[tensor]:
                self._insert("QUANTIZE", tensor, target, [operator], "rescaled")

    def _dequantize(self, tensor: Tensor, readers: list[Operator]) -> None:
        index = self._insert("DEQUANTIZE", tensor, None, readers, "dequantized")
        if tensor in self.graph.outputs and self.scheme.outputs == "float32":
            subgraph = self.rewrite.draft["subgraphs"][self.graph.index]
            outputs = tuple(index if each == tensor.index else each for each in subgraph["outputs"])
            subgraph["outputs"] = outputs
            for signature in self.rewrite.draft["signature_defs"] or ():
                if signature["subgraph_index"] == self.graph.index:
                    for entry in signature["outputs"] or ():
                        if entry["tensor_index"] == tensor.index:
                            entry["tensor_index"] = index

    def _insert(
        self,
        name: str,
        tensor: Tensor,
        target: Parameters | None,
        readers: list[Operator],
        suffix: str,
    ) -> int:
        """Set an operator behind a tensor, for some of those that read it."""
        place, rewrite = self.graph.index, self.rewrite
        draft = rewrite.view(tensor)
        index = rewrite.add_tensor(place, draft, f"{tensor.name}_{suffix}")
        rewrite.set_parameters(rewrite.tensor(place, index), target)
        version = 2 if name == "DEQUANTIZE" else 1
        operator = rewrite.new_operator(name, version, tensor.index, index)
        for reader in readers:
            rewrite.read(rewrite.operator(reader), tensor.index, index)
        operators = rewrite.operators(place)
        operators.insert(self._behind(operators, tensor), operator)
        return index

    def _behind(self, operators: list[Draft], tensor: Tensor) -> int:
        """Return the place right behind the operator that writes a tensor."""
        if tensor.producer is None:
            return 0
        producer = self.rewrite.operator(tensor.producer)
        return next(place for place, each in enumerate(operators) if each is producer) + 1


def activation_parameters(low: float, high: float, scheme: Scheme) -> Parameters:
    """Choose the parameters of an activation from its range.

    Zero is always one of the numbers that have an integer of their own, as the specification asks
    (https://ai.google.dev/edge/litert/models/quantization_spec).

    Args:
        low: Its smallest value.
        high: Its largest.
        scheme: How to quantize.
    """
    import math

    dtype = scheme.activations
    lowest, highest, middle = LIMITS[dtype]
    low, high = min(low, 0.0), max(high, 0.0)
    if scheme.symmetric or scheme.power_of_two or dtype == "int16":
        scale = max(-low, high) / (highest - middle)
        if scheme.power_of_two and scale > 0:
            scale = math.ldexp(1.0, math.ceil(math.log2(scale)))
        return Parameters(dtype, (float32(scale or 1.0),), (middle,))
    scale = float32((high - low) / (highest - lowest))
    if scale <= 0:
        return Parameters(dtype, (1.0,), (middle,))
    point = min(max(round(lowest - low / scale), lowest), highest)
    return Parameters(dtype, (scale,), (point,))


def _floor(bias: Array, given: float, dtype: str, count: int) -> Array:
    """Return the smallest weight scales with which a bias fits its type."""
    import numpy as np

    tops = np.abs(bias.astype(np.float64)) / (given * _LARGEST_BIAS[dtype])
    return tops if count == tops.size else tops.max(initial=0.0).reshape(1)


def _tensors(operator: Operator) -> list[Tensor]:
    return [each for each in (*operator.inputs, *operator.outputs) if each is not None]

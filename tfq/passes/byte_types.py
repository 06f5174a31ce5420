"""A whole model from uint8 to int8, and back."""

from __future__ import annotations

from tfq import ops
from tfq.errors import ArgumentError
from tfq.passes.changes import Change, Changes, Kept, operator_place, tensor_place
from tfq.passes.constants import symmetric_target
from tfq.passes.kernels import BIASED, INT8_VERSIONS, called_subgraphs, obstacle
from tfq.passes.parameters import Parameters, parameters, shifted
from tfq.passes.requantize import requantize
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor

_OTHER = {"int8": "uint8", "uint8": "int8"}
_GRANULARITIES = ("per_tensor", "per_channel")
# Their kernels of int8 take a scale for each channel.
_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})


def byte_types(
    model: Model, dtype: str = "int8", granularity: str = "per_tensor"
) -> tuple[Model, Changes]:
    """Turn the uint8 of a model into int8, or its int8 into uint8.

    Both hold the same numbers: zero points and constants shift by 128, scales stay. The outputs
    are those of before to one step, as kernels of the two types may round differently.

    1. Activations, inputs and outputs of the model included, and constant operands.
    2. Weights; for int8 they become symmetric, as those kernels do not subtract a zero point. That
       costs precision, less if each channel of a convolution gets a scale of its own.
    3. CONCATENATION of inputs with different scales, which only uint8 has: each such input gets a
       QUANTIZE, which does what the kernel did.
    4. Versions of operators: int8 needs later ones.

    Left alone, all of the model:

    5. If one operator on the way has no kernel for the new type, or is custom, or calls subgraphs.
    6. If an operator computes with 16 bits or floats too.
    7. If weights are sparse or in other files; per channel or in blocks and uint8 is wanted (see
       `per_tensor`).

    Args:
        model: Any model.
        dtype: What is wanted, `"int8"` or `"uint8"`.
        granularity: `"per_tensor"`, or `"per_channel"` for the weights of convolutions that become
            symmetric.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.

    Raises:
        ArgumentError: If the type or granularity is none of these.
    """
    if dtype not in _OTHER:
        raise ArgumentError(f"dtype: expected int8 or uint8, got {dtype!r}")
    if granularity not in _GRANULARITIES:
        known = " or ".join(_GRANULARITIES)
        raise ArgumentError(f"granularity: expected {known}, got {granularity!r}")
    tensors = [
        tensor
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.dtype == _OTHER[dtype] and tensor.quantization is not None
    ]
    kept = list(_obstacles(model, tensors, dtype))
    if kept or not tensors:
        return model, Changes("byte_types", (), tuple(kept))
    axes = _weights(model)
    if granularity == "per_tensor":
        axes = dict.fromkeys(axes)
    targets = {
        tensor: target for tensor in tensors if (target := _target(tensor, dtype, axes)) is not None
    }
    rewrite = Rewrite(model)
    changed = requantize(rewrite, targets)
    for operator in _concerned(model, set(tensors)):
        draft = rewrite.operator(operator)
        if dtype == "int8":
            rewrite.raise_version(draft, INT8_VERSIONS[operator.name])
            if operator.name == "CONCATENATION":
                changed += _align(rewrite, operator, targets)
    return rewrite.finish(), Changes("byte_types", tuple(changed))


def _weights(model: Model) -> dict[Tensor, int | None]:
    """Return the constants that are weights, and where the channels of convolutions lie."""
    found: dict[Tensor, int | None] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            axis = ops.channel_axis(operator) if operator.name in _CONVOLUTIONS else None
            for tensor in map(ops.stored, ops.all_weights(operator)):
                if tensor.is_constant:
                    agrees = found.setdefault(tensor, axis) == axis
                    found[tensor] = axis if agrees else None
    return found


def _target(tensor: Tensor, dtype: str, axes: dict[Tensor, int | None]) -> Parameters | None:
    old = parameters(tensor)
    if old is None:
        return None
    new = shifted(old, dtype)
    if tensor in axes and any(new.zero_points) and dtype == "int8":
        return symmetric_target(tensor, dtype, axes[tensor])
    return new


def _concerned(model: Model, tensors: set[Tensor]) -> Iterator[Operator]:
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if not tensors.isdisjoint((*operator.inputs, *operator.outputs)):
                yield operator


def _obstacles(model: Model, tensors: list[Tensor], dtype: str) -> Iterator[Kept]:
    for operator in _concerned(model, set(tensors)):
        if operator.is_custom or operator.name not in INT8_VERSIONS:
            yield Kept(operator_place(operator), f"no kernel of it is known to take {dtype}")
        elif operator.name in BIASED and (reason := obstacle(operator, operator.outputs[0])):
            yield Kept(operator_place(operator), reason)
        elif other := _other_type(operator):
            yield Kept(operator_place(operator), f"it computes with {other} too")
    called = called_subgraphs(model)
    for tensor in tensors:
        reason = _tensor_obstacle(tensor, dtype, called)
        if reason is not None:
            yield Kept(tensor_place(tensor), reason)


def _tensor_obstacle(tensor: Tensor, dtype: str, called: frozenset[int]) -> str | None:
    known, subgraph = parameters(tensor), tensor.subgraph
    if subgraph.index in called and tensor in (*subgraph.inputs, *subgraph.outputs):
        return "it passes between subgraphs"
    if tensor.is_variable:
        return "it keeps its values from run to run"
    if known is None:
        return "it is quantized in blocks, or its scales are no numbers"
    if dtype == "uint8" and len(known.scales) != 1:
        return "it has more than one scale, and kernels of uint8 take one"
    if tensor.is_constant and (tensor.is_external or tensor.is_sparse):
        return "it is sparse or in another file"
    return None


def _other_type(operator: Operator) -> str | None:
    """Return the type that an operator computes with besides 8 bits, if it does not convert."""
    if operator.name in ("QUANTIZE", "DEQUANTIZE"):
        return None
    types = [each.dtype for each in (*operator.inputs, *operator.outputs) if each is not None]
    wide = (ops.QUANTIZED | ops.FLOATS) - set(_OTHER)
    return next((dtype for dtype in types if dtype in wide), None)


def _align(
    rewrite: Rewrite, operator: Operator, targets: dict[Tensor, Parameters]
) -> Iterator[Change]:
    """Convert the inputs of a CONCATENATION to the scale of its output."""
    output = operator.outputs[0]
    wanted = targets.get(output) or parameters(output)
    subgraph = operator.subgraph.index
    draft = rewrite.operator(operator)
    for tensor in dict.fromkeys(operator.inputs):
        have = targets.get(tensor) if tensor is not None else None
        if tensor is None or have is None or wanted is None or have == wanted:
            continue
        name = f"{tensor.name}_requantized"
        index = rewrite.add_tensor(subgraph, rewrite.view(tensor), name)
        rewrite.set_parameters(rewrite.tensor(subgraph, index), wanted)
        quantize = rewrite.new_operator("QUANTIZE", 1, [tensor.index], index)
        operators = rewrite.operators(subgraph)
        operators.insert(operators.index(draft), quantize)
        rewrite.read(draft, tensor.index, index)
        yield Change(operator_place(operator), f"QUANTIZE of {tensor_place(tensor)} before it")

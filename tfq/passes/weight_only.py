"""Weights with one scale, unpacked for kernels that would want a scale for each channel."""

from __future__ import annotations

from tfq import ops
from tfq.passes.changes import Change, Changes, Kept, operator_place
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Tensor

_NAME = "weight_only"
# The versions of DEQUANTIZE that take a type, with one scale.
_VERSIONS = {"int4": 6, "int8": 2, "uint8": 1, "int16": 3}


def weight_only(model: Model) -> tuple[Model, Changes]:
    """Let hybrid operators compute in float whose kernel lacks scales.

    1. DEPTHWISE_CONV_2D with float activations and one scale for the weights of several channels,
       which LiteRT computes wrongly: a DEQUANTIZE unpacks the weights, and the file keeps their
       integers and their one scale. Operators that share weights share the DEQUANTIZE.
    2. CONV_2D with groups of input channels, which LiteRT does not load without XNNPACK: likewise.

    Left alone:

    3. Other operators that read the same weights.
    4. Sparse weights, which DEQUANTIZE does not take, and types that it does not.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    rewrite, changed, kept = Rewrite(model), list[Change](), list[Kept]()
    unpacked: dict[Tensor, int] = {}
    for operator in ops.lacking_scales(model):
        (weights,) = ops.all_weights(operator)
        if weights.is_sparse or weights.dtype not in _VERSIONS:
            kind = "sparse" if weights.is_sparse else weights.dtype
            kept.append(Kept(operator_place(operator), f"DEQUANTIZE takes no {kind} weights"))
            continue
        if weights not in unpacked:
            unpacked[weights] = _unpack(rewrite, operator, weights)
        rewrite.read(rewrite.operator(operator), weights.index, unpacked[weights])
        what = f"computes in float on its {weights.dtype} weights"
        changed.append(Change(operator_place(operator), what))
    made = rewrite.finish() if changed else model
    return made, Changes(_NAME, tuple(changed), tuple(kept))


def _unpack(rewrite: Rewrite, operator: Operator, weights: Tensor) -> int:
    """Put a DEQUANTIZE before an operator; return the tensor that it gives."""
    place = operator.subgraph.index
    floats = rewrite.add_tensor(place, rewrite.view(weights), f"{weights.name}_dequantized")
    rewrite.set_parameters(rewrite.tensor(place, floats), None)
    version = _VERSIONS[weights.dtype]
    unpacking = rewrite.new_operator("DEQUANTIZE", version, [weights.index], floats)
    operators = rewrite.operators(place)
    operators.insert(operators.index(rewrite.operator(operator)), unpacking)
    return floats

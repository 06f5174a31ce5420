"""Q52x: operators that are there for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place
from tfq.lint.rule import rule
from tfq.ops import FLOATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile


@rule("Q521", "cancelling-pair", severity="warning", fix="cancelling_pairs")
def cancelling_pair(model: Model, profile: Profile) -> Iterator[Hit]:
    """DEQUANTIZE and QUANTIZE cancel, or QUANTIZE changes nothing.

    ## What it does
    Reports every QUANTIZE that gives back exactly the integers that a DEQUANTIZE before it took,
    and every QUANTIZE from integers to integers of the same type, scale and zero point. Pairs in a
    model for an integer device are reported by Q101, as a float island.

    ## Why is this bad?
    Two passes over the data, and on an accelerator a way to the CPU and back, for the same numbers.

    ## Example
    Two quantized models that were joined at a float tensor.

    ## Use instead
    The tensor before the pair in the place of the one after it: `tfq retarget`.

    ## Fix safety
    Safe: the integers are the same.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            before = cancelled_by(operator)
            if before is None:
                continue
            if before is operator:
                what = "input and output have the same type, scale and zero point"
                yield Hit(f"{place(operator)}: {what}", operator, operator.outputs[0])
            elif profile.quantization.compute != "integer":
                what = f"gives the integers that op {before.index} DEQUANTIZE took"
                yield Hit(f"{place(operator)}: {what}; both can go", operator, operator.outputs[0])


def cancelled_by(operator: Operator) -> Operator | None:
    """Find what makes a QUANTIZE superfluous.

    Args:
        operator: Any operator.

    Returns:
        The DEQUANTIZE that it reverses, the operator itself if it changes nothing, or None.
    """
    if operator.name != "QUANTIZE" or len(operator.inputs) != 1 or len(operator.outputs) != 1:
        return None
    given, made = operator.inputs[0], operator.outputs[0]
    if given is None:
        return None
    if given.dtype not in FLOATS:
        return operator if _same(given, made) else None
    before = given.producer
    if before is None or before.name != "DEQUANTIZE" or ops.unpacks_constant(before):
        return None
    source = before.inputs[0] if before.inputs else None
    return before if source is not None and _same(source, made) else None


def cancels(operator: Operator) -> bool:
    """Say whether an operator is one of a DEQUANTIZE and a QUANTIZE that cancel.

    Args:
        operator: Any operator.

    Returns:
        Whether it is.
    """
    if operator.name == "DEQUANTIZE":
        users = [each for tensor in operator.outputs for each in tensor.consumers]
        return any(cancelled_by(each) is operator for each in users)
    return cancelled_by(operator) is not None


def _same(given: Tensor, made: Tensor) -> bool:
    if given.dtype != made.dtype or given.quantization is None:
        return False
    return given.quantization == made.quantization

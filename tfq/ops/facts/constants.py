"""Facts about constants that an operator works on like on activations, as in ADD of a constant."""

from __future__ import annotations

import math

from tfq.ops.facts.places import result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator, Tensor

# Scales are stored as float32.
ROUNDING = 1e-6
NO_NUMBERS = frozenset({"resource", "string", "variant"})


def constants_zero(op: Operator) -> bool:
    """Whether all constant inputs are nothing but zeros."""
    return all(_is_zero(tensor) for tensor in _constants(op))


def constant_dimensions(op: Operator) -> tuple[int, ...]:
    """The number of dimensions larger than 1, of each constant input."""
    return tuple([sum(each != 1 for each in tensor.shape) for tensor in _constants(op)])


def constant_per_channel(op: Operator) -> bool:
    """Whether each constant input has the shape 1x1x1xC, and the output C channels."""
    made = result(op)
    if made is None or not made.shape:
        return False
    return all(tensor.shape == (1, 1, 1, made.shape[-1]) for tensor in _constants(op))


def factor_changes_nothing(op: Operator) -> bool:
    """Whether MUL by a constant scalar leaves quantized values as they are, as scales change."""
    made = result(op)
    given = [each for each in op.inputs if each is not None and not each.is_constant]
    factors = _constants(op)
    if made is None or len(given) != 1 or len(factors) != 1 or math.prod(factors[0].shape) != 1:
        return False
    before, after, factor = _line(given[0]), _line(made), _line(factors[0])
    if before is None or after is None or factor is None:
        return False
    # The output is (q - zero point) * scale, which must be factor * (q - zero point) * scale.
    real = (factors[0].values[0] - factor[1]) * factor[0]
    return before[1] == after[1] and math.isclose(real * before[0], after[0], rel_tol=ROUNDING)


def alpha_outer_sizes(op: Operator) -> tuple[int, ...] | None:
    """The sizes of all but the innermost dimension of the slopes of PRELU."""
    if op.name != "PRELU" or len(op.inputs) < 2 or op.inputs[1] is None:
        return None
    return op.inputs[1].shape[:-1]


def _constants(op: Operator) -> list[Tensor]:
    return [each for each in op.inputs if each is not None and each.is_constant]


def _line(tensor: Tensor) -> tuple[float, int] | None:
    """The scale and zero point of a tensor that has one of each."""
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1:
        return None
    return quantization.scales[0], quantization.zero_point


def _is_zero(tensor: Tensor) -> bool:
    if tensor.dtype in NO_NUMBERS:
        return False
    line = _line(tensor)
    zero = line[1] if line is not None else 0
    return all(each == zero for each in tensor.values)


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        alpha_outer_sizes,
        constant_dimensions,
        constant_per_channel,
        constants_zero,
        factor_changes_nothing,
    )
}

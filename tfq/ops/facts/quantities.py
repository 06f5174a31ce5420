"""Facts about scales and zero points."""

from __future__ import annotations

from tfq.ops.facts.places import activations, data, result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator, Tensor


def _scale(tensor: Tensor | None) -> float | None:
    if tensor is None or tensor.quantization is None or not tensor.quantization.scales:
        return None
    return tensor.quantization.scales[0]


def _zero_point(tensor: Tensor | None) -> int | None:
    if tensor is None or tensor.quantization is None:
        return None
    return tensor.quantization.zero_point


def quantized(op: Operator) -> bool:
    """Whether every activation has a scale."""
    return all(_scale(tensor) is not None for tensor in activations(op))


def same_quantization(op: Operator) -> bool:
    """Whether all activations have one scale and one zero point."""
    return len({(_scale(each), _zero_point(each)) for each in activations(op)}) <= 1


def scale_ratio(op: Operator) -> tuple[float, ...]:
    """The output's scale by that of each input that is an activation."""
    made = _scale(result(op))
    given = [each for each in op.inputs if each is not None and not each.is_constant]
    scales = [scale for scale in map(_scale, given) if scale]
    return tuple([made / scale for scale in scales]) if made is not None else ()


def multiplier(op: Operator) -> tuple[float, ...]:
    """Input scale times weight scale by output scale, for each weight scale."""
    weights = op.weights
    given, made = _scale(data(op)), _scale(result(op))
    if weights is None or weights.quantization is None or given is None or not made:
        return ()
    return tuple([given * scale / made for scale in weights.quantization.scales])


def input_scale(op: Operator) -> float | None:
    """The input's scale."""
    return _scale(data(op))


def output_scale(op: Operator) -> float | None:
    """The output's scale."""
    return _scale(result(op))


def output_zero_point(op: Operator) -> int | None:
    """The output's zero point."""
    return _zero_point(result(op))


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        input_scale,
        multiplier,
        output_scale,
        output_zero_point,
        quantized,
        same_quantization,
        scale_ratio,
    )
}

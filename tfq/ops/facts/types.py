"""Facts about types, and about what is known before the model runs."""

from __future__ import annotations

from tfq.ops.facts.places import activations, data, result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator


def activation_types(op: Operator) -> tuple[str, ...]:
    """The type of each activation."""
    return tuple([tensor.dtype for tensor in activations(op)])


def input_type(op: Operator) -> str | None:
    """The type of the input."""
    tensor = data(op)
    return tensor.dtype if tensor is not None else None


def input_types(op: Operator) -> tuple[str, ...]:
    """The type of each input that is an activation."""
    given = [each for each in op.inputs if each is not None and not each.is_constant]
    return tuple([each.dtype for each in given if not each.is_variable])


def output_type(op: Operator) -> str | None:
    """The type of the output."""
    tensor = result(op)
    return tensor.dtype if tensor is not None else None


def same_types(op: Operator) -> bool | None:
    """Whether input and output have one type."""
    given, made = input_type(op), output_type(op)
    return None if given is None or made is None else given == made


def weights_type(op: Operator) -> str | None:
    """The type of the weights."""
    tensor = op.weights
    return tensor.dtype if tensor is not None else None


def weights_constant(op: Operator) -> bool | None:
    """Whether the weights stand in the file."""
    tensor = op.weights
    return tensor.is_constant if tensor is not None else None


def bias_type(op: Operator) -> str | None:
    """The type of the bias."""
    tensor = op.bias
    return tensor.dtype if tensor is not None else None


def bias_constant(op: Operator) -> bool | None:
    """Whether the bias stands in the file."""
    tensor = op.bias
    return tensor.is_constant if tensor is not None else None


def parameters_constant(op: Operator) -> bool:
    """Whether all inputs but the data stand in the file: axes, paddings, sizes, begins, ends."""
    given = data(op)
    return all(each is None or each is given or each.is_constant for each in op.inputs)


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        activation_types,
        bias_constant,
        bias_type,
        input_type,
        input_types,
        output_type,
        parameters_constant,
        same_types,
        weights_constant,
        weights_type,
    )
}

"""Facts about the shapes of what goes in and comes out."""

from __future__ import annotations

import math

from tfq.ops.facts.places import activations, data, is_constant, result, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator


def rank(op: Operator) -> tuple[int, ...]:
    """The number of dimensions of each activation."""
    return tuple([len(tensor.shape) for tensor in activations(op)])


def non_singleton_dimensions(op: Operator) -> tuple[int, ...]:
    """The number of dimensions larger than 1, of each activation."""
    return tuple([sum(each != 1 for each in tensor.shape) for tensor in activations(op)])


def output_dimensions(op: Operator) -> int | None:
    """The number of dimensions of the output that are larger than 1."""
    tensor = result(op)
    return sum(each != 1 for each in tensor.shape) if tensor is not None else None


def outer_sizes(op: Operator) -> tuple[int, ...]:
    """The sizes of all but the three innermost dimensions, of each activation."""
    return tuple([each for tensor in activations(op) for each in tensor.shape[:-3]])


def static(op: Operator) -> bool:
    """Whether no dimension of an activation is open at run time."""
    return all(each >= 0 for tensor in activations(op) for each in tensor.shape_signature)


def batch(op: Operator) -> int | None:
    """The first dimension of the input; None if it has but one."""
    tensor = data(op)
    return tensor.shape[0] if tensor is not None and len(tensor.shape) > 1 else None


def input_rank(op: Operator) -> int | None:
    """The number of dimensions of the input."""
    tensor = data(op)
    return len(tensor.shape) if tensor is not None else None


def output_rank(op: Operator) -> int | None:
    """The number of dimensions of the output."""
    tensor = result(op)
    return len(tensor.shape) if tensor is not None else None


def input_height(op: Operator) -> int | None:
    """The height of a four-dimensional input."""
    return size(data(op), 1)


def input_width(op: Operator) -> int | None:
    """The width of a four-dimensional input."""
    return size(data(op), 2)


def input_depth(op: Operator) -> int | None:
    """The innermost dimension of the input: its channels."""
    tensor = data(op)
    return tensor.shape[-1] if tensor is not None and tensor.shape else None


def input_depths(op: Operator) -> tuple[int, ...]:
    """The innermost dimension of each input that is an activation."""
    given = [each for each in op.inputs if each is not None and not each.is_constant]
    return tuple([each.shape[-1] for each in given if each.shape])


def output_height(op: Operator) -> int | None:
    """The height of a four-dimensional output."""
    return size(result(op), 1)


def output_width(op: Operator) -> int | None:
    """The width of a four-dimensional output."""
    return size(result(op), 2)


def output_depth(op: Operator) -> int | None:
    """The innermost dimension of the output: its channels."""
    tensor = result(op)
    return tensor.shape[-1] if tensor is not None and tensor.shape else None


def output_depths(op: Operator) -> tuple[int, ...]:
    """The innermost dimension of each output."""
    return tuple([each.shape[-1] for each in op.outputs if each.shape])


def input_elements(op: Operator) -> int | None:
    """How many values the input has."""
    tensor = data(op)
    return math.prod(tensor.shape) if tensor is not None else None


def same_shapes(op: Operator) -> bool:
    """Whether all activations have one shape."""
    return len({tensor.shape for tensor in activations(op)}) <= 1


def inputs_alike(op: Operator) -> bool:
    """Whether all inputs have one shape."""
    return len({tensor.shape for tensor in op.inputs if tensor is not None}) <= 1


def same_volume(op: Operator) -> bool:
    """Whether the output has as many values as the input."""
    given, made = data(op), result(op)
    return (
        given is not None and made is not None and math.prod(given.shape) == math.prod(made.shape)
    )


def broadcasts_batch(op: Operator) -> bool:
    """Whether an input has a batch of 1 where another of as many dimensions has a larger one."""
    shapes = [each.shape for each in op.inputs if each is not None and len(each.shape) > 1]
    return len({(len(shape), shape[0]) for shape in shapes}) > len({len(each) for each in shapes})


def variable_inputs(op: Operator) -> int:
    """How many inputs are no constants."""
    return sum(each is not None and not is_constant(each) for each in op.inputs)


def constant_inputs(op: Operator) -> int:
    """How many inputs are constants."""
    return sum(each is not None and is_constant(each) for each in op.inputs)


def inputs(op: Operator) -> int:
    """How many inputs there are."""
    return sum(each is not None for each in op.inputs)


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        batch,
        broadcasts_batch,
        constant_inputs,
        input_depth,
        input_depths,
        input_elements,
        input_height,
        input_rank,
        input_width,
        inputs,
        inputs_alike,
        non_singleton_dimensions,
        outer_sizes,
        output_depth,
        output_depths,
        output_dimensions,
        output_height,
        output_rank,
        output_width,
        rank,
        same_shapes,
        same_volume,
        static,
        variable_inputs,
    )
}

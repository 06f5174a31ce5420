"""Facts about which operator it is, and where it stands in the model."""

from __future__ import annotations

from tfq.ops.boundaries import entries
from tfq.ops.facts.places import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator, Tensor


def operator(op: Operator) -> str:
    """Its name, such as "CONV_2D"; for advice to take another one."""
    return op.name


def version(op: Operator) -> int:
    """The version of the operator that the file asks for."""
    return op.version


def model_input_height(op: Operator) -> tuple[int, ...]:
    """The height of each four-dimensional input of the model that the operator reads."""
    return _sizes(op, 1)


def model_input_width(op: Operator) -> tuple[int, ...]:
    """The width of each four-dimensional input of the model that the operator reads."""
    return _sizes(op, 2)


def _sizes(op: Operator, axis: int) -> tuple[int, ...]:
    found = [size(tensor, axis) for tensor in _model_inputs(op)]
    return tuple([each for each in found if each is not None])


def _model_inputs(op: Operator) -> list[Tensor]:
    subgraph = op.subgraph
    if subgraph not in entries(subgraph.model):
        return []
    return [each for each in op.inputs if each is not None and each in subgraph.inputs]


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each for each in (model_input_height, model_input_width, operator, version)
}

"""Which activations can get other parameters, and which must get them together."""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.passes.changes import Kept, tensor_place
from tfq.passes.kernels import called_subgraphs, obstacle, touching
from tfq.passes.parameters import LIMITS, Parameters, float32, next_power_of_two, parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Tensor

# Kernels of 16 bits take shortcuts where scales are powers of two, each with conditions of its own.
_TYPES = frozenset({"int8", "uint8"})


class Group(NamedTuple):
    """Tensors that must have the same parameters, because operators move integers between them.

    Attributes:
        tensors: At least one.
        parameters: Those they have.
        obstacle: Why they cannot change; None if they can.
    """

    tensors: tuple[Tensor, ...]
    parameters: Parameters
    obstacle: str | None

    def kept(self) -> Kept:
        """Say that the group is left alone."""
        return Kept(tensor_place(self.tensors[0]), self.obstacle or "")


def groups(model: Model) -> list[Group]:
    """Group the quantized 8-bit tensors of a model that are no weights.

    Constant operands are among them, such as what ADD adds.
    """
    parents = {tensor: tensor for tensor in _candidates(model)}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            # Weights that share a scale with an activation come with it.
            alike = [each for each in ops.shared_scale(operator) if each.dtype in _TYPES]
            for tensor in alike:
                parents.setdefault(tensor, tensor)
                parents[_root(parents, tensor)] = _root(parents, alike[0])
    members: dict[Tensor, list[Tensor]] = {}
    for tensor in parents:
        members.setdefault(_root(parents, tensor), []).append(tensor)
    called = called_subgraphs(model)
    found = [_group(tuple(tensors), called) for tensors in members.values()]
    return [group for group in found if group is not None]


def symmetric(old: Parameters) -> Parameters:
    """Return symmetric parameters that cover the range of others."""
    low, high, middle = LIMITS[old.dtype]
    scale, point = old.scales[0], old.zero_points[0]
    if point == middle:
        return old
    # The side of positive numbers has one integer fewer.
    steps = max((high - point) / (high - middle), (point - low) / (middle - low))
    return Parameters(old.dtype, (float32(scale * steps),), (middle,))


def power_of_two(old: Parameters) -> Parameters:
    """Return parameters with a power of two as scale that cover the range of others.

    What is symmetric stays so. Else the lowest number stays the lowest, to half a step.
    """
    low, _, middle = LIMITS[old.dtype]
    scale, point = old.scales[0], old.zero_points[0]
    new = next_power_of_two(scale)
    if new == scale:
        return old
    at = point if point == middle else low + round((point - low) * scale / new)
    return Parameters(old.dtype, (new,), (at,))


def _candidates(model: Model) -> list[Tensor]:
    weights = {
        ops.stored(tensor)
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        for tensor in ops.all_weights(operator)
        if ops.stored(tensor).is_constant
    }
    # What only carries the quantization of the inside of an LSTM is read by its kernel.
    inner = {
        tensor
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        for tensor in operator.intermediates
    }
    return [
        tensor
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.dtype in _TYPES
        and tensor.quantization is not None
        and tensor not in weights
        and tensor not in inner
    ]


def _root(parents: dict[Tensor, Tensor], tensor: Tensor) -> Tensor:
    while parents[tensor] is not tensor:
        parents[tensor] = parents[parents[tensor]]
        tensor = parents[tensor]
    return tensor


def _group(tensors: tuple[Tensor, ...], called: frozenset[int]) -> Group | None:
    known = [parameters(tensor) for tensor in tensors]
    first = known[0]
    if first is None or not first.scales[0] > 0:
        return None
    reason = next((why for each in tensors if (why := _obstacle(each, called))), None)
    if any(each is None or each[:3] != first[:3] for each in known):
        reason = "it should have the scale of others, but has another"
    if len(first.scales) != 1:
        reason = "it has more than one scale"
    return Group(tensors, first, reason)


def _obstacle(tensor: Tensor, called: frozenset[int]) -> str | None:
    if tensor.is_variable:
        return "it keeps its values from run to run"
    subgraph = tensor.subgraph
    if subgraph.index in called and (tensor in subgraph.inputs or tensor in subgraph.outputs):
        return "it passes between subgraphs"
    if tensor.is_external or tensor.is_sparse:
        return "its data cannot be rewritten"
    for operator in touching(tensor):
        reason = obstacle(operator, tensor)
        if reason is not None:
            return reason
    return None

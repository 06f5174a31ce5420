"""Which operators the device runs on its accelerator, which on the CPU, and in which pieces."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tfq import ops
from tfq.ops.dtypes import QUANTIZED

if TYPE_CHECKING:
    from tfq.model import Model, Operator, Subgraph, Tensor
    from tfq.profiles import Constraint, Profile

ACCELERATOR, CPU = "accelerator", "cpu"


class Placed(NamedTuple):
    """Where one operator runs.

    Attributes:
        operator: The operator.
        target: `"accelerator"` or `"cpu"`.
        reason: Why the device does not take it, half a sentence; empty if it does.
        partition: The piece of the graph that it is in on the accelerator, counted from 0 in the
            order in which the pieces run; None on the CPU.
        ended_by: The operator before it that ended the accelerated part, the first of all, where
            the device would take this one but for that; else None.
    """

    operator: Operator
    target: str
    reason: str = ""
    partition: int | None = None
    ended_by: Operator | None = None

    @property
    def after_end(self) -> bool:
        """Whether the device would take it, but for an operator before it."""
        return self.ended_by is not None


class Placement:
    """Where the operators of a model run.

    Attributes:
        operators: One `Placed` after the other, subgraph by subgraph, in running order.
        is_known: Whether the profile says which operators the device takes.
    """

    def __init__(self, operators: tuple[Placed, ...], is_known: bool) -> None:
        """Put together what `place` found."""
        self.operators = operators
        self.is_known = is_known

    def __repr__(self) -> str:
        """Return how many operators are on the accelerator."""
        return f"<Placement {self.on_accelerator} of {len(self.operators)} on the accelerator>"

    @property
    def fits(self) -> bool:
        """Whether the device takes every operator."""
        return all(not each.reason and not each.after_end for each in self.operators)

    @cached_property
    def on_accelerator(self) -> int:
        """How many operators are on the accelerator."""
        return sum(each.target == ACCELERATOR for each in self.operators)

    @property
    def share(self) -> float:
        """Which share of the operators is on the accelerator, from 0 to 1; 1 for none at all."""
        return self.on_accelerator / len(self.operators) if self.operators else 1.0

    @cached_property
    def macs(self) -> int:
        """The multiply-accumulates of all operators."""
        return sum(each.operator.macs for each in self.operators)

    @cached_property
    def macs_on_accelerator(self) -> int:
        """The multiply-accumulates of the operators on the accelerator."""
        return sum(each.operator.macs for each in self.operators if each.target == ACCELERATOR)

    @property
    def macs_share(self) -> float:
        """Which share of the multiply-accumulates is on the accelerator; 1 if there are none."""
        return self.macs_on_accelerator / self.macs if self.macs else 1.0

    @cached_property
    def partitions(self) -> int:
        """In how many pieces the graph is on the accelerator."""
        pieces = {
            (each.operator.subgraph.index, each.partition)
            for each in self.operators
            if each.partition is not None
        }
        return len(pieces)

    @cached_property
    def transfers(self) -> int:
        """How many tensors pass between CPU and accelerator, or between two pieces, in one run.

        Those that enter and leave the model are not counted: they come from the CPU anyway.
        """
        where = {each.operator: (each.target, each.partition) for each in self.operators}
        crossing = {
            tensor
            for each in self.operators
            for tensor in each.operator.inputs
            if tensor is not None
            and tensor.producer is not None
            and where[tensor.producer] != where[each.operator]
            and not ops.unpacks_constant(tensor.producer)
        }
        return len(crossing)


def place(model: Model, profile: Profile) -> Placement:
    """Say where each operator of a model runs on a device.

    1. An operator fits if the profile lists it, its types are among those that the device takes,
       and it meets all constraints; where the profile lists no operators, it fits if its types do.
    2. What fits is on the accelerator, where the device has one; all else on the CPU.
    3. Where an operator that does not fit ends the accelerated part, so does all that needs its
       outputs.
    4. Accelerator and CPU take turns; what the accelerator runs in one turn is one piece.

    Args:
        model: Any model.
        profile: The device's profile.

    Returns:
        The placement.
    """
    # Several rules ask, and the report: kept with the model, which never changes.
    known = vars(model).get("_placed")
    if known is not None and known[0] is profile:
        placement: Placement = known[1]
        return placement
    boundary = ops.boundary(model)
    found: list[Placed] = []
    for subgraph in model.subgraphs:
        found += _subgraph(subgraph, profile, boundary)
    placement = Placement(tuple(found), bool(profile.operators))
    vars(model)["_placed"] = (profile, placement)
    return placement


def misfit(
    op: Operator, profile: Profile, constraints: tuple[Constraint, ...] | None = None
) -> str:
    """Say why a device does not take an operator.

    Args:
        op: Any operator.
        profile: The device's profile.
        constraints: The profile's constraints on operators of that name, if somebody has collected
            them already.

    Returns:
        Half a sentence with the value, the limit and the reason; empty if the device takes it.
    """
    if profile.operators and op.name not in profile.operators:
        return f"{profile.name} has no {op.name}"
    if reason := wrong_type(op, profile):
        return reason
    for each in _constraints(op.name, profile) if constraints is None else constraints:
        if (broken := each.broken_by(op)) is not None:
            return broken
    return ""


def _constraints(name: str, profile: Profile) -> tuple[Constraint, ...]:
    """Return the constraints on operators of a name, its own first."""
    rest = [each for each in profile.every_operator if each.concerns(name)]
    return (*profile.operators.get(name, ()), *rest)


def wrong_type(op: Operator, profile: Profile) -> str:
    """Say which of an operator's types a device does not take.

    Args:
        op: Any operator.
        profile: The device's profile.

    Returns:
        Half a sentence with the type and those that it takes; empty if all are fine.
    """
    wants = profile.quantization
    # Indices and shapes are integers in float models, too.
    if wants.compute == "any" or (wants.compute == "float" and not _is_quantized(op)):
        return ""
    compute = "float" if op.compute == "float16" else op.compute
    if compute != wants.compute:
        return f"{op.compute} compute, {profile.name} takes {wants.compute}"
    for tensor in (*op.inputs, *op.outputs):
        if tensor is None or tensor.is_variable or tensor.quantization is None:
            continue
        kind = "weights" if tensor.is_constant else "activations"
        taken = wants.weights if tensor.is_constant else wants.activations
        if taken and tensor.dtype in QUANTIZED and tensor.dtype not in taken:
            return f"{tensor.dtype} {kind}, {profile.name} takes {' or '.join(taken)}"
    return ""


def _is_quantized(op: Operator) -> bool:
    tensors = [each for each in (*op.inputs, *op.outputs) if each is not None]
    return any(each.quantization is not None and each.dtype in QUANTIZED for each in tensors)


def _subgraph(subgraph: Subgraph, profile: Profile, boundary: frozenset[Operator]) -> list[Placed]:
    # What is computed after the end of the accelerated part, and by which operator it ended.
    ended: dict[Tensor, Operator] = {}
    placed = []
    known: dict[str, tuple[Constraint, ...]] = {}
    for op in subgraph.operators:
        if op.name not in known:
            known[op.name] = _constraints(op.name, profile)
        reason = misfit(op, profile, known[op.name])
        ends = [ended[each] for each in op.inputs if each in ended]
        ended_by = min(ends, key=_index, default=None)
        # What turns a float input into integers is on the CPU before the accelerator begins.
        if profile.misfit.ends_accelerator and (ended_by or (reason and op not in boundary)):
            ended.update(dict.fromkeys(op.outputs, ended_by or op))
        fits = not reason and ended_by is None
        target = ACCELERATOR if fits and profile.engine == ACCELERATOR else CPU
        placed.append(Placed(op, target, reason, None, None if reason else ended_by))
    pieces = _pieces({each.operator: each.target for each in placed})
    return [each._replace(partition=pieces.get(each.operator)) for each in placed]


def _index(op: Operator) -> int:
    return op.index


def _pieces(targets: dict[Operator, str]) -> dict[Operator, int]:
    """Number the pieces on the accelerator, as LiteRT divides a graph between delegates.

    Accelerator and CPU take turns. Whoever has the turn runs all that is ready, and what becomes
    ready by it.
    """
    waiting = {op: len(_producers(op, targets)) for op in targets}
    ready: dict[str, deque[Operator]] = {ACCELERATOR: deque(), CPU: deque()}
    for op in targets:
        if waiting[op] == 0:
            ready[targets[op]].append(op)
    pieces: dict[Operator, int] = {}
    side = next((targets[op] for op in targets if waiting[op] == 0), CPU)
    number = 0
    while ready[side] or ready[_other(side)]:
        while ready[side]:
            op = ready[side].popleft()
            if side == ACCELERATOR:
                pieces[op] = number
            for consumer in {each for tensor in op.outputs for each in tensor.consumers}:
                waiting[consumer] -= 1
                if waiting[consumer] == 0:
                    ready[targets[consumer]].append(consumer)
        number += side == ACCELERATOR
        side = _other(side)
    return pieces


def _producers(op: Operator, targets: dict[Operator, str]) -> set[Operator]:
    """Return the operators whose outputs an operator reads."""
    tensors = [each for each in op.inputs if each is not None]
    found = {tensor.producer for tensor in tensors if tensor.producer is not None}
    return {each for each in found if each in targets}


def _other(side: str) -> str:
    return CPU if side == ACCELERATOR else ACCELERATOR

"""How much memory a model takes: its weights in the file, its activations while it runs.

The peak of activations is a lower bound of what a runtime reserves (the arena of
TensorFlow Lite for Microcontrollers) if it plans memory and computes each operator out of place.
Not counted are what a runtime adds: alignment, gaps that the plan leaves, scratch buffers of
kernels, the interpreter's own records; strings and resources, whose size no file tells; sizes that
are known only at run time, which count as the file states them (mostly 1). A runtime that writes
an output over its input, as LiteRT does with RESHAPE, may take less.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from tfq.ops import table
from tfq.ops.boundaries import entries
from tfq.ops.sizes import unpacked_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Subgraph


class Peak(NamedTuple):
    """The most that activations take at once.

    Attributes:
        bytes: How much.
        operator: What runs at that moment, the first such operator; None if there is none at all.
    """

    bytes: int
    operator: Operator | None


def weight_bytes(model: Model) -> int:
    """Count the bytes that constants take in the file.

    Args:
        model: Any model. Nothing is read but the lengths of its buffers.

    Returns:
        The number. A buffer that several tensors share counts once, data that stand in other files
        do not.
    """
    sizes: dict[int, int] = {}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if not tensor.is_external:
                sizes[tensor.buffer_index] = tensor.nbytes
    return sum(sizes.values())


def live_activations(subgraph: Subgraph) -> tuple[int, ...]:
    """Count the bytes of activations that are alive while each operator runs.

    Alive are its inputs and outputs and what later operators still read; inputs of the subgraph
    from the start, its outputs to the end, variables always. Constants are no activations, but what
    is unpacked from them is.

    Args:
        subgraph: Any subgraph.

    Returns:
        One number for each operator, in the order in which they run, without the subgraphs that it
        calls.
    """
    change = [0] * (len(subgraph.operators) + 1)
    for index, (first, last) in _spans(subgraph).items():
        tensor = subgraph.tensors[index]
        if not tensor.is_constant:
            size = unpacked_bytes(tensor)
            change[first] += size
            change[last + 1] -= size
    return tuple(accumulate(change[:-1]))


def peak_activations(model: Model) -> Peak:
    """Find where activations take the most memory.

    Each subgraph that a caller runs (`entries`) is planned alone, and the largest counts. While an
    operator runs other subgraphs (IF, WHILE, CALL, composites), the largest peak of those comes on
    top: they have tensors of their own, into which inputs are copied. A subgraph that calls itself
    counts once.

    Args:
        model: Any model.

    Returns:
        The peak; its operator may be in a called subgraph.
    """
    peaks: dict[int, Peak] = {}
    for subgraph in _callees_first(model):
        peaks[subgraph.index] = _peak(subgraph, peaks)
    return max([peaks[subgraph.index] for subgraph in entries(model)], key=_bytes)


def _peak(subgraph: Subgraph, peaks: dict[int, Peak]) -> Peak:
    """Find the peak of a subgraph, given those of the subgraphs that it calls."""
    best = Peak(0, None)
    for operator, live in zip(subgraph.operators, live_activations(subgraph), strict=True):
        called = [peaks[index] for index in called_subgraphs(operator) if index in peaks]
        inner = max(called, key=_bytes, default=Peak(0, None))
        here = Peak(live + inner.bytes, inner.operator or operator)
        if best.operator is None or here.bytes > best.bytes:
            best = here
    return best


def _bytes(peak: Peak) -> int:
    return peak.bytes


def _spans(subgraph: Subgraph) -> dict[int, tuple[int, int]]:
    """Find the first and last operator during which each tensor is alive, by their indices."""
    operators = subgraph.operators
    if not operators:
        return {}
    end = len(operators) - 1
    spans = {tensor.index: (0, 0) for tensor in subgraph.inputs}
    for place, operator in enumerate(operators):
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor is not None:
                first, _ = spans.get(tensor.index, (place, place))
                spans[tensor.index] = (first, place)
    for tensor in subgraph.outputs:
        first, _ = spans.get(tensor.index, (end, end))
        spans[tensor.index] = (first, end)
    variables = [tensor.index for tensor in subgraph.tensors if tensor.is_variable]
    return spans | dict.fromkeys(variables, (0, end))


def _callees_first(model: Model) -> list[Subgraph]:
    """List the subgraphs that run, each after those that it calls, but where calls make a circle.

    It keeps its own stack: a file may nest calls deeper than Python does.
    """
    ordered = []
    seen: set[int] = set()
    stack = [(subgraph.index, False) for subgraph in entries(model)]
    while stack:
        index, is_expanded = stack.pop()
        if is_expanded:
            ordered.append(model.subgraphs[index])
        elif index not in seen:
            seen.add(index)
            stack.append((index, True))
            operators = model.subgraphs[index].operators
            stack += [
                (callee, False) for operator in operators for callee in called_subgraphs(operator)
            ]
    return ordered


def called_subgraphs(operator: Operator) -> tuple[int, ...]:
    """Return the indices of the subgraphs that an operator runs, as IF, WHILE and CALL do.

    Args:
        operator: Any operator.
    """
    if not table.operation(operator).calls:
        return ()
    found: list[int] = []
    for name, value in operator.options.items():
        if "subgraph" in name and value is not None:
            found += value if isinstance(value, tuple) else (value,)
    return tuple(found)

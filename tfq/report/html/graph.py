"""A subgraph as boxes and lines: operators, inputs and outputs, joined by tensors."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.report.cells import TIMES
from tfq.report.html.layout import GAP, HEIGHT, WIDTH, draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.model import Operator, Subgraph, Tensor
    from tfq.report.html.layout import Drawing, Point
    from tfq.report.html.places import Places

# What fits into a box.
MOST_LABEL = 22
MOST_DETAIL = 28
# The share of a box's side where lines begin and end.
_PORTS = 0.6
_POOLS = frozenset({"AVERAGE_POOL_2D", "L2_POOL_2D", "MAX_POOL_2D"})
# All have the window in the second and third dimension of their weights.
_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})


class _Line(NamedTuple):
    """A tensor's way from one node to another, each a number."""

    first: int
    second: int


def graph(subgraph: Subgraph, places: Places) -> dict[str, Any]:
    """Draw a subgraph.

    Args:
        subgraph: Any subgraph, in a file of any kind: also without operators.
        places: The numbers of its operators and tensors.

    Returns:
        What the page draws, in pixels: `box`, the size of all nodes; `nodes` with their upper left
        corners; and `edges`: the nodes where each begins and ends, by their place in the list, and
        its points, x and y in turn. Constants and variables are no edges.

    Raises:
        MissingDependencyError: If fast-sugiyama is not installed.
    """
    operators = [_operator(each, places) for each in subgraph.operators]
    inputs = [_end("input", each, places) for each in subgraph.inputs]
    outputs = [_end("output", each, places) for each in subgraph.outputs]
    # Inputs first: lines go from lower to higher numbers, and so downwards.
    nodes = [*inputs, *operators, *outputs]
    lines = list(_lines(subgraph))
    drawing = draw(len(nodes), lines)
    for node, (x, y) in zip(nodes, drawing.places, strict=True):
        node |= {"x": x, "y": y}
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": [WIDTH, HEIGHT],
        "nodes": nodes,
        "edges": [
            {"from": line.first, "to": line.second, "points": [*chain(*points)]}
            for line, points in zip(lines, _points(lines, drawing), strict=True)
        ],
    }


def shortened(text: str, most: int) -> str:
    """A text without its middle if it is longer than `most` characters."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"


def _operator(operator: Operator, places: Places) -> dict[str, Any]:
    kernel = _kernel(operator)
    shape = _shape(operator.outputs[0]) if operator.outputs else ""
    detail = f"{kernel} → {shape}" if kernel and shape else kernel or shape
    return {
        "kind": "op",
        "operator": places.operator(operator),
        "label": shortened(operator.name, MOST_LABEL),
        "detail": shortened(detail, MOST_DETAIL),
    }


def _kernel(operator: Operator) -> str:
    """The size of a window, `3×3`; empty for operators without one."""
    options, weights = operator.options, operator.weights
    if operator.name in _POOLS:
        return f"{options.get('filter_height')}{TIMES}{options.get('filter_width')}"
    if operator.name in _CONVOLUTIONS and weights is not None and len(weights.shape) == 4:
        return f"{weights.shape[1]}{TIMES}{weights.shape[2]}"
    return ""


def _end(kind: str, tensor: Tensor, places: Places) -> dict[str, Any]:
    return {
        "kind": kind,
        "tensor": places.tensor(tensor),
        "label": shortened(tensor.name or f"tensor {tensor.index}", MOST_LABEL),
        "detail": shortened(f"{tensor.dtype} {_shape(tensor)}", MOST_DETAIL),
    }


def _shape(tensor: Tensor) -> str:
    return tensor.shape_text.replace("x", TIMES) if tensor.shape_signature else "scalar"


def _lines(subgraph: Subgraph) -> Iterable[_Line]:
    """Each tensor from where it is made to each of its readers."""
    before = len(subgraph.inputs)
    makers: dict[int, int] = {}
    for place, tensor in enumerate(subgraph.inputs):
        makers.setdefault(tensor.index, place)
    for operator in subgraph.operators:
        for tensor in operator.outputs:
            makers.setdefault(tensor.index, before + operator.index)
    for operator in subgraph.operators:
        read = dict.fromkeys(each.index for each in operator.inputs if each is not None)
        for index in read:
            if index in makers:
                yield _Line(makers[index], before + operator.index)
    after = before + len(subgraph.operators)
    for place, tensor in enumerate(subgraph.outputs):
        if tensor.index in makers:
            yield _Line(makers[tensor.index], after + place)


def _points(lines: Sequence[_Line], drawing: Drawing) -> list[list[Point]]:
    """The points of each line, from the lower side of a box to the upper side of another."""
    bends = [_bends(line, drawing) for line in lines]
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for number, line in enumerate(lines):
        starts.setdefault(line.first, []).append(number)
        ends.setdefault(line.second, []).append(number)

    def heading(number: int, first: bool) -> tuple[float, int]:
        """Where a line goes to, or comes from: lines side by side do not cross then."""
        line, own = lines[number], bends[number]
        far = drawing.places[line.second if first else line.first][0] + WIDTH / 2
        return (own[0 if first else -1][0] if own else far, number)

    made: list[list[Point]] = [list(each) for each in bends]
    for node, numbers in starts.items():
        ordered = sorted(numbers, key=lambda number: heading(number, True))
        for number, x in zip(ordered, _ports(drawing.places[node][0], len(ordered)), strict=True):
            made[number].insert(0, (x, drawing.places[node][1] + HEIGHT))
    for node, numbers in ends.items():
        ordered = sorted(numbers, key=lambda number: heading(number, False))
        for number, x in zip(ordered, _ports(drawing.places[node][0], len(ordered)), strict=True):
            made[number].append((x, drawing.places[node][1]))
    return made


def _bends(line: _Line, drawing: Drawing) -> list[Point]:
    x, y = drawing.places[line.first]
    if line.first == line.second:
        # Around the box, in the gap beside it.
        side = round(x + WIDTH + GAP / 4, 1)
        return [(side, y + HEIGHT), (side, y)]
    if line.first < line.second:
        return drawing.bends.get((line.first, line.second), [])
    return drawing.bends.get((line.second, line.first), [])[::-1]


def _ports(left: float, count: int) -> list[float]:
    """Where so many lines meet one side of a box: evenly around its middle."""
    step = WIDTH * _PORTS / max(count, 2)
    return [round(left + WIDTH / 2 + (place - (count - 1) / 2) * step, 1) for place in range(count)]

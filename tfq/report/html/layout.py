"""Where the boxes and lines of a drawn graph stand: layers from top to bottom."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Point = tuple[float, float]
    Pair = tuple[int, int]

WIDTH, HEIGHT = 168, 44
GAP = 48
ROW = HEIGHT + 32
MARGIN = 24
# The library goes down a chain by recursion, and overflows the stack between 20,000 and 50,000.
MOST_NODES = 4_000
# A line over n layers takes n - 1 bends; their number may grow with the square of the nodes.
MOST_BENDS = 20_000


class Drawing(NamedTuple):
    """A graph with places.

    Attributes:
        places: By node the upper left corner of its box, in pixels.
        bends: By pair of nodes that a line joins, the points that it goes through in between.
        width: Of all, in pixels.
        height: Of all, in pixels.
    """

    places: list[Point]
    bends: dict[Pair, list[Point]]
    width: float
    height: float


class _Part(NamedTuple):
    """What hangs together: the middles of its boxes by node and layer, and of its lines' bends."""

    middles: dict[int, tuple[float, int]]
    bends: dict[Pair, list[tuple[float, int]]]


def draw(count: int, pairs: Iterable[Pair]) -> Drawing:
    """Lay out a graph in layers.

    Boxes are `WIDTH` by `HEIGHT`. Parts that do not hang together stand side by side. Lines over
    several layers go around the boxes between; too long ones of huge graphs go straight.

    Args:
        count: How many nodes there are; they are 0 to count - 1.
        pairs: The nodes that lines join, from and to; each pair counts once, loops do not.

    Returns:
        The drawing, always the same for the same graph.

    Raises:
        MissingDependencyError: If fast-sugiyama is not installed.
    """
    # Lines go down, whichever end comes first in the file.
    edges = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    layers = _layers(count, edges)
    kept = _short(edges, layers)
    parts = [_part(nodes, own, layers) for nodes, own in _components(count, kept)]
    return _assembled(count, parts)


def _layers(count: int, edges: Sequence[Pair]) -> list[int]:
    """The layer of each node: one below the lowest before it, or lower if lines get shorter."""
    layers = [0] * count
    # Ascending by the first end, which no later edge moves any more.
    for first, second in edges:
        layers[second] = max(layers[second], layers[first] + 1)
    fed = Counter(second for _, second in edges)
    following = groupby(reversed(edges), key=lambda edge: edge[0])
    for first, group in following:
        after = [second for _, second in group]
        if len(after) >= fed[first]:
            layers[first] = min(layers[second] for second in after) - 1
    return layers


def _short(edges: Sequence[Pair], layers: Sequence[int]) -> list[Pair]:
    """Those edges, the shortest first, that need no more than `MOST_BENDS` together."""
    bends, kept = 0, []
    for edge in sorted(edges, key=lambda edge: (layers[edge[1]] - layers[edge[0]], edge)):
        bends += layers[edge[1]] - layers[edge[0]] - 1
        if bends > MOST_BENDS:
            break
        kept.append(edge)
    return sorted(kept)


def _components(count: int, edges: Sequence[Pair]) -> list[tuple[list[int], list[Pair]]]:
    """The parts that hang together, by their first nodes."""
    roots = list(range(count))

    def root(node: int) -> int:
        while roots[node] != node:
            roots[node] = roots[roots[node]]
            node = roots[node]
        return node

    for first, second in edges:
        ends = sorted((root(first), root(second)))
        roots[ends[1]] = ends[0]
    found: dict[int, tuple[list[int], list[Pair]]] = {}
    for node in range(count):
        found.setdefault(root(node), ([], []))[0].append(node)
    for edge in edges:
        found[root(edge[0])][1].append(edge)
    return list(found.values())


def _part(nodes: list[int], edges: list[Pair], layers: Sequence[int]) -> _Part:
    if not edges:
        return _Part({nodes[0]: (0.0, 0)}, {})
    if len(nodes) > MOST_NODES:
        return _rows(nodes, layers)
    # The library numbers the bends from the number of nodes on.
    numbers = {node: number for number, node in enumerate(nodes)}
    placed, joined = _sugiyama([(numbers[first], numbers[second]) for first, second in edges])
    lowest = max(y for _, y in placed.values())
    grid = {number: (x, round((lowest - y) / (WIDTH + GAP))) for number, (x, y) in placed.items()}
    after: dict[int, list[int]] = {}
    for first, second in joined:
        after.setdefault(first, []).append(second)
    bends: dict[Pair, list[tuple[float, int]]] = {}
    for number, node in enumerate(nodes):
        for step in after.get(number, ()):
            passed = []
            at = step
            while at >= len(nodes):
                passed.append(grid[at])
                (at,) = after[at]
            bends[node, nodes[at]] = passed
    return _Part({node: grid[number] for number, node in enumerate(nodes)}, bends)


def _sugiyama(edges: list[Pair]) -> tuple[dict[int, Point], list[Pair]]:
    """Places of nodes and bends of one part, x to the right and y up; and what follows what."""
    try:
        from fast_sugiyama import from_edges
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "tfq report needs a package: pip install fast-sugiyama"
        ) from None
    # Its types allow for names of nodes.
    made: Any = from_edges(edges, vertex_spacing=WIDTH + GAP, dummy_vertices=True)
    ((places, _, _, joined),) = made
    return dict(places), sorted(joined or edges)


def _rows(nodes: list[int], layers: Sequence[int]) -> _Part:
    """A part too large for the library: each layer in the order of the file."""
    filled: dict[int, int] = {}
    middles = {}
    for node in nodes:
        place = filled.get(layers[node], 0)
        filled[layers[node]] = place + 1
        middles[node] = (float(place * (WIDTH + GAP)), layers[node])
    return _Part(middles, {})


def _assembled(count: int, parts: Iterable[_Part]) -> Drawing:
    """Put parts side by side."""
    places: list[Point] = [(0.0, 0.0)] * count
    bends: dict[Pair, list[Point]] = {}
    right, low = float(MARGIN), 0
    for part in parts:
        points = [*part.middles.values(), *(each for line in part.bends.values() for each in line)]
        shift = right + WIDTH / 2 - min(x for x, _ in points)
        for node, (x, layer) in part.middles.items():
            places[node] = (round(x + shift - WIDTH / 2, 1), float(MARGIN + layer * ROW))
        for pair, line in part.bends.items():
            bends[pair] = _through(line, shift)
        right += max(x for x, _ in points) - min(x for x, _ in points) + WIDTH + GAP
        low = max(low, *(layer for _, layer in points))
    width = right - GAP + MARGIN if count else 2 * MARGIN
    height = MARGIN + low * ROW + HEIGHT + MARGIN if count else 2 * MARGIN
    return Drawing(places, bends, round(width, 1), float(height))


def _through(line: Iterable[tuple[float, int]], shift: float) -> list[Point]:
    """The points of a line that passes each layer straight down, beside the boxes."""
    points: list[Point] = []
    for x, layer in line:
        top = float(MARGIN + layer * ROW)
        middle = round(x + shift, 1)
        points += [(middle, top), (middle, top + HEIGHT)]
    return points

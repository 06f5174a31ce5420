"""Aligns two sequences: which item of one is which item of the other, in bounded time."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    Pairs = list[tuple[int, int]]

# What all gaps together may cost: two models of 400 operators without a common one take it.
MOST_STEPS = 300_000


def align(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    anchors: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
) -> list[tuple[int, int]]:
    """Pair the items of two sequences that are equal, in order, as many as possible.

    1. Items whose anchors stand once in both sequences are paired, as many as keep the order.
    2. What lies between two such pairs is aligned with the fewest insertions and deletions
       (E. Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1, 1986).
    3. Where that would take too long, items at the same distance from the last pair are paired.

    Args:
        first: The items of one.
        second: The items of the other.
        anchors: For each item of both something that tells it from its equals, if there is any.

    Returns:
        Pairs of indices, ascending in both.
    """
    fixed = _anchored(*anchors) if anchors is not None else []
    fixed = [(i, j) for i, j in fixed if first[i] == second[j]]
    pairs: Pairs = []
    start_i = start_j = 0
    left = MOST_STEPS
    for i, j in [*fixed, (len(first), len(second))]:
        gap, steps = _between(first[start_i:i], second[start_j:j], left)
        left -= steps
        pairs += [(start_i + x, start_j + y) for x, y in gap]
        if i < len(first) and j < len(second):
            pairs.append((i, j))
        start_i, start_j = i + 1, j + 1
    return pairs


def _anchored(first: Sequence[Hashable], second: Sequence[Hashable]) -> Pairs:
    """The items that stand once in both, without those that would cross others."""
    places = _once(second)
    both = [(i, places[item]) for item, i in _once(first).items() if item in places]
    # The longest ascending run of places: the last of each length, and what stood before it.
    ends: list[int] = []
    indices: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(both):
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        indices[length : length + 1] = [index]
        before.append(indices[length - 1] if length else -1)
    pairs = []
    index = indices[-1] if indices else -1
    while index >= 0:
        pairs.append(both[index])
        index = before[index]
    return pairs[::-1]


def _once(items: Sequence[Hashable]) -> dict[Hashable, int]:
    places: dict[Hashable, int] = {}
    repeated = set()
    for index, item in enumerate(items):
        if item in places:
            repeated.add(item)
        places[item] = index
    return {item: index for item, index in places.items() if item not in repeated}


def _between(first: Sequence[Hashable], second: Sequence[Hashable], most: int) -> tuple[Pairs, int]:
    """Align what lies between two anchors in at most about so many steps; say how many it took."""
    shorter = min(len(first), len(second))
    head = 0
    while head < shorter and first[head] == second[head]:
        head += 1
    tail = 0
    while tail < shorter - head and first[-1 - tail] == second[-1 - tail]:
        tail += 1
    # Equal beginnings and ends need no search.
    inner, steps = _fewest_edits(
        first[head : len(first) - tail], second[head : len(second) - tail], most
    )
    pairs = [
        *((index, index) for index in range(head)),
        *((head + i, head + j) for i, j in inner),
        *((len(first) - index, len(second) - index) for index in range(tail, 0, -1)),
    ]
    return pairs, steps


def _fewest_edits(
    first: Sequence[Hashable], second: Sequence[Hashable], most: int
) -> tuple[Pairs, int]:
    """Align by the greedy algorithm of Myers, by place where it takes more than so many steps."""
    n, m = len(first), len(second)
    if not n or not m:
        return [], 0
    # What a round reads is what the round before it wrote, so each keeps only its own diagonals.
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    steps = 0
    for edits in range(n + m + 1):
        if steps > most:
            break
        trail.append(furthest)
        reached: dict[int, int] = {}
        for k in _diagonals(edits, n, m):
            start, _ = _step(furthest, k, edits)
            x = start
            while x < n and x - k < m and first[x] == second[x - k]:
                x += 1
            reached[k] = x
            steps += 1 + x - start
            if x >= n and x - k >= m:
                return list(_backwards(trail, n, m))[::-1], steps
        furthest = reached
    return [(i, i) for i in range(min(n, m)) if first[i] == second[i]], steps


def _diagonals(edits: int, n: int, m: int) -> range:
    """The diagonals x - y that so many edits can reach inside the grid."""
    return range(-edits + 2 * max(0, edits - m), edits - 2 * max(0, edits - n) + 1, 2)


def _step(furthest: dict[int, int], k: int, edits: int) -> tuple[int, bool]:
    """Where diagonal `k` is entered, and whether that is down from the one above it."""
    down, right = furthest.get(k + 1, -1), furthest.get(k - 1, -1) + 1
    goes_down = k == -edits or (k != edits and right <= down)
    return (down if goes_down else right), goes_down


def _backwards(trail: list[dict[int, int]], n: int, m: int) -> Iterator[tuple[int, int]]:
    """Walk from the end to the beginning, and give the equal items on the way."""
    x, y = n, m
    for edits in range(len(trail) - 1, -1, -1):
        start, goes_down = _step(trail[edits], x - y, edits)
        while x > start:
            x, y = x - 1, y - 1
            yield x, y
        x, y = (x, y - 1) if goes_down else (x - 1, y)

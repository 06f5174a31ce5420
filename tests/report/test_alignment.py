from __future__ import annotations

import itertools
import random
import tracemalloc
from collections.abc import Sequence

import pytest

from tfq.report.alignment import align


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The textbook's table, which is slow and right."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
            )
    return table[-1][-1]


def test_as_many_equal_items_are_paired_as_can_be() -> None:
    chance = random.Random(0)
    for _ in range(1000):
        first, second = (
            [chance.choice("abcd") for _ in range(chance.randrange(12))] for _ in range(2)
        )
        pairs = align(first, second)
        assert all(first[i] == second[j] for i, j in pairs)
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in itertools.pairwise(pairs))
        assert len(pairs) == longest_common(first, second)


def test_anchors_tell_equal_items_apart() -> None:
    first, second = ["CONV", "CONV"], ["CONV", "CONV", "CONV"]
    anchors = (["x", "y"], ["new", "x", "y"])
    assert align(first, second, anchors=anchors) == [(0, 1), (1, 2)]
    assert align(first, second) == [(0, 0), (1, 1)]


def test_anchors_that_cross_give_way() -> None:
    first, second = ["op"] * 3, ["op"] * 3
    pairs = align(first, second, anchors=(["a", "b", "c"], ["c", "a", "b"]))
    assert pairs == [(0, 1), (1, 2)]


def test_anchors_never_pair_what_is_not_equal() -> None:
    assert align(["a", "b"], ["b", "c"], anchors=(["x", "y"], ["x", "y"])) == [(1, 0)]


@pytest.mark.parametrize("letters", ["ab", "abcdefghij"])
def test_sequences_that_nothing_matches_end_too(letters: str) -> None:
    chance = random.Random(0)
    first, second = ([chance.choice(letters) for _ in range(100_000)] for _ in range(2))
    pairs = align(first, second)
    assert all(first[i] == second[j] for i, j in pairs)
    assert align(first, list(letters.upper()) * 10_000) == []


@pytest.mark.parametrize("others", [1, 7, 19_000])
def test_memory_grows_with_the_work_and_not_with_its_square(others: int) -> None:
    chance = random.Random(0)
    first = [chance.choice("abcdef") for _ in range(20_000)]
    second = chance.sample(first, 19_000) if others == 19_000 else ["x"] * others
    tracemalloc.start()
    try:
        pairs = align(first, second)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(first[i] == second[j] for i, j in pairs)
    assert peak < 100 << 20

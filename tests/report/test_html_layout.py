from __future__ import annotations

import builtins
import itertools
import random
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest

from tfq.errors import MissingDependencyError
from tfq.report.html import layout
from tfq.report.html.layout import HEIGHT, WIDTH, Drawing, draw

pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")

Pair = tuple[int, int]


def check(drawing: Drawing, pairs: Iterable[Pair]) -> None:
    """No two boxes overlap, all is inside the page, and bent lines go around the boxes."""
    rows: dict[float, list[float]] = {}
    for x, y in drawing.places:
        assert 0 <= x <= drawing.width - WIDTH and 0 <= y <= drawing.height - HEIGHT
        rows.setdefault(y, []).append(x)
    for row in rows.values():
        assert all(right - left > WIDTH for left, right in itertools.pairwise(sorted(row)))
    tops = sorted(rows)
    assert all(below - above > HEIGHT for above, below in itertools.pairwise(tops))
    wanted = {(min(pair), max(pair)) for pair in pairs}
    assert set(drawing.bends) <= wanted
    for pair, line in drawing.bends.items():
        above, below = (drawing.places[node][1] for node in pair)
        assert [y for _, y in line] == sorted(y for _, y in line)
        assert len(line) == 2 * (tops.index(below) - tops.index(above) - 1)
        for (x, top), (same, bottom) in zip(line[::2], line[1::2], strict=True):
            assert (x, top + HEIGHT) == (same, bottom)
            assert 0 <= x <= drawing.width
            assert all(not left <= x <= left + WIDTH for left in rows[top])


def chain_with_skips(seed: int, count: int) -> list[Pair]:
    numbers = random.Random(seed)
    pairs = [(node, node + 1) for node in range(count - 1) if numbers.random() < 0.9]
    skips = [(max(0, node - numbers.randint(2, 20)), node) for node in range(5, count, 3)]
    return pairs + skips


@pytest.mark.parametrize("seed", range(20))
def test_boxes_do_not_overlap_and_lines_go_around_them(seed: int) -> None:
    pairs = chain_with_skips(seed, 40)
    drawing = draw(40, pairs)
    check(drawing, pairs)
    assert set(drawing.bends) == set(pairs)


def test_lines_go_down() -> None:
    drawing = draw(4, [(0, 1), (1, 2), (0, 2), (2, 3)])
    heights = [y for _, y in drawing.places]
    assert heights == sorted(set(heights))
    assert len(drawing.bends[0, 2]) == 2
    assert drawing.bends[0, 1] == []


def test_parts_that_do_not_hang_together_stand_side_by_side() -> None:
    pairs = [(0, 2), (3, 4), (3, 5), (3, 6)]
    drawing = draw(8, pairs)
    check(drawing, pairs)
    assert {drawing.places[node][1] for node in (0, 1, 3, 7)} == {layout.MARGIN}
    first, second = (drawing.places[node][0] for node in (0, 1))
    assert second - first > WIDTH


def test_nothing_is_an_empty_page() -> None:
    drawing = draw(0, [])
    assert drawing.places == [] and drawing.width > 0 and drawing.height > 0


def test_loops_and_lines_back_change_nothing() -> None:
    assert draw(3, [(0, 1), (2, 1), (1, 1), (0, 1)]) == draw(3, [(0, 1), (1, 2)])


def test_the_same_graph_is_drawn_the_same_in_every_process() -> None:
    code = (
        "import random; from tfq.report.html.layout import draw; numbers = random.Random(1); "
        "pairs = [(numbers.randrange(node), node) for node in range(1, 60) for _ in '12']; "
        "print(draw(60, pairs))"
    )
    runs = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(3)}
    assert len(runs) == 1


def test_thousands_of_nodes_are_laid_out() -> None:
    pairs = chain_with_skips(1, 2_000)
    drawing = draw(2_000, pairs)
    check(drawing, pairs)
    assert set(drawing.bends) == set(pairs)


def test_what_the_library_cannot_take_is_drawn_without_it() -> None:
    # A chain twice as long as what overflows its stack.
    count = 100_000
    pairs = [(node, node + 1) for node in range(count - 1)]
    drawing = draw(count, [*pairs, (0, count - 1)])
    check(drawing, pairs)


def test_what_feeds_every_node_does_not_take_all_memory() -> None:
    count = 3_000
    pairs = [(node, node + 1) for node in range(count - 1)] + [
        (0, node) for node in range(2, count)
    ]
    drawing = draw(count, pairs)
    check(drawing, pairs)
    assert sum(map(len, drawing.bends.values())) <= 2 * layout.MOST_BENDS


def test_one_node_may_feed_thousands() -> None:
    pairs = [(0, node) for node in range(1, 3_000)]
    check(draw(3_000, pairs), pairs)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "fast_sugiyama":
            raise ModuleNotFoundError(name)
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingDependencyError, match="pip install fast-sugiyama"):
        draw(2, [(0, 1)])

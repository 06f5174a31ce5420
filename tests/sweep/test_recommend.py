from __future__ import annotations

from typing import Any

import pytest

from tfq.sweep.recommend import Measure, Wish, best, recommend
from tfq.sweep.result import Row, Verdict

TOP1 = Measure("top1", "evaluation data", 100)


def row(name: str, size: int, drop: float | None = 0.0, errors: Any = None, **rest: Any) -> Row:
    verdicts = {
        device: Verdict("fail" if count else "pass", count, 0, None, "0" * 64)
        for device, count in (errors or {}).items()
    }
    kind = {"mode": "", "granularity": None, "accuracy_level": None, "passes": None}
    known = {"weight_bits": None, "size": size, "drop": drop, "profiles": verdicts}
    return Row(name, **{**kind, **known, **rest})


def test_the_smallest_that_loses_no_more_than_it_may() -> None:
    rows = [row("large", 40_000), row("small", 10_000, 0.01), row("smaller", 9_000, 0.02)]
    assert best(rows, Wish((), 0.01)) == "small"
    found = recommend(rows, Wish((), 0.01), TOP1)
    assert found.row == "small"
    assert found.reason == (
        "the smallest of the 2 that lose at most 0.01 of top1; it loses 0.01 of top1 "
        "on the evaluation data (100 samples: one is 0.01)"
    )


def test_a_row_must_pass_every_device() -> None:
    rows = [row("a", 5_000, errors={"x": 0, "y": 3}), row("b", 9_990, errors={"x": 0, "y": 0})]
    assert best(rows, Wish(("x", "y"), 0.01)) == "b"
    assert best(rows, Wish(("x",), 0.01)) == "a"


def test_rows_that_failed_or_could_not_be_evaluated_are_no_choice() -> None:
    rows = [row("failed", 1, status="failed"), row("unknown", 2, None), row("good", 3)]
    assert best(rows, Wish((), 1.0)) == "good"
    assert best(rows[:2], Wish((), 1.0)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"drop": 0.005}, {"drop": 0.0}),
        ({"latency_ms": 2.0}, {"latency_ms": 1.0}),
        ({"latency_ms": 1.0, "sqnr": 20.0}, {"latency_ms": 1.2, "sqnr": 40.0}),
        ({"drop": -0.01, "sqnr": 20.0}, {"drop": 0.0, "sqnr": 40.0}),
    ],
)
def test_of_rows_as_small_the_better_one(one: dict[str, float], other: dict[str, float]) -> None:
    assert best([row("one", 1000, **one), row("other", 1005, **other)], Wish((), 0.01)) == "other"
    assert best([row("other", 1005, **other), row("one", 1000, **one)], Wish((), 0.01)) == "other"


def test_what_takes_a_block_of_flash_less_is_not_bought_with_accuracy() -> None:
    rows = [
        row("none", 7_488, 0.002, sqnr=18.0, latency_ms=0.0016),
        row("standard", 7_696, 0.0, sqnr=40.3, latency_ms=0.0017),
        row("float32", 14_304, 0.0, sqnr=120.0, latency_ms=0.0026),
    ]
    found = recommend(rows, Wish((), 0.01), TOP1)
    assert found.row == "standard"
    assert found.reason.startswith(
        "the best of the 2 that are about as small as the smallest of the 3 that lose at most"
    )
    found = recommend(rows[:2], Wish((), 0.01), TOP1)
    assert found.reason.startswith("the best of the 2, about equally small, that lose at most")
    assert best([row("small", 10_000, 0.002), row("large", 14_096)], Wish((), 0.01)) == "large"
    assert best([row("small", 10_000, 0.002), row("large", 14_097)], Wish((), 0.01)) == "small"


def test_if_none_fits_it_says_what_comes_nearest_and_what_blocks_it() -> None:
    rows = [
        row("exact", 400, 0.0, {"x": 2}),
        row("rough", 100, 0.2, {"x": 0}),
        row("rougher", 100, 0.3, {"x": 0}),
    ]
    found = recommend(rows, Wish(("x",), 0.01), TOP1)
    assert found.row is None
    assert "rough passes x, but loses 0.2 of top1, more than 0.01" in found.reason
    assert "exact is accurate enough, but fails x (2 errors)" in found.reason


def test_devices_that_no_row_passes_together_are_named() -> None:
    rows = [row("a", 1, errors={"x": 0, "y": 1}), row("b", 1, errors={"x": 4, "y": 0})]
    found = recommend(rows, Wish(("x", "y"), 0.01), TOP1)
    assert found.row is None
    assert "no row passes x and y; a is accurate enough, but fails y (1 error)" in found.reason


def test_without_data_nothing_is_recommended() -> None:
    found = recommend([row("a", 1, None)], Wish((), 0.01), Measure(None, None, None))
    assert (found.row, found.reason) == (None, "nothing was evaluated: there are no data")


def test_of_a_relative_error_no_sample_is_a_part() -> None:
    found = recommend([row("a", 1, 0.001)], Wish((), 0.01), Measure("sqnr", "calibration data", 1))
    assert found.reason == (
        "the only one to lose at most 0.01 relative error; it loses 0.001 relative error "
        "on the calibration data (1 sample)"
    )

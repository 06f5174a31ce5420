from __future__ import annotations

import math

from tfq.report.sparkline import BARS, sparkline, worst


def test_bars_go_from_the_least_to_the_greatest() -> None:
    assert sparkline(range(8)) == BARS
    assert sparkline([10, 0, 5]) == "█▁▅"


def test_limits_are_those_that_are_given() -> None:
    assert sparkline([-5, 0, 50, 100, 500], low=0, high=100) == "▁▁▅██"


def test_what_is_not_finite_has_a_place() -> None:
    assert sparkline([math.nan, 0, 1, math.inf, -math.inf]) == " ▁██▁"
    assert sparkline([math.inf, math.nan]) == "█ "


def test_equal_values_are_half_way_and_nothing_is_nothing() -> None:
    assert sparkline([3, 3]) == "▅▅"
    assert sparkline([]) == ""


def test_of_too_many_values_the_least_of_some_at_a_time_stays() -> None:
    assert worst([3, 1, 2, 8, 5], most=3) == [1, 2, 5]
    assert worst([3, 1, 2], most=3) == [3, 1, 2]
    assert worst([]) == []

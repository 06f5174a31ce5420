from __future__ import annotations

import json

import numpy as np
import pytest

from tfq.errors import ArgumentError, CalibrationDataError
from tfq.passes.ranges import Ranges
from tfq.passes.statistics import BINS, Histogram

DICE = np.random.default_rng(11)
SAMPLES = [DICE.normal(0, 1 + index, 5000).astype(np.float32) for index in range(8)]


def seen(samples: list[np.ndarray]) -> Ranges:
    ranges = Ranges("a model")
    for sample in samples:
        ranges.add({"x": sample})
    return ranges


def test_minmax_is_the_smallest_and_the_largest() -> None:
    low, high = seen(SAMPLES).spans()["x"]

    assert low == min(each.min() for each in SAMPLES)
    assert high == max(each.max() for each in SAMPLES)


def test_moving_average_is_the_mean_of_the_extremes() -> None:
    low, high = seen(SAMPLES).spans("moving_average")["x"]

    assert low == pytest.approx(np.mean([each.min() for each in SAMPLES]))
    assert high == pytest.approx(np.mean([each.max() for each in SAMPLES]))


@pytest.mark.parametrize("percent", [90, 99, 99.9])
def test_percentile_leaves_out_so_much_at_each_end(percent: float) -> None:
    low, high = seen(SAMPLES).spans(f"percentile:{percent}")["x"]

    everything = np.concatenate(SAMPLES)
    assert low == pytest.approx(np.percentile(everything, 100 - percent), abs=0.1)
    assert high == pytest.approx(np.percentile(everything, percent), abs=0.1)


def test_entropy_clips_outliers() -> None:
    outlier = np.concatenate([DICE.normal(0, 1, 20_000), [400.0]]).astype(np.float32)

    low, high = seen([outlier]).spans("entropy")["x"]

    assert -7 < low < -1
    assert 1 < high < 300


def test_mse_costs_no_more_than_the_whole_range() -> None:
    values = np.concatenate(SAMPLES).astype(np.float64)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        return float(
            np.square(np.clip(np.rint((values - low) / step), 0, 255) * step + low - values).mean()
        )

    ranges = seen(SAMPLES)
    assert error(*ranges.spans("mse")["x"]) <= 1.01 * error(*ranges.spans()["x"])


def test_parts_merge_to_the_whole() -> None:
    whole, first, second = seen(SAMPLES), seen(SAMPLES[:3]), seen(SAMPLES[3:])

    first.merge(second)

    assert first.spans() == whole.spans()
    assert first.spans("moving_average")["x"] == pytest.approx(whole.spans("moving_average")["x"])
    a, b = first.tensors["x"].histogram, whole.tensors["x"].histogram
    assert a.counts.sum() == b.counts.sum()
    assert first.spans("percentile:99")["x"] == pytest.approx(
        whole.spans("percentile:99")["x"], abs=0.1
    )


def test_ranges_of_another_model_do_not_merge() -> None:
    with pytest.raises(CalibrationDataError, match="the same model"):
        seen(SAMPLES).merge(Ranges("another"))


def test_what_is_written_is_read_again() -> None:
    ranges = seen(SAMPLES)

    again = Ranges.from_json(ranges.to_json(), "ranges.json")

    for method in ("minmax", "moving_average", "percentile:99.9", "mse", "entropy"):
        assert again.spans(method) == ranges.spans(method)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "r.json: expected ranges as JSON, got"),
        ("[]", r"r.json: \$: expected object"),
        ('{"model": "x"}', r"r.json: \$.tensors: expected a value"),
    ],
)
def test_a_broken_file_is_named(content: str, message: str) -> None:
    with pytest.raises(CalibrationDataError, match=message):
        Ranges.from_json(content, "r.json")


@pytest.mark.parametrize(
    "change",
    [
        {"exponent": 10**9},
        {"counts": [-1]},
        {"counts": [1] * (BINS + 1)},
        {"samples": 0},
        {"low": 9e9},
    ],
)
def test_numbers_that_make_no_sense_are_named(change: dict[str, object]) -> None:
    data = json.loads(seen(SAMPLES).to_json())
    data["tensors"]["x"] |= change

    with pytest.raises(CalibrationDataError, match=r"r.json: 'x': makes no sense"):
        Ranges.from_json(json.dumps(data), "r.json")


@pytest.mark.parametrize("method", ["best", "percentile:40", "percentile:x", "minmax:3"])
def test_an_unknown_method_is_named(method: str) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        seen(SAMPLES).spans(method)


def test_methods_by_name() -> None:
    ranges = Ranges("a model")
    ranges.add({"a/x": SAMPLES[0], "b/x": SAMPLES[1]})

    found = ranges.spans("minmax", {"a/*": "percentile:90"})

    assert found["a/x"] == ranges.spans("percentile:90")["a/x"]
    assert found["b/x"] == ranges.spans()["b/x"]


def test_any_numbers_fit_into_a_histogram() -> None:
    histogram = Histogram()
    for values in ([0.0], [1e-30], [-1e30, 1e30], [5.0] * 10, [1e38]):
        histogram.add(np.array(values))

    assert histogram.counts.sum() == 15
    assert histogram.counts.size <= BINS


def test_values_that_are_not_finite_do_not_count() -> None:
    ranges = Ranges("a model")
    ranges.add({"x": np.array([1.0, np.nan, np.inf, -2.0])})
    ranges.add({"y": np.array([np.nan])})

    assert ranges.spans() == {"x": (-2.0, 1.0)}

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tfq
from tfq.errors import ArgumentError, CalibrationDataError
from tfq.passes.ranges import Ranges, activation_keys, digest
from tfq.passes.statistics import BINS, Extremes, Histogram

DICE = np.random.default_rng(11)
SAMPLES = [DICE.normal(0, 1 + index, 5000).astype(np.float32) for index in range(8)]
METHODS = ("minmax", "moving_average", "percentile:99.9", "mse", "entropy")


def seen(samples: list[np.ndarray]) -> Ranges:
    ranges = Ranges("a model")
    for sample in samples:
        ranges.add({"x": sample})
    return ranges


def error(values: np.ndarray, low: float, high: float) -> float:
    """The mean squared error of 8 bits, as the quantizer rounds: 0 stays 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / 255
    point = np.rint(-low / step)
    rounded = (np.clip(np.rint(values / step) + point, 0, 255) - point) * step
    return float(np.square(rounded - values).mean())


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
    samples = [each[:4000] for each in SAMPLES]

    low, high = seen(samples).spans(f"percentile:{percent}")["x"]

    everything = np.concatenate(samples)
    assert low == pytest.approx(np.percentile(everything, 100 - percent), abs=0.1)
    assert high == pytest.approx(np.percentile(everything, percent), abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_values_that_are_zero_change_no_range(method: str) -> None:
    """Behind a ReLU, or in a heat map, nearly all may be 0."""
    positive = np.abs(SAMPLES[0][:1000])
    sparse = np.zeros(4000, np.float32)
    sparse[::4] = positive

    (low, high), (_, alone) = (seen([each]).spans(method)["x"] for each in (sparse, positive))

    assert low == 0
    assert high == alone


def test_a_percentile_of_what_is_nearly_always_zero_is_not_zero() -> None:
    heat = np.zeros(4000, np.float32)
    heat[7] = 5.0

    assert seen([heat]).spans("percentile:99")["x"][1] > 4.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 2.5, -1e-30])
def test_what_never_varied_has_its_one_value(method: str, value: float) -> None:
    constant = np.full(100, value, np.float32)

    assert seen([constant] * 3).spans(method)["x"] == (constant[0], constant[0])


@pytest.mark.parametrize("symmetric", [False, True])
def test_entropy_clips_outliers(symmetric: bool) -> None:
    outlier = np.concatenate([DICE.normal(0, 1, 4000), [400.0]]).astype(np.float32)

    low, high = seen([outlier] * 50).spans("entropy", symmetric=symmetric)["x"]

    assert high < 300
    if symmetric:
        assert low == -high


@pytest.mark.parametrize(
    "values",
    [
        np.concatenate([each[:4000] for each in SAMPLES]),
        np.maximum(SAMPLES[0][:4000], 0),
        DICE.laplace(0, 1, 4000),
        DICE.standard_t(2, 4000),
        DICE.uniform(-1, 6, 4000),
    ],
    ids=["normal", "relu", "laplace", "student", "uniform"],
)
def test_mse_is_close_to_the_best_of_all_ranges(values: np.ndarray) -> None:
    values = values.astype(np.float32)
    parts = np.array_split(values, 1 + values.size // 4001)
    low, high = float(min(values.min(), 0)), float(values.max())

    found = error(values, *seen(parts).spans("mse")["x"])

    shares = np.linspace(0.02, 1, 50)
    best = min(error(values, low * one, high * other) for one in shares for other in shares)
    assert found <= 1.1 * best


def test_mse_of_a_symmetric_grid_is_that_of_the_best_symmetric_range() -> None:
    values = np.abs(SAMPLES[0][:4000])

    low, high = seen([values]).spans("mse", symmetric=True)["x"]

    assert low == -high
    best = min(error(values, -reach, reach) for reach in np.linspace(0.5, values.max(), 100))
    assert error(values, low, high) <= 1.1 * best


def test_searches_clip_nothing_for_16_bits() -> None:
    ranges = seen(SAMPLES)

    for method in ("mse", "entropy"):
        assert ranges.spans(method, bits=16) == ranges.spans()


FLOATS = st.floats(-(2.0**120), 2.0**120, width=32) | st.sampled_from([0.0, 1.0, -1e-40, 2.0**-140])
BATCHES = st.lists(st.lists(FLOATS, min_size=1, max_size=6), min_size=1, max_size=6)


def facts(ranges: Ranges) -> Any:
    """What must not depend on order and splitting, and what may by rounding."""
    each = ranges.tensors["x"]
    histogram = each.histogram
    exact = (each.samples, each.low, each.high, histogram.exponent, histogram.start)
    return (*exact, histogram.counts.tolist())


@given(BATCHES, st.randoms(), st.integers(0, 6))
@settings(deadline=None)
def test_order_and_splitting_of_samples_do_not_matter(
    batches: list[list[float]], dice: Any, place: int
) -> None:
    samples = [np.array(each, np.float32) for each in batches]
    whole, shuffled = seen(samples), list(samples)
    dice.shuffle(shuffled)
    first, second = (seen(part) for part in (shuffled[:place], shuffled[place:]))

    first.merge(second)

    assert facts(first) == facts(whole)
    sums = [(each.tensors["x"].lows, each.tensors["x"].highs) for each in (first, whole)]
    size = sum(float(np.abs(each).max()) for each in samples)
    np.testing.assert_allclose(*sums, rtol=0, atol=1e-12 * size)


@given(BATCHES)
@settings(deadline=None)
def test_every_range_lies_within_what_was_seen_and_zero(batches: list[list[float]]) -> None:
    ranges = seen([np.array(each, np.float32) for each in batches])
    low, high = ranges.spans()["x"]

    for method in METHODS:
        for symmetric in (False, True):
            found = ranges.spans(method, symmetric=symmetric)["x"]
            reach = max(-low, high) if symmetric and method in ("mse", "entropy") else 0.0
            assert min(low, 0, -reach) <= found[0] <= found[1] <= max(high, 0, reach)


def test_any_numbers_fit_into_a_histogram() -> None:
    histogram = Histogram()
    for values in ([1.0], [1e-30], [-1e30, 1e30], [5.0] * 10, [1e38], [1e-45]):
        array = np.array(values, np.float32)
        histogram.add(array, float(array.min()), float(array.max()))

    assert histogram.counts.sum() == 16
    assert histogram.counts.size <= BINS


def test_large_activations_count_by_values_from_everywhere() -> None:
    channels = np.tile(np.arange(1, 65, dtype=np.float32), 2000)

    low, high = seen([channels]).spans("percentile:90")["x"]

    assert low == pytest.approx(7, abs=1)
    assert high == pytest.approx(58, abs=1)


def extremes(*pairs: tuple[float, float]) -> Extremes:
    return Extremes(*np.array(pairs, np.float32).T)


def test_extremes_merge_channel_by_channel() -> None:
    first, second, new = Ranges("m"), Ranges("m"), extremes((0, 1))
    first.extremes = {"equalize": {"x": extremes((-1, 2), (0, 5))}}
    second.extremes = {"equalize": {"x": extremes((-3, 1), (1, 6)), "y": new}, "other": {"x": new}}

    first.merge(second)

    np.testing.assert_array_equal(first.extremes["equalize"]["x"].lows, [-3, 0])
    np.testing.assert_array_equal(first.extremes["equalize"]["x"].highs, [2, 6])
    assert first.extremes["equalize"]["y"] is new
    assert first.extremes["other"]["x"] is new


def test_extremes_of_other_channels_do_not_merge() -> None:
    with pytest.raises(CalibrationDataError, match="expected 1 channels as before, got 2"):
        extremes((0, 1)).merged(extremes((0, 1), (0, 1)))


def test_ranges_of_another_model_do_not_merge() -> None:
    with pytest.raises(CalibrationDataError, match="ranges of another model"):
        seen(SAMPLES).merge(Ranges("another"))


def test_ranges_know_their_model(digits: Callable[..., tfq.Model]) -> None:
    model, other = digits(mode="float32"), digits(mode="full_integer")

    Ranges(digest(model)).check(model)
    with pytest.raises(
        CalibrationDataError,
        match=r"^ranges of another model: expected those of sha256 \w{12}…, got \w{12}…; calib",
    ):
        Ranges(digest(other)).check(model)


def test_the_digest_is_that_of_the_content(digits: Callable[..., tfq.Model]) -> None:
    model = digits(mode="float32")

    assert digest(model) == digest(tfq.load(bytes(model)))


def _option(draft: Any) -> None:
    convolution = next(op for op in draft["subgraphs"][0]["operators"] if op["opcode_index"] == 0)
    convolution["builtin_options"]["stride_h"] += 1


def _connection(draft: Any) -> None:
    subgraph = draft["subgraphs"][0]
    subgraph["operators"][1]["inputs"] = subgraph["operators"][0]["inputs"]


def _shape(draft: Any) -> None:
    draft["subgraphs"][0]["tensors"][0]["shape"] = (2, 8, 8, 1)


def _weights(draft: Any) -> None:
    index = max(
        range(len(draft["buffers"])), key=lambda each: len(draft["buffers"][each]["data"] or b"")
    )
    data = bytearray(draft["buffers"][index]["data"])
    data[-1] ^= 1
    draft["buffers"][index]["data"] = bytes(data)


@pytest.mark.parametrize("change", [_option, _connection, _shape, _weights])
def test_the_digest_tells_models_apart(
    change: Callable[[Any], None], digits: Callable[..., tfq.Model]
) -> None:
    model = digits(mode="float32")
    draft = model.draft()

    change(draft)

    assert digest(tfq.Model.from_draft(draft)) != digest(model)


def test_what_is_written_is_read_again() -> None:
    ranges = seen(SAMPLES)
    ranges.extremes = {"equalize": {"x": extremes((-1, 0.1), (0, 1e-40))}, "absorb_bias": {}}

    again = Ranges.from_json(ranges.to_json(), "ranges.json")

    assert again.to_json() == ranges.to_json()
    for method in METHODS:
        assert again.spans(method) == ranges.spans(method)
    for before, after in zip(
        ranges.extremes["equalize"]["x"], again.extremes["equalize"]["x"], strict=True
    ):
        np.testing.assert_array_equal(after, before)
        assert after.dtype == before.dtype


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "r.json: expected ranges as JSON, got"),
        (b"\xff\xfe{", "r.json: expected ranges as JSON, got"),
        ("[" * 200_000, "r.json: expected ranges as JSON, got"),
        ('{"model": "x", "model": "y"}', "r.json: expected ranges as JSON, got: the key 'model'"),
        ("1" * 5000, "r.json: expected ranges as JSON, got"),
        (
            '{"x": {"counts": [' + "0," * BINS + "0]}}",
            r"got: 2049 numbers as 'counts', at most 2048",
        ),
        (" " * (1 << 25) + "{}", r"r.json: expected up to \d+ bytes of ranges, got"),
        ("[]", r"r.json: \$: expected object"),
        ('{"model": "x"}', r"r.json: \$.tensors: expected a value"),
    ],
)
def test_a_broken_file_is_named(content: str | bytes, message: str) -> None:
    with pytest.raises(CalibrationDataError, match=message) as raised:
        Ranges.from_json(content, "r.json")
    assert "\n" not in str(raised.value)


HUGE = 10**400


@pytest.mark.parametrize(
    "change",
    [
        {"exponent": 10**9},
        {"exponent": -HUGE},
        {"start": HUGE},
        {"counts": [-1]},
        {"counts": [HUGE]},
        {"counts": [0.5]},
        {"counts": ["1"]},
        {"counts": [[]]},
        {"samples": 0},
        {"samples": HUGE},
        {"samples": True},
        {"low": 9e9},
        {"low": float("nan")},
        {"high": float("inf")},
        {"high": HUGE},
        {"lows": -1e30},
        {"highs": float("inf")},
    ],
)
def test_numbers_that_make_no_sense_are_named(change: dict[str, object]) -> None:
    data = json.loads(seen(SAMPLES).to_json())
    data["tensors"]["x"] |= change

    with pytest.raises(CalibrationDataError, match=r"r.json: ('x': makes no sense|\$.tensors.x)"):
        Ranges.from_json(json.dumps(data), "r.json")


@pytest.mark.parametrize(
    "found",
    [
        {"lows": [0.0], "highs": [1.0, 2.0]},
        {"lows": [2.0], "highs": [1.0]},
        {"lows": [], "highs": []},
        {"lows": [0.0], "highs": [1e39]},
        {"lows": [0.0], "highs": [HUGE]},
        {"lows": [float("nan")], "highs": [1.0]},
    ],
)
def test_extremes_that_make_no_sense_are_named(found: dict[str, object]) -> None:
    data = {"model": "x", "tensors": {}, "means": {}, "extremes": {"equalize": {"x": found}}}

    with pytest.raises(CalibrationDataError, match=r"r.json: ('x': makes no|\$.extremes.equalize)"):
        Ranges.from_json(json.dumps(data), "r.json")


def test_infinity_by_its_digits_is_no_number() -> None:
    text = seen(SAMPLES).to_json().replace('"low":', '"low":-1e400,"was":', 1)

    with pytest.raises(CalibrationDataError):
        Ranges.from_json(text, "r.json")


@pytest.mark.parametrize("method", ["best", "percentile:40", "percentile:x", "minmax:3"])
def test_an_unknown_method_is_named(method: str) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        seen(SAMPLES).spans(method)


def test_methods_by_name() -> None:
    ranges = Ranges("a model")
    ranges.add({"a/x": SAMPLES[0], "b/x": SAMPLES[1]})

    found = ranges.spans("minmax", {"a/*": "percentile:90", "*": "minmax"})

    assert found["a/x"] == ranges.spans("percentile:90")["a/x"]
    assert found["b/x"] == ranges.spans()["b/x"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_do_not_count(value: float) -> None:
    ranges = seen([np.array([1.0, -2.0], np.float32)])

    found = ranges.add({"x": np.array([9.0, value], np.float32), "y": np.array([1.0], np.float32)})

    assert found == ["x"]
    assert ranges.spans() == {"x": (-2.0, 1.0), "y": (1.0, 1.0)}


def test_every_tensor_has_a_key_of_its_own(shared_models: Path) -> None:
    draft = tfq.load(shared_models / "micro" / "hello_world_float.tflite").draft()
    names = ["a", "a", "a#0", "", "b#7", "b"]
    for tensor, name in zip(draft["subgraphs"][0]["tensors"], names, strict=False):
        tensor["name"] = name

    keys = activation_keys(tfq.Model.from_draft(draft).subgraphs[0])

    assert list(keys.values())[:6] == ["a#0", "a#1", "a#0#2", "#3", "b#7#4", "b"]
    assert len(set(keys.values())) == len(keys)

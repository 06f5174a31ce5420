"""One source, converted in many ways."""

from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.convert.workbench import Workbench

SAMPLES = Path(__file__).parents[2] / "samples"
WAYS = [
    {"mode": "float32"},
    {"mode": "float16"},
    {"mode": "dynamic_range", "weight_bits": 4},
    {"mode": "full_integer", "granularity": "per_tensor", "accuracy": "best"},
    {"mode": "full_integer", "granularity": "per_tensor", "accuracy": "standard"},
    {"mode": "full_integer", "granularity": "per_tensor", "accuracy": "none"},
    {"mode": "full_integer", "granularity": "per_channel"},
    {"mode": "int16x8"},
    {"mode": "full_integer", "granularity": "per_tensor", "passes": "mse,power_of_two"},
]


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    with np.load(SAMPLES / "calibration.npz") as archive:
        return {name: archive[name][:24] for name in archive.files}


@pytest.fixture(scope="module")
def bench(data: dict[str, np.ndarray]) -> Workbench:
    return Workbench(SAMPLES / "digits.keras", data)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_what_came_before_changes_nothing(
    bench: Workbench, data: dict[str, np.ndarray], way: dict[str, object]
) -> None:
    name = bench.inputs[0].name
    alone = tfq.convert(
        bench.float_model, calibration_data={name: next(iter(data.values()))}, **way
    )
    assert bytes(bench.convert(**way)) == bytes(alone)


def test_the_float_model_is_that_of_the_source(bench: Workbench) -> None:
    alone = tfq.convert(SAMPLES / "digits.keras", mode="float32")
    assert [op.name for op in bench.float_model.operators] == [op.name for op in alone.operators]


def test_data_are_read_by_the_names_of_the_source(bench: Workbench) -> None:
    samples = bench.read(SAMPLES / "evaluation.npz")
    assert list(samples.columns) == list(bench.float_model.input_names)
    assert samples.labels is not None
    assert len(samples.labels) == len(samples)


def test_modes_that_calibrate_need_data() -> None:
    bench = Workbench(SAMPLES / "digits.keras")
    assert bench.convert(mode="dynamic_range").mode == "dynamic_range"
    with pytest.raises(tfq.CalibrationDataError, match="full_integer needs calibration_data for"):
        bench.convert(mode="full_integer")


def test_a_way_that_fails_leaves_the_others(bench: Workbench) -> None:
    with pytest.raises(tfq.ArgumentError):
        bench.convert(mode="int16x8", weight_bits=4)
    assert bench.convert(mode="float16").mode == "float16"

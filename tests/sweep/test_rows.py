from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import op_nets
import pytest

import tfq
from tfq.accuracy import compare
from tfq.schemas import load as load_schema
from tfq.sweep import sweep
from tfq.sweep.result import Sweep
from tfq.sweep.ways import WAYS

pytest.importorskip("tensorflow")


def test_there_is_a_row_for_each_way_and_a_file_for_each_row(digits_sweep: Sweep) -> None:
    assert [row.name for row in digits_sweep.rows] == [way.name for way in WAYS]
    for row in digits_sweep.rows:
        assert row.file == f"{row.name}.tflite"
        assert digits_sweep.load(row.name).size == row.size


def test_sweep_json_is_the_result_and_meets_its_schema(digits_sweep: Sweep) -> None:
    assert digits_sweep.directory is not None
    content = json.loads((digits_sweep.directory / "sweep.json").read_text())
    jsonschema.validate(content, load_schema("sweep.schema"))
    assert content == json.loads(json.dumps(digits_sweep.to_data()))


def test_a_row_says_how_it_was_made(digits_sweep: Sweep) -> None:
    row = digits_sweep.row("full_integer.per_tensor.best")
    assert (row.mode, row.granularity, row.accuracy_level) == ("full_integer", "per_tensor", "best")
    assert (row.weight_bits, row.passes) == (8, None)
    assert digits_sweep.row("dynamic_range.per_channel.int4").weight_bits == 4
    assert "power_of_two" in str(digits_sweep.row("full_integer.per_tensor.power_of_two").passes)
    assert digits_sweep.row("float32").weight_bits is None


def test_a_row_is_what_converting_alone_and_linting_give(digits_sweep: Sweep) -> None:
    row = digits_sweep.row("full_integer.per_channel.standard")
    model = digits_sweep.load(row.name)
    report = tfq.lint(model, "artpec8")
    assert row.profiles["artpec8"].errors == report.count("error") > 0
    assert row.profiles["artpec8"].accelerator_share == report.placement.share
    assert all(op.compute == "integer" for op in model.operators) and row.integer_share == 1


def test_the_accuracy_is_that_of_the_labels(digits_sweep: Sweep, evaluation_data: Path) -> None:
    assert (digits_sweep.metric, digits_sweep.samples) == ("top1", 50)
    for name in ("float32", "full_integer.per_tensor.none"):
        row = digits_sweep.row(name)
        found = compare(digits_sweep.load("float32"), digits_sweep.load(name), evaluation_data)
        assert found.candidate_scores is not None and found.drop == row.drop
        assert found.candidate_scores["top1"] == row.accuracy


def test_float32_is_what_others_are_measured_by(digits_sweep: Sweep) -> None:
    row = digits_sweep.row("float32")
    assert (row.drop, row.agreement, row.sqnr, row.compression) == (0, 1, 120, 1)
    small = digits_sweep.row("full_integer.per_tensor.standard")
    assert small.size is not None and row.size is not None
    assert small.compression == row.size / small.size > 2


def test_every_row_that_runs_has_a_latency_and_a_peak(digits_sweep: Sweep) -> None:
    for row in digits_sweep.rows:
        assert row.latency_ms is not None and row.latency_ms > 0
        assert row.peak_memory is not None and row.peak_memory > 64 * 4
    assert digits_sweep.machine["threads"] == 1


def test_the_recommended_row_passes_both_devices(digits_sweep: Sweep) -> None:
    assert digits_sweep.recommended == "full_integer.per_tensor.power_of_two"
    row = digits_sweep.row(digits_sweep.recommended)
    assert all(each.ok for each in row.profiles.values())
    assert "artpec8 and tidl-tda4vm" in digits_sweep.reason
    assert "50 samples: one is 0.02" in digits_sweep.reason


def test_each_device_alone_has_its_own(digits_sweep: Sweep) -> None:
    name = digits_sweep.recommended_by_profile["artpec8"]
    assert name is not None and name.startswith("full_integer.per_tensor")


def test_the_recommended_row_has_its_errors_by_layer(digits_sweep: Sweep) -> None:
    assert digits_sweep.directory is not None and digits_sweep.comparison is not None
    file = digits_sweep.directory / digits_sweep.comparison["file"]
    assert file.name == f"{digits_sweep.recommended}.compare.json"
    content = json.loads(file.read_text())
    jsonschema.validate(content, load_schema("compare.schema"))
    row = digits_sweep.row(str(digits_sweep.recommended))
    assert content["candidate_sha256"] == row.sha256
    assert content["layers"]["matched"] > 0


def test_without_calibration_data_the_integer_modes_fail_and_nothing_is_evaluated(
    digits: Callable[..., tfq.Model],
) -> None:
    found = sweep(digits(mode="float32"), modes=["float16", "full_integer.per_tensor.none"])
    half, integer = found.rows
    assert half.ok and half.accuracy is None and half.latency_ms is None
    assert integer.status == "failed" and "needs calibration_data" in str(integer.error)
    assert found.metric is None and found.recommended is None
    assert "no data" in found.reason


def test_without_evaluation_data_and_labels_it_is_the_agreement_on_the_calibration_data(
    digits: Callable[..., tfq.Model], samples: Path
) -> None:
    with np.load(samples / "calibration.npz") as data:
        images = data["image"][:20]
    found = sweep(
        digits(mode="float32"), calibration_data=images, modes=["weight_only.per_channel"]
    )
    (row,) = found.rows
    assert (found.data, found.metric, found.samples) == ("calibration data", "agreement", 20)
    assert row.accuracy == row.agreement == 1 - (row.drop or 0)
    assert found.recommended == "weight_only.per_channel"
    assert "calibration data" in found.reason
    assert row.compression is not None and row.compression > 1.5


def test_outputs_that_choose_nothing_are_measured_in_decibels(
    bindings: object,
) -> None:
    dice, net = np.random.default_rng(0), op_nets.Net(bindings)
    inputs = [
        net.input(1, 8),
        net.constant(dice.standard_normal((8, 8))),
        net.constant(np.zeros(8)),
    ]
    model = net.made(net.add("FULLY_CONNECTED", inputs, [(1, 8)], op_nets.DENSE))
    found = sweep(
        model,
        calibration_data=dice.standard_normal((20, 8)).astype(np.float32),
        modes=["float32", "full_integer.per_channel.none"],
        max_accuracy_drop=0.05,
    )
    exact, integer = found.rows
    assert found.metric == "sqnr" and exact.drop == 0
    assert integer.accuracy == integer.sqnr is not None
    assert integer.drop == pytest.approx(10 ** (-(integer.sqnr or 0) / 20))


def test_a_mode_that_fails_is_a_row_with_its_reason(shared_models: Path) -> None:
    found = sweep(
        shared_models / "litert" / "fallback_model.tflite",
        profiles=["artpec8"],
        calibration_data=np.random.default_rng(0).random((20, 4)).astype(np.float32),
        modes=["float16", "full_integer.per_tensor.standard", "int16x8.per_channel"],
    )
    half, *integers = found.rows
    assert half.ok and half.sqnr is not None
    for row in integers:
        assert (row.status, row.size, row.profiles) == ("failed", None, {})
        assert "SCATTER_ND" in str(row.error) and "\n" not in str(row.error)
    jsonschema.validate(json.loads(json.dumps(found.to_data())), load_schema("sweep.schema"))


def test_a_model_that_does_not_run_here_is_converted_and_linted(shared_models: Path) -> None:
    found = sweep(
        shared_models / "micro" / "audio_preprocessor_int8.tflite",
        profiles=["cpu"],
        calibration_data=np.zeros((3, 480), np.int16),
        modes=["float16"],
    )
    (row,) = found.rows
    assert row.ok and row.profiles["cpu"].errors > 0
    assert "not evaluated" in str(row.error) and row.latency_ms is None
    assert "no row could be evaluated" in found.reason


def test_outputs_that_are_no_numbers_are_said_to_be(digits_sweep: Sweep) -> None:
    for row in digits_sweep.rows:
        assert ("NaN" in str(row.error)) == (row.sqnr == -120)


def test_a_device_that_converts_as_no_row_does_gets_one(
    samples: Path, tmp_path: Path, digits: Callable[..., tfq.Model]
) -> None:
    own = {"extends": "artpec8", "name": "camera", "convert": {"input_type": "uint8"}}
    (tmp_path / "camera.json").write_text(json.dumps(own))
    found = sweep(
        digits(mode="float32"),
        profiles=[tmp_path / "camera.json"],
        calibration_data=samples / "calibration.npz",
        modes=["profile.*"],
    )
    (row,) = found.rows
    assert (row.name, row.mode, row.granularity) == ("profile.camera", "full_integer", "per_tensor")
    assert row.profiles["camera"].ok


def test_data_that_do_not_fit_are_refused_before_any_conversion(
    digits: Callable[..., tfq.Model], samples: Path, tmp_path: Path
) -> None:
    images = np.zeros((4, 9, 9, 1), np.float32)
    with pytest.raises(tfq.CalibrationDataError, match="evaluation data"):
        sweep(
            digits(mode="float32"),
            calibration_data=samples / "calibration.npz",
            evaluation_data=images,
            output=tmp_path / "swept",
        )
    with pytest.raises(tfq.CalibrationDataError, match="labels"):
        sweep(
            digits(mode="float32"),
            calibration_data=samples / "calibration.npz",
            labels=np.zeros(3, int),
            output=tmp_path / "swept",
        )
    assert not (tmp_path / "swept").exists()


def test_patterns_that_fit_no_row_are_refused() -> None:
    with pytest.raises(tfq.ArgumentError, match=r"full_integer\.per_channel\.none"):
        sweep("model.keras", modes=["fast"])


@pytest.mark.parametrize("drop", [-0.1, float("nan"), float("inf")])
def test_a_drop_that_is_no_limit_is_refused(drop: float) -> None:
    with pytest.raises(tfq.ArgumentError, match="max_accuracy_drop"):
        sweep("model.keras", max_accuracy_drop=drop)


@pytest.mark.parametrize(
    ("score", "wanted"), [(math.nan, "metric returned nan"), (-math.inf, "metric returned -inf")]
)
def test_a_row_says_that_its_metric_is_no_number(
    again: Callable[..., Sweep], score: float, wanted: str
) -> None:
    found = again(metric=lambda outputs, labels: score, modes=["float32", "float16"], output=None)
    assert [(row.error, row.accuracy) for row in found.rows] == [(wanted, None)] * 2


def test_a_row_says_that_its_metric_is_no_number_for_the_reference(
    again: Callable[..., Sweep],
) -> None:
    scores = iter([math.nan, 0.5])
    found = again(metric=lambda outputs, labels: next(scores), modes=["float32"], output=None)
    row = found.row("float32")
    assert (row.error, row.accuracy, row.drop) == ("metric returned nan for float32", 0.5, None)

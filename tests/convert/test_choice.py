from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from op_nets import ADD, DENSE, Net, dense, noise

import tfq
from tfq.errors import ConversionWarning
from tfq.model import Model
from tfq.runtime import Runner

pytest.importorskip("ai_edge_litert.interpreter")
pytestmark = pytest.mark.filterwarnings("ignore::tfq.errors.ConversionWarning")


@pytest.fixture(scope="module")
def plain(digits: Callable[..., Model]) -> Model:
    return digits(mode="float32")


@pytest.fixture(scope="module")
def images(samples: Path) -> np.ndarray:
    return np.load(samples / "calibration.npz")["image"][:40].astype(np.float32)


@pytest.fixture
def net(bindings: ModuleType) -> Net:
    return Net(bindings)


def data(*shape: int, count: int = 30) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, *shape)).astype(np.float32)


def converted(model: Model, samples: Any, **options: Any) -> Any:
    return tfq.convert(model, granularity="per_tensor", calibration_data=samples, **options)


def test_the_record_in_the_file_is_what_was_done(plain: Model, images: np.ndarray) -> None:
    model = converted(plain, images, profile="artpec8")

    record = json.loads(bytes(model.metadata["tfq"]))
    assert record["mode"] == "full_integer"
    assert record["granularity"] == "per_tensor"
    assert record["profile"] == "artpec8"
    assert record["accuracy"] == "standard"
    assert record["converter"] == model.applied.converter
    assert tuple(record.get("passes", ())) == model.applied.passes
    assert record["sqnr"] == pytest.approx(model.applied.sqnr, abs=0.01)


def test_a_file_that_is_converted_again_has_one_record(plain: Model, images: np.ndarray) -> None:
    again = converted(tfq.convert(plain, mode="float32"), images)

    assert bytes(again).count(b'"accuracy"') == 1
    assert json.loads(bytes(again.metadata["tfq"]))["mode"] == "full_integer"


def test_what_is_kept_is_as_near_as_what_is_not(plain: Model, images: np.ndarray) -> None:
    applied = converted(plain, images).applied

    assert {applied.converter, applied.alternative} == {"tfq", "litert-quantizer"}
    assert applied.sqnr is not None
    assert applied.alternative_sqnr is not None
    assert applied.sqnr > applied.alternative_sqnr - 0.5


def test_best_is_no_worse_than_standard_on_the_samples(plain: Model, images: np.ndarray) -> None:
    standard, best = (converted(plain, images, accuracy=each).applied for each in LEVELS)

    assert best.sqnr >= standard.sqnr - 1e-6


LEVELS = ("standard", "best")


def test_passes_by_name_are_followed_without_a_comparison(plain: Model, images: np.ndarray) -> None:
    applied = converted(plain, images, passes="minmax").applied

    assert applied.passes == ("minmax",)
    assert applied.converter == "tfq"
    assert applied.alternative is None


def test_without_litert_quantizer_the_passes_are_enough(
    plain: Model, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "litert_quantizer", None)

    applied = converted(plain, images).applied

    assert applied.converter == "tfq"
    assert "needs litert-quantizer" in applied.remark


def test_two_runs_make_the_same_bytes(plain: Model, images: np.ndarray) -> None:
    first, second = (bytes(converted(plain, images, accuracy="best")) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    "modes", [("full_integer", "int16x8"), ("int16x8", "full_integer")], ids=" then ".join
)
def test_ranges_of_one_mode_do_for_the_other(
    modes: tuple[str, str], net: Net, tmp_path: Path
) -> None:
    """HARD_SWISH has a kernel of 8 bits only: it becomes others for 16."""
    swish = net.add("HARD_SWISH", [dense(net, net.input(1, 8))], [(1, 8)])
    model, ranges = net.made(dense(net, swish, 2)), tmp_path / "ranges.json"
    first, second = modes
    converted(model, data(8), mode=first, save_ranges=ranges)

    loaded = converted(model, data(8), mode=second, load_ranges=ranges)
    alone = converted(model, None, mode=second, load_ranges=ranges)

    assert bytes(loaded) == bytes(converted(model, data(8), mode=second))
    assert alone.applied.passes == ("minmax",)
    assert alone.applied.remark == "not compared: no calibration data"
    assert all(op.compute == "integer" for op in alone.operators)


def test_ranges_of_another_model_are_refused(
    plain: Model, images: np.ndarray, net: Net, tmp_path: Path
) -> None:
    converted(plain, images, passes="minmax", save_ranges=tmp_path / "r.json")

    with pytest.raises(tfq.CalibrationDataError, match="ranges of another model"):
        converted(net.made(dense(net, net.input(1, 8))), None, load_ranges=tmp_path / "r.json")


def test_ranges_after_other_passes_are_refused(
    plain: Model, images: np.ndarray, tmp_path: Path
) -> None:
    converted(plain, images, passes="minmax", save_ranges=tmp_path / "r.json")

    with pytest.raises(
        tfq.CalibrationDataError, match="expected those after equalize, got those after no pass"
    ):
        converted(plain, None, load_ranges=tmp_path / "r.json")


def test_best_needs_samples(plain: Model, images: np.ndarray, tmp_path: Path) -> None:
    converted(plain, images, accuracy="best", save_ranges=tmp_path / "r.json")

    with pytest.raises(tfq.Error, match="accuracy=best needs calibration_data, not ranges alone"):
        converted(plain, None, accuracy="best", load_ranges=tmp_path / "r.json")

    loaded = converted(plain, images, accuracy="best", load_ranges=tmp_path / "r.json")
    assert loaded.applied.level == "best"


def test_no_file_is_written_over_one_that_is_read(
    plain: Model, images: np.ndarray, tmp_path: Path
) -> None:
    source = tmp_path / "mine.tflite"
    plain.save(source)
    before = source.read_bytes()

    with pytest.raises(tfq.Error, match="save_ranges: expected another file than that of source"):
        tfq.convert(source, calibration_data=images, save_ranges=tmp_path / "." / "mine.tflite")

    assert source.read_bytes() == before


@pytest.mark.parametrize("term", ["int16:#0", "int16:*"])
def test_wider_layers_leave_inputs_and_outputs_as_they_are(net: Net, term: str) -> None:
    model = net.made(dense(net, dense(net, net.input(1, 8)), 1))

    mixed = converted(model, data(8), passes=f"minmax,{term}")

    assert [mixed.inputs[0].dtype, mixed.outputs[0].dtype] == ["int8", "int8"]
    assert all(op.compute == "integer" for op in mixed.operators)
    assert any(each.dtype == "int16" for each in mixed.tensors)


def test_floats_need_a_word_of_permission(net: Net) -> None:
    model = net.made(dense(net, dense(net, net.input(1, 8)), 1))

    with pytest.raises(tfq.Error, match=r"passes: float:\* needs allow_float_fallback"):
        converted(model, data(8), passes="minmax,float:*")


@pytest.mark.parametrize("passes", ["int16:nothing", "mse@nothing"])
def test_a_pattern_of_nothing_is_refused(net: Net, passes: str) -> None:
    with pytest.raises(tfq.Error, match="nothing"):
        converted(net.made(dense(net, net.input(1, 8))), data(8), passes=passes)


def test_an_input_that_nobody_reads_is_converted_with_the_others(net: Net) -> None:
    used, unused = net.input(1, 8, name="used"), net.input(1, 3, name="unused")
    del unused
    model = net.made(dense(net, used))

    made = converted(model, {"used": data(8), "unused": data(3)})

    assert [each.dtype for each in made.inputs] == ["int8", "int8"]


def test_whole_numbers_do_not_decide_which_model_is_near(net: Net) -> None:
    scores = dense(net, net.input(1, 8))
    axis = net.constant([1], np.int32)
    best = net.tensor((1,), "int64")
    del best
    index = net.add("ARG_MAX", [scores, axis], [(1,)], ("ArgMaxOptions", {"outputType": 4}))
    model = net.made(scores, index)

    applied = converted(model, data(8)).applied

    assert applied.sqnr is not None
    assert applied.sqnr < 100


def test_outputs_that_are_all_noise_come_with_a_warning(net: Net) -> None:
    far = net.constant(np.full(8, 1e6))
    away = net.add("ADD", [net.input(1, 8), far], [(1, 8)], ADD)
    model = net.made(net.add("SUB", [away, far], [(1, 8)], ("SubOptions", {})))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        applied = converted(model, data(8)).applied

    assert applied.sqnr is not None
    assert applied.sqnr < 3
    told = [each for each in caught if issubclass(each.category, ConversionWarning)]
    assert any("little to do with" in str(each.message) for each in told)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("mode", ["full_integer", "int16x8", "dynamic_range", "float16"])
def test_weights_that_are_no_numbers_are_refused(net: Net, value: float, mode: str) -> None:
    weights = noise(8, 8)
    weights[2, 3] = value
    made = net.add("FULLY_CONNECTED", [net.input(1, 8), net.constant(weights), -1], [(1, 8)], DENSE)

    with pytest.raises(tfq.ConversionError, match=r"expected finite weights, got (NaN|infinity)"):
        tfq.convert(net.made(made), mode=mode, calibration_data=data(8))


def test_quantized_models_run_once_before_they_are_handed_out(
    faces: dict[str, Path],
) -> None:
    """LiteRT does not load what its quantizer makes of this one, but what the passes make."""
    model = tfq.load(faces["face_detection_full_range_sparse"])
    images = np.random.default_rng(2).random((4, *model.inputs[0].shape[1:]), np.float32)

    made = converted(model, images)

    assert made.applied.converter == "tfq"
    assert all(op.compute == "integer" for op in made.operators)
    Runner(made).run({model.input_names[0]: images[:1]})

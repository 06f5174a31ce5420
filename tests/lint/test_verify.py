"""The vendor's own tool beside the prediction."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

import tfq
from tfq import profiles
from tfq.lint import verify as module
from tfq.lint.verify import compare, verify
from tfq.profiles import Profile


@pytest.fixture
def deeplab(shared_models: Path) -> tfq.Model:
    return tfq.load(shared_models / "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant.tflite")


def own(folder: Path, base: str, **changes: object) -> Profile:
    path = folder / "own.json"
    path.write_text(json.dumps({"extends": base, "name": "own", **changes}))
    return profiles.load(path)


def test_vela_says_of_each_operator_where_it_runs_and_why(deeplab: tfq.Model) -> None:
    pytest.importorskip("ethosu")
    answer = verify(deeplab, profiles.load("ethos-u55"))
    assert answer is not None
    assert answer.agrees
    left = [each for each in answer.operators if not each.is_taken]
    assert [each.operator.name for each in left] == ["RESIZE_BILINEAR"]
    assert "scale-factor=16" in left[0].reason
    assert answer.summary == f"vela {answer.version} agrees on 72 operators"


def test_a_profile_that_is_wrong_is_told_so(deeplab: tfq.Model, tmp_path: Path) -> None:
    pytest.importorskip("ethosu")
    profile = own(tmp_path, "ethos-u55", operators={"SOFTMAX": None, "RESIZE_BILINEAR": []})
    answer = verify(deeplab, profile)
    assert answer is not None
    assert not answer.agrees
    assert {each.checked.operator.name for each in answer.disagreements} == {"RESIZE_BILINEAR"}
    line = str(answer.disagreements[0])
    assert "RESIZE_BILINEAR: predicted: fits; the tool does not take it: Scaling" in line
    assert "disagrees on 1 of 72 operators" in answer.summary


def test_a_model_that_the_compiler_refuses_agrees_with_no_prediction(shared_models: Path) -> None:
    pytest.importorskip("ethosu")
    model = tfq.load(shared_models / "litert/blockwise_quantized.tflite")
    answer = verify(model, profiles.load("ethos-u85"))
    assert answer is not None
    assert (answer.agrees, answer.operators) == (False, ())
    assert "Constant tensors must not have empty buffers" in answer.problem


@pytest.mark.parametrize(
    ("profile", "package", "model", "culprit", "said"),
    [
        ("tflm", "tflite_micro", "litert/fallback_model", "SCATTER_ND", "Didn't find op"),
        (
            "tflm",
            "tflite_micro",
            "edgetpu_pairs/mobilenet_v1_0.25_128_quant",
            "CONV_2D",
            "Hybrid models are not supported",
        ),
        ("cpu", "ai_edge_litert", "micro/audio_preprocessor_int8", "SignalWindow", "custom op"),
        ("cpu", "ai_edge_litert", "invalid/model_invoking_error", "fake-op-double", "custom op"),
    ],
)
def test_an_interpreter_names_the_operator_that_it_stops_at(
    profile: str, package: str, model: str, culprit: str, said: str, shared_models: Path
) -> None:
    pytest.importorskip(package)
    answer = verify(tfq.load(shared_models / f"{model}.tflite"), profiles.load(profile))
    assert answer is not None
    assert answer.agrees
    told = [each for each in answer.operators if each.is_taken is not None]
    assert [each.operator.name for each in told] == [culprit]
    assert said in told[0].reason
    assert answer.problem.startswith("does not load the model: ")


def test_an_interpreter_that_crashes_is_an_answer(shared_models: Path) -> None:
    pytest.importorskip("tflite_micro")
    model = tfq.load(shared_models / "invalid/model_invoking_error.tflite")
    answer = verify(model, profiles.load("tflm"))
    assert answer is not None
    assert answer.problem == "does not load the model: it ended with signal 11"


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128_quant", "split_concat"])
def test_what_a_compiler_left_is_found_again(name: str, shared_models: Path) -> None:
    folder = shared_models / "edgetpu_pairs"
    model = tfq.load(folder / f"{name}.tflite")
    compiled = tfq.load(folder / f"{name}_edgetpu.tflite")
    assert all(each.is_taken for each in compare(model, compiled))
    assert not any(each.is_taken for each in compare(model, model))


def test_a_tool_that_is_absent_says_how_to_get_it(
    deeplab: tfq.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = verify(deeplab, own(tmp_path, "ethos-u55", verify="edgetpu_compiler"))
    assert answer is not None
    assert answer.agrees is None
    assert answer.summary.startswith("edgetpu_compiler says nothing: not installed: see coral.ai")


def test_a_tool_that_takes_too_long_is_stopped(
    deeplab: tfq.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ethosu")
    monkeypatch.setattr(module, "SECONDS", 0.01)
    answer = verify(deeplab, profiles.load("ethos-u55"))
    assert answer is not None
    assert answer.agrees is None
    assert answer.problem == "no answer within 0.01 seconds"


def test_nothing_is_left_behind(
    deeplab: tfq.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ethosu")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert verify(deeplab, profiles.load("ethos-u55"))
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_a_profile_without_a_tool_has_no_answer(deeplab: tfq.Model) -> None:
    assert verify(deeplab, profiles.load("cv25")) is None

"""A file that a device refuses becomes one that it takes, or tfq says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tfq

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def right(samples: Path) -> Any:
    import numpy as np

    from tfq.runtime import Runner

    data = np.load(samples / "evaluation.npz")

    def right(model: tfq.Model) -> float:
        runner, (name,) = Runner(model), model.input_names
        hits = [
            runner.run({name: image[None]})[0].argmax() == label
            for image, label in zip(data["image"], data["y"], strict=True)
        ]
        return sum(map(bool, hits)) / len(hits)

    return right


def errors(report: tfq.Report) -> set[str]:
    return {finding.rule for finding in report.findings if finding.severity == "error"}


@pytest.mark.parametrize(
    ("profile", "options", "ran"),
    [
        ("artpec8", {}, ["per_tensor"]),
        (
            "artpec8",
            {"input_type": "float32", "output_type": "float32"},
            ["per_tensor", "integer_io"],
        ),
        ("tidl-tda4vm", {}, ["per_tensor", "symmetric_activations", "power_of_two"]),
    ],
)
def test_digits_meet_the_device_and_stay_readable(
    digits: Any, right: Any, profile: str, options: dict[str, str], ran: list[str]
) -> None:
    model = digits(mode="full_integer", **options)
    result = tfq.retarget(model, profile)
    assert [changes.name for changes in result.changes] == ran
    assert errors(result.before)
    assert result.report.ok
    assert result.unrepaired == {}
    assert tfq.lint(bytes(result), profile).ok
    assert right(result) >= right(model) - 0.03
    assert not tfq.retarget(result, profile).modified


def test_an_older_uint8_model_for_a_device_of_int8(shared_models: Path, tmp_path: Path) -> None:
    profile = tmp_path / "signed.json"
    profile.write_text(
        '{"name": "signed", "extends": "edgetpu", "quantization": {"activations": ["int8"],'
        ' "weights": ["int8"], "inputs": ["int8"], "outputs": ["int8"]}}'
    )
    path = shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"

    result = tfq.retarget(path, profile)

    assert [changes.name for changes in result.changes] == ["byte_types"]
    assert {tensor.dtype for tensor in (*result.inputs, *result.outputs)} == {"int8"}
    assert result.operators[0].weights.quantization.granularity == "per_channel"
    assert not {"Q106", "Q107"} & errors(result.report)


def test_a_pair_inside_the_model_goes(digits: Any) -> None:
    """Floats for a moment: to a device of integers that is an operator in float."""
    from tfq.format import Draft

    model = digits(mode="full_integer", granularity="per_tensor")
    draft = model.draft()
    subgraph = draft["subgraphs"][0]
    tensors, codes = subgraph["tensors"], draft["operator_codes"]
    second = model.operators[1]
    place = second.inputs[0].index
    tensors.append(Draft("Tensor", name="floats", shape=tensors[place]["shape"]))
    tensors.append(Draft.of(tensors[place].table))
    codes += [
        Draft("OperatorCode", builtin_code=6, deprecated_builtin_code=6, version=2),
        Draft("OperatorCode", builtin_code=114, deprecated_builtin_code=114, version=1),
    ]
    floats, again = len(tensors) - 2, len(tensors) - 1
    subgraph["operators"][1]["inputs"] = (again, *[each.index for each in second.inputs[1:]])
    subgraph["operators"][1:1] = [
        Draft("Operator", opcode_index=len(codes) - 2, inputs=(place,), outputs=(floats,)),
        Draft("Operator", opcode_index=len(codes) - 1, inputs=(floats,), outputs=(again,)),
    ]
    result = tfq.retarget(tfq.Model.from_draft(draft), "artpec8")
    assert "Q101" in errors(result.before)
    assert result.report.ok
    assert [op.name for op in result.operators] == [op.name for op in model.operators]


def test_what_meets_the_device_is_not_touched(digits: Any) -> None:
    model = digits(mode="full_integer", granularity="per_tensor")
    result = tfq.retarget(model, "artpec8")
    assert not result.changes
    assert bytes(result) == bytes(model)


@pytest.mark.parametrize(
    ("mode", "rules"), [("float32", "Q101"), ("dynamic_range", "Q104"), ("int16x8", "Q106")]
)
def test_what_no_change_of_the_file_can_repair_says_so(digits: Any, mode: str, rules: str) -> None:
    result = tfq.retarget(digits(mode=mode), "artpec8")
    assert not result.report.ok
    assert set(result.unrepaired) == errors(result.report)
    assert rules in result.unrepaired
    for reason in result.unrepaired.values():
        assert "no change of the file alone" in reason or "could not repair all" in reason


@pytest.mark.parametrize("profile", ["artpec7", "artpec8", "artpec9", "cv25", "tidl-tda4vm"])
def test_no_real_model_gets_worse(model_path: Path, profile: str) -> None:
    result = tfq.retarget(model_path, profile)
    assert errors(result.report) <= errors(result.before)
    again = tfq.retarget(result, profile)
    assert not again.modified


SPEECH = "micro/micro_speech_quantized.tflite"


def test_uint8_with_a_scale_a_channel_gets_one(shared_models: Path, edited: Any) -> None:
    def split(model: Any) -> None:
        (subgraph,) = model.subgraphs
        weights = subgraph.tensors[subgraph.operators[0].inputs[1]]
        weights.quantization.scale = [weights.quantization.scale[0]] * weights.shape[0]
        weights.quantization.zeroPoint = [128] * weights.shape[0]

    path = shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"
    result = tfq.retarget(edited(path, split), "cpu")
    assert "Q203" in errors(result.before)
    assert "per_tensor" in [changes.name for changes in result.changes]
    assert "Q203" not in errors(result.report)


def test_a_bias_that_is_refused_is_requantized(shared_models: Path, edited: Any) -> None:
    def shift(model: Any) -> None:
        (subgraph,) = model.subgraphs
        for operator in subgraph.operators[1:3]:
            bias = subgraph.tensors[operator.inputs[2]]
            bias.quantization.zeroPoint = [3] * len(bias.quantization.scale)

    result = tfq.retarget(edited(shared_models / SPEECH, shift), "cpu")
    assert errors(result.before) == {"Q504"}
    assert [changes.name for changes in result.changes] == ["bias_scales"]
    assert result.report.ok


def test_a_bias_that_is_only_a_warning_stays_beside_one_that_is_an_error(
    shared_models: Path, edited: Any
) -> None:
    """Kernels take its integers as they are: other ones would give another model."""

    def spoil(model: Any) -> None:
        (subgraph,) = model.subgraphs
        conv, dense = (subgraph.tensors[subgraph.operators[at].inputs[2]] for at in (1, 2))
        conv.quantization.scale = [2 * scale for scale in conv.quantization.scale]
        dense.quantization.zeroPoint = [3]

    model = tfq.load(edited(shared_models / SPEECH, spoil))
    result = tfq.retarget(model, "cpu")
    assert {finding.rule for finding in result.before.findings} == {"Q503", "Q504"}
    assert {finding.rule for finding in result.report.findings} == {"Q503"}
    assert result.operators[1].bias.values == model.operators[1].bias.values
    strict = tfq.retarget(model, "cpu", severity={"Q503": "error"})
    assert not strict.report.findings


@pytest.mark.parametrize(
    "options", [{"ignore": ["Q201"]}, {"select": ["Q1"]}, {"severity": {"Q201": "warning"}}]
)
def test_what_is_no_error_to_the_caller_is_not_repaired(
    shared_models: Path, options: dict[str, Any]
) -> None:
    path = shared_models / SPEECH
    assert tfq.retarget(path, "artpec8").modified
    result = tfq.retarget(path, "artpec8", **options)
    assert not result.modified
    assert result.report.ok


def test_what_the_baseline_accepts_is_not_repaired(shared_models: Path, tmp_path: Path) -> None:
    from tfq.lint.baseline import baseline_text

    path, baseline = shared_models / SPEECH, tmp_path / "baseline.json"
    baseline.write_text(baseline_text([tfq.lint(path, "artpec8")], str(baseline)))
    result = tfq.retarget(path, "artpec8", baseline=baseline)
    assert not result.modified
    assert [finding.rule for finding in result.report.accepted if finding.rule == "Q201"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"input_type": "float32", "output_type": "float32"}, ("float32", "float32")),
        ({"output_type": "uint8"}, ("int8", "uint8")),
        ({}, ("int8", "int8")),
    ],
)
def test_inputs_and_outputs_become_what_is_asked_for(
    shared_models: Path, wanted: dict[str, str], found: tuple[str, str]
) -> None:
    result = tfq.retarget(shared_models / SPEECH, "cpu", **wanted)
    assert (result.inputs[0].dtype, result.outputs[0].dtype) == found
    assert result.report.ok


def test_the_side_that_is_not_asked_for_becomes_what_the_device_needs(shared_models: Path) -> None:
    from tfq import passes

    floats, _ = passes.float_io(tfq.load(shared_models / SPEECH))
    result = tfq.retarget(floats, "artpec8", input_type="float32")
    assert (result.inputs[0].dtype, result.outputs[0].dtype) == ("float32", "int8")
    # What was asked for is done, and said to be an error.
    assert set(result.unrepaired) == errors(result.report)
    assert not result.report.ok


def test_an_unknown_type_is_an_error(shared_models: Path) -> None:
    with pytest.raises(tfq.errors.ArgumentError, match="float16"):
        tfq.retarget(shared_models / SPEECH, "cpu", input_type="float16")

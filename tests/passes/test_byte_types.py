from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import outputs, samples, sqnr

import tfq
from tfq import passes


def types(model: tfq.Model) -> set[str]:
    return {tensor.dtype for tensor in model.tensors if tensor.quantization}


def test_digits_in_uint8_and_back_are_the_same_model(digits: Any, right: Any) -> None:
    model = digits(mode="full_integer", granularity="per_tensor")

    result, _ = passes.byte_types(model, "uint8")

    assert types(result) == {"uint8", "int32"}
    assert abs(right(result) - right(model)) <= 0.01
    again, _ = passes.byte_types(result, "int8")
    assert types(again) == {"int8", "int32"}
    for old, new in zip(model.tensors, again.tensors, strict=True):
        assert new.quantization == old.quantization
        assert bytes(new.data) == bytes(old.data)
    # Kernels of int8 came in later versions of the operators.
    assert [op.version for op in again.operators] == [op.version for op in model.operators]


def test_a_scale_for_each_channel_keeps_more_of_an_older_model(shared_models: Path) -> None:
    model = tfq.load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    channels, changes = passes.byte_types(model, "int8", "per_channel")
    assert types(channels) == {"int8", "int32"}
    assert not changes.kept
    assert {op.weights.quantization.symmetric for op in channels.operators if op.weights} == {True}
    tensors, _ = passes.byte_types(model, "int8")
    assert {op.weights.quantization.granularity for op in tensors.operators if op.weights} == {
        "per_tensor"
    }
    assert sqnr(model, channels) > sqnr(model, tensors) + 3
    assert passes.byte_types(channels)[0] is channels


def test_a_concatenation_of_several_scales_converts_them_first(shared_models: Path) -> None:
    model = tfq.load(shared_models / "edgetpu_pairs/split_concat.tflite")
    draft = model.draft()
    first = next(op for op in model.operators if op.name == "CONCATENATION").inputs[0]
    quantization = draft["subgraphs"][0]["tensors"][first.index]["quantization"]
    quantization["scale"] = (first.quantization.scales[0] / 3,)
    quantization["zero_point"] = (100,)
    model = tfq.Model.from_draft(draft)

    result, changes = passes.byte_types(model, "int8")

    for op in result.operators:
        if op.name == "CONCATENATION":
            assert {each.quantization for each in op.inputs} == {op.outputs[0].quantization}
    assert [op.name for op in result.operators].count("QUANTIZE") == 1
    assert any("QUANTIZE of" in each.what for each in changes.changed)
    inputs = samples(model)
    step = result.outputs[0].quantization.scales[0]
    for old, new in zip(outputs(model, inputs), outputs(result, inputs), strict=True):
        assert np.abs(old - new).max() <= step * 1.001


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "micro/micro_speech_quantized",
            "it has more than one scale, and kernels of uint8 take one",
        ),
        ("micro/trained_lstm_int8", "no kernel of it is known to take uint8"),
        ("micro/conv0", "it computes with int16 too"),
        ("litert/blockwise_quantized", "it is quantized in blocks, or its scales are no numbers"),
    ],
)
def test_one_obstacle_leaves_the_whole_model(shared_models: Path, name: str, reason: str) -> None:
    model = tfq.load(shared_models / f"{name}.tflite")
    result, changes = passes.byte_types(model, "uint8")
    assert result is model
    assert not changes.modified
    assert reason in {each.why for each in changes.kept}


def test_wrong_words_are_named() -> None:
    with pytest.raises(tfq.ArgumentError, match="dtype: expected int8 or uint8, got 'int16'"):
        passes.byte_types(None, "int16")  # type: ignore[arg-type]
    with pytest.raises(tfq.ArgumentError, match="granularity: expected per_tensor or per_channel"):
        passes.byte_types(None, "int8", "fine")  # type: ignore[arg-type]

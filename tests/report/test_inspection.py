from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tfq import schemas
from tfq.model import Model, load
from tfq.profiles.validate import violations
from tfq.report.inspection import inspection
from tfq.report.inspection_text import inspection_text
from tfq.report.json_text import to_json

TIMES = "\N{MULTIPLICATION SIGN}"


def checked(model: Model) -> dict[str, Any]:
    """The description of a model, after a look at whether it is what the schema says."""
    content = inspection(model)
    schema = schemas.load("inspect.schema")
    assert list(violations(content, schema)) == []
    jsonschema.Draft202012Validator(schema).validate(content)
    assert json.loads(to_json(content), parse_constant=pytest.fail) == content
    return content


def clean_lines(text: str) -> list[str]:
    lines = text.split("\n")
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    return lines


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.load("inspect.schema"))


def test_every_real_model_is_described_as_the_schema_says(model_path: Path) -> None:
    model = load(model_path)
    content = checked(model)
    for subgraph, described in zip(model.subgraphs, content["subgraphs"], strict=True):
        assert len(subgraph.operators) == len(described["operators"])
        assert [tensor.name for tensor in subgraph.tensors] == [
            tensor["name"] for tensor in described["tensors"]
        ]


def test_every_real_model_is_described_in_clean_lines(model_path: Path) -> None:
    model = load(model_path)
    summary = clean_lines(inspection_text(model))
    full = clean_lines(inspection_text(model, list_operators=True, list_tensors=True))
    assert full[: len(summary)] == summary
    assert max(map(len, full)) < 400


def test_what_people_read(shared_models: Path) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    assert inspection_text(load(path), list_operators=True).splitlines() == [
        f"{path}: 18.4 KiB, 4 ops, 10 tensors",
        "  integers      4 of 4 ops in integers (100 %)",
        "  MACs          336,000",
        "  parameters    16,652; constants take 16.3 KiB",
        "  activations   peak of 5.8 KiB at op 1 DEPTHWISE_CONV_2D",
        "  description   TOCO Converted.",
        "  runtime       1.5.0 or newer",
        "  metadata      min_runtime_version (5 bytes)",
        "",
        "inputs and outputs",
        "          name            type  shape   quantization                       tensor",
        "  input   Reshape_1       int8  1x1960  scale 0.1017157, zero point -128        3",
        "  output  labels_softmax  int8  1x4     scale 0.00390625, zero point -128       9",
        "",
        "ops by kind",
        "  count  op                 compute     MACs  parameters",
        "      1  DEPTHWISE_CONV_2D  integer  320,000         648",
        "      1  FULLY_CONNECTED    integer   16,000      16,004",
        "      1  RESHAPE            integer",
        "      1  SOFTMAX            integer",
        "",
        "tensors by kind",
        "  count  kind        type   granularity  symmetric  power of two",
        "      1  weights     int8   per_channel          1             0",
        "      1  weights     int8   per_tensor           1             0",
        "      1  bias        int32  per_channel          1             0",
        "      1  bias        int32  per_tensor           1             0",
        "      1  constant    int32",
        "      5  activation  int8   per_tensor           0             1",
        "",
        "ops",
        "  index  op                 compute     MACs  parameters  output  shape      weights",
        "      0  RESHAPE            integer                       int8    1x49x40x1",
        "      1  DEPTHWISE_CONV_2D  integer  320,000         648  int8    1x25x20x8  "
        f"int8 per_channel {TIMES}8",
        "      2  FULLY_CONNECTED    integer   16,000      16,004  int8    1x4        "
        "int8 per_tensor",
        "      3  SOFTMAX            integer                       int8    1x4",
    ]


def test_inputs_and_outputs_have_the_names_of_the_signature(shared_models: Path) -> None:
    text = inspection_text(load(shared_models / "micro/dtln_noise_suppression.tflite"))
    assert "  input   input_7        int8" in text
    assert "serving_default_input_7:0" not in text


def test_every_signature_has_its_own_inputs_and_outputs(shared_models: Path) -> None:
    lines = inspection_text(load(shared_models / "litert/multi_signature_model.tflite"))
    for title in ("add", "mul", "sub"):
        assert f"\ninputs and outputs of {title}\n" in lines
    assert "\nsubgraphs\n  index  name  ops" in lines


def test_floats_between_integers_are_named(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def unquantize(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[2]
        assert tensor.name == b"Relu"
        tensor.type, tensor.quantization = 0, None

    path = shared_models / "micro/micro_speech_quantized.tflite"
    model = load(edited(path, unquantize))
    island = "\nfloats: 2 ops in 1 island\n  2 ops: from 1 DEPTHWISE_CONV_2D to 2 FULLY_CONNECTED"
    assert island in inspection_text(model)
    (found,) = checked(model)["summary"]["islands"]
    assert found == {"subgraph": 0, "operators": [1, 2], "entries": [2], "exits": [2]}
    assert "floats:" not in inspection_text(load(path))


def test_what_programs_read(shared_models: Path) -> None:
    content = inspection(load(shared_models / "micro/micro_speech_quantized.tflite"))
    assert content["min_runtime_version"] == "1.5.0"
    assert content["metadata"] == [{"name": "min_runtime_version", "size": 5}]
    summary = content["summary"]
    assert summary["integer_share"] == 1.0
    assert summary["macs"] == 336_000
    assert summary["parameters"] == 640 + 8 + 16_000 + 4
    assert summary["peak_activations"] == {"bytes": 5960, "subgraph": 0, "operator": 1}
    assert summary["islands"] == []
    (subgraph,) = content["subgraphs"]
    operator = subgraph["operators"][1]
    weights = subgraph["tensors"][operator["weights"]]
    assert (operator["name"], operator["compute"]) == ("DEPTHWISE_CONV_2D", "integer")
    assert operator["options"]["padding"] == "SAME"
    assert operator["options"]["depth_multiplier"] == 8
    assert (weights["kind"], weights["bytes"]) == ("weights", 640)
    assert weights["consumers"] == [1]
    assert weights["quantization"]["granularity"] == "per_channel"
    assert weights["quantization"]["symmetric"] is True
    assert len(weights["quantization"]["scales"]) == 8


def test_custom_options_are_json(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/split_concat_edgetpu.tflite")
    (operator,) = inspection(model)["subgraphs"][0]["operators"]
    kinds = {type(value) for value in operator["options"].values()}
    assert kinds == {int, dict}
    (blob,) = (value for value in operator["options"].values() if isinstance(value, dict))
    assert len(blob["base64"]) > 50_000


def test_custom_options_that_are_no_flexbuffers_are_bytes(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def spoil(model: Any) -> None:
        model.subgraphs[0].operators[0].customOptions = list(b"plain")

    path = shared_models / "edgetpu_pairs/split_concat_edgetpu.tflite"
    (operator,) = checked(load(edited(path, spoil)))["subgraphs"][0]["operators"]
    assert operator["options"] == {}
    assert operator["custom_options"] == {"base64": "cGxhaW4="}


def test_scales_that_are_no_numbers_are_still_json(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def spoil(model: Any) -> None:
        model.subgraphs[0].tensors[0].quantization.scale = [math.nan]
        model.subgraphs[0].tensors[1].quantization.scale = [math.inf, -math.inf]

    content = checked(load(edited(shared_models / "micro/add0.tflite", spoil)))
    tensors = content["subgraphs"][0]["tensors"]
    assert tensors[0]["quantization"]["scales"] == ["NaN"]
    assert tensors[1]["quantization"]["scales"] == ["Infinity", "-Infinity"]


def test_a_model_without_ops(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def empty(model: Any) -> None:
        model.subgraphs[0].operators = []

    model = load(edited(shared_models / "micro/add0.tflite", empty))
    assert "  integers      0 of 0 ops in integers\n" in inspection_text(model)
    content = checked(model)
    assert content["summary"]["histogram"] == []
    assert content["summary"]["peak_activations"]["operator"] is None


def test_shapes_of_any_size_and_rank(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def grow(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.shape = [2**31 - 1] * 600
            tensor.shapeSignature = [1, 2, 3, -1, 5, 6, 7, 8]

    model = load(edited(shared_models / "micro/conv0.tflite", grow))
    lines = clean_lines(inspection_text(model, list_operators=True, list_tensors=True))
    assert any("  1x2x3x?x5x6x7x8" in line for line in lines)
    assert checked(model)["summary"]["macs"] < 2**63


def test_names_may_be_absent_repeated_huge_and_hostile(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def rename(model: Any) -> None:
        model.description = "fine\x1b[2J\n" * 100_000
        model.subgraphs[0].name = "\x1b]0;title\x07"
        names = [None, "same", "same", "a\r\n\x1b[31m\u202e" * 1_000_000]
        for tensor, name in zip(model.subgraphs[0].tensors, names, strict=False):
            tensor.name = name

    model = load(edited(shared_models / "micro/conv0.tflite", rename))
    lines = clean_lines(inspection_text(model, list_operators=True, list_tensors=True))
    assert max(map(len, lines)) < 300


def test_a_tensor_may_have_a_scale_for_each_of_many_channels(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    count = 100_000

    def quantize(model: Any) -> None:
        quantization = model.subgraphs[0].tensors[0].quantization
        quantization.scale, quantization.zeroPoint = [0.5] * count, [0] * count

    model = load(edited(shared_models / "micro/conv0.tflite", quantize))
    lines = clean_lines(inspection_text(model, list_operators=True, list_tensors=True))
    assert any(f"per_channel {TIMES}{count}" in line for line in lines)
    assert len(lines) < 60
    assert len(inspection(model)["subgraphs"][0]["tensors"][0]["quantization"]["scales"]) == count

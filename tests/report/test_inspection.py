from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfq import schemas
from tfq.model import load
from tfq.profiles.validate import violations
from tfq.report.inspection import inspection, to_json
from tfq.report.inspection_text import inspection_text


def test_every_real_model_is_described_as_the_schema_says(model_path: Path) -> None:
    content = inspection(load(model_path))
    assert list(violations(content, schemas.load("inspect.schema"))) == []
    assert json.loads(to_json(content)) == content


def test_every_real_model_is_described_in_clean_lines(model_path: Path) -> None:
    text = inspection_text(load(model_path))
    assert all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))


def test_what_people_read(shared_models: Path) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    assert inspection_text(load(path)).splitlines() == [
        f"{path}: 18.4 KiB, 4 ops, 10 tensors",
        "4 of 4 ops in integers (100 %), 336,000 MACs",
        "description: TOCO Converted.",
        "",
        "ops by kind",
        "  count  op                 compute     MACs",
        "      1  DEPTHWISE_CONV_2D  integer  320,000",
        "      1  FULLY_CONNECTED    integer   16,000",
        "      1  RESHAPE            integer        0",
        "      1  SOFTMAX            integer        0",
        "",
        "inputs",
        "  name       type  shape   quantization",
        "  Reshape_1  int8  1x1960  scale 0.1017157, zero point -128",
        "",
        "outputs",
        "  name            type  shape  quantization",
        "  labels_softmax  int8  1x4    scale 0.00390625, zero point -128",
        "",
        "ops",
        "  index  op                 compute     MACs  output     weights",
        "      0  RESHAPE            integer           1x49x40x1",
        "      1  DEPTHWISE_CONV_2D  integer  320,000  1x25x20x8  "
        "int8 per_channel \N{MULTIPLICATION SIGN}8",
        "      2  FULLY_CONNECTED    integer   16,000  1x4        int8 per_tensor",
        "      3  SOFTMAX            integer           1x4",
    ]


def test_what_programs_read(shared_models: Path) -> None:
    content = inspection(load(shared_models / "micro/micro_speech_quantized.tflite"))
    assert content["summary"]["integer_share"] == 1.0
    assert content["summary"]["macs"] == 336_000
    (subgraph,) = content["subgraphs"]
    operator = subgraph["operators"][1]
    weights = subgraph["tensors"][operator["weights"]]
    assert (operator["name"], operator["compute"]) == ("DEPTHWISE_CONV_2D", "integer")
    assert weights["quantization"]["granularity"] == "per_channel"
    assert len(weights["quantization"]["scales"]) == 8


def test_scales_that_are_no_numbers_are_still_json(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def spoil(model: Any) -> None:
        model.subgraphs[0].tensors[0].quantization.scale = [math.nan]
        model.subgraphs[0].tensors[1].quantization.scale = [math.inf, -math.inf]

    content = inspection(load(edited(shared_models / "micro/add0.tflite", spoil)))
    text = to_json(content)
    tensors = json.loads(text, parse_constant=pytest.fail)["subgraphs"][0]["tensors"]
    assert tensors[0]["quantization"]["scales"] == ["NaN"]
    assert tensors[1]["quantization"]["scales"] == ["Infinity", "-Infinity"]
    assert list(violations(content, schemas.load("inspect.schema"))) == []


def test_a_model_without_ops(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def empty(model: Any) -> None:
        model.subgraphs[0].operators = []

    model = load(edited(shared_models / "micro/add0.tflite", empty))
    assert "0 of 0 ops in integers, 0 MACs" in inspection_text(model)
    assert inspection(model)["summary"]["histogram"] == []


def test_hostile_names_reach_no_terminal(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def rename(model: Any) -> None:
        model.description = "fine\x1b[2J\n"
        model.subgraphs[0].name = "\x1b]0;title\x07"
        for tensor in model.subgraphs[0].tensors:
            tensor.name = "a\r\n\x1b[31m\u202e"

    text = inspection_text(load(edited(shared_models / "micro/add0.tflite", rename)))
    assert all(line.isprintable() for line in text.split("\n"))


def test_json_has_a_line_for_each_item_of_the_outer_levels() -> None:
    value = {"a": [{"b": [1, 2]}, {"b": []}], "c": {}, "d": 1}
    assert to_json(value).splitlines() == [
        "{",
        '  "a": [',
        "    {",
        '      "b": [1, 2]',
        "    },",
        "    {",
        '      "b": []',
        "    }",
        "  ],",
        '  "c": {},',
        '  "d": 1',
        "}",
    ]

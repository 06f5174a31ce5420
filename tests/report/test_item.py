from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tfq import schemas
from tfq.model import Operator, Tensor, load
from tfq.report.item import item_data
from tfq.report.item_text import items_text
from tfq.report.json_text import to_json

TIMES = "\N{MULTIPLICATION SIGN}"


def checked(item: Operator | Tensor) -> dict[str, Any]:
    """The description of one thing, after a look at whether it is what the schema says."""
    definitions = schemas.load("inspect.schema")["$defs"]
    content = item_data(item)
    jsonschema.Draft202012Validator({**definitions["shown"], "$defs": definitions}).validate(
        content
    )
    assert json.loads(to_json(content), parse_constant=pytest.fail) == content
    return content


def lines(item: Operator | Tensor) -> list[str]:
    found = items_text([item]).split("\n")
    assert all(line.isprintable() and line == line.rstrip() for line in found)
    return found


def test_everything_in_every_real_model_can_be_shown(model_path: Path) -> None:
    for subgraph in load(model_path).subgraphs:
        for item in (*subgraph.operators, *subgraph.tensors):
            checked(item)
            assert lines(item)


def test_an_operator_in_full(shared_models: Path) -> None:
    operator = load(shared_models / "micro/micro_speech_quantized.tflite").operators[1]
    found = lines(operator)
    assert found[:20] == [
        "operator 1: DEPTHWISE_CONV_2D, version 3",
        "  compute       integer",
        "  MACs          320,000",
        "  parameters    648",
        "  options",
        "    padding                    SAME",
        "    stride_w                   2",
        "    stride_h                   2",
        "    depth_multiplier           8",
        "    fused_activation_function  RELU",
        "    dilation_w_factor          1",
        "    dilation_h_factor          1",
        "  inputs",
        "       tensor  name                type   shape      "
        "quantization                      from",
        "    0       4  Reshape_2           int8   1x49x40x1  "
        "scale 0.1017157, zero point -128  0 RESHAPE",
        f"    1       8  first_weights/read  int8   1x10x8x8   "
        f"per_channel {TIMES}8                    weights",
        f"    2       0  Conv2D_bias         int32  8          "
        f"per_channel {TIMES}8                    bias",
        "  outputs",
        "       tensor  name  type  shape      quantization                       to",
        "    0       2  Relu  int8  1x25x20x8  "
        "scale 0.08418699, zero point -128  2 FULLY_CONNECTED",
    ]
    assert "tensor 8: first_weights/read" in found
    assert "tensor 0: Conv2D_bias" in found


def test_a_tensor_in_full(shared_models: Path) -> None:
    tensor = load(shared_models / "micro/micro_speech_quantized.tflite").tensors[8]
    found = lines(tensor)
    assert found[:14] == [
        "tensor 8: first_weights/read",
        "  type          int8",
        "  shape         1x10x8x8",
        "  kind          weights",
        "  data          640 bytes in buffer 8",
        "  read by       1 DEPTHWISE_CONV_2D",
        f"  quantization  per_channel {TIMES}8, axis 3, symmetric",
        "  scales",
        "    0  0.000622243679  0.000142699544  0.000753062021  "
        "0.000436574483  0.000563970127  0.000483891927",
        "    6  0.000807778619  0.000661146012",
        "  zero points   all 8: 0",
        "  values        640, 0.938 % are 0",
        "  range         -127 to 127, mean -6.312",
        "      -127  17  #########",
    ]
    assert len(found) == 13 + 16


def test_the_histogram_counts_every_value(model_path: Path) -> None:
    for subgraph in load(model_path).subgraphs:
        for tensor in subgraph.tensors:
            values = checked(tensor)["values"]
            if not tensor.is_constant or tensor.dtype == "string":
                continue
            array = tensor.numpy()
            assert values["count"] == array.size
            if array.size:
                assert (values["min"], values["max"]) == (array.min(), array.max())
                assert sum(values["histogram"]["counts"]) == array.size
                edges = values["histogram"]["edges"]
                assert edges == sorted(edges)


@pytest.mark.parametrize(
    "values",
    [
        [np.nan, 1.0, -1.0, np.inf],
        [np.nan] * 4,
        [-3.4e38, 3.4e38, 0.0, 1.0],
        [1e-45, 2e-45, 0.0, 1e-45],
        [1.0, np.nextafter(np.float32(1), np.float32(2)), 1.0, 1.0],
        [2.5] * 20,
        list(range(40)),
    ],
)
def test_all_floats_can_be_shown(
    shared_models: Path, edited: Callable[..., bytes], values: list[float]
) -> None:
    def fill(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.type, tensor.shape, tensor.quantization = 0, [len(values)], None
        model.buffers[tensor.buffer].data = list(np.array(values, np.float32).tobytes())

    tensor = load(edited(shared_models / "micro/conv0.tflite", fill)).tensors[1]
    content = checked(tensor)["values"]
    finite = np.isfinite(values)
    assert content["not_finite"] == np.sum(~finite)
    if finite.any():
        assert sum(content["histogram"]["counts"]) == np.sum(finite)
    assert lines(tensor)


def test_strings_are_shown(shared_models: Path, edited: Callable[..., bytes]) -> None:
    text = b"\2\0\0\0\x10\0\0\0\x12\0\0\0\x15\0\0\0\xc3\xa9\x1b[m"

    def fill(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.type, tensor.shape, tensor.quantization = 5, [2], None
        model.buffers[tensor.buffer].data = list(text)

    tensor = load(edited(shared_models / "micro/conv0.tflite", fill)).tensors[1]
    assert lines(tensor)[-1] == r"  values        é, \x1b[m"
    assert checked(tensor)["values"]["count"] == 2


def test_values_that_cannot_be_read_say_why(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def cut(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.name = "n" * 1_000_000
        model.buffers[tensor.buffer].data = [1, 2, 3]

    tensor = load(edited(shared_models / "micro/conv0.tflite", cut)).tensors[1]
    assert "bytes, got 3" in lines(tensor)[-1]
    assert max(map(len, lines(tensor))) < 300
    assert checked(tensor)["values"] is None


def test_every_scale_is_listed(shared_models: Path, edited: Callable[..., bytes]) -> None:
    count = 100_000

    def quantize(model: Any) -> None:
        quantization = model.subgraphs[0].tensors[0].quantization
        quantization.scale = np.arange(1, count + 1, dtype=np.float32)
        quantization.zeroPoint = [0] * (count - 1) + [7]

    tensor = load(edited(shared_models / "micro/conv0.tflite", quantize)).tensors[0]
    words = " ".join(lines(tensor)).split()
    assert {str(number) for number in range(1, count + 1)} <= set(words)


def test_several_things_of_a_name_get_a_line_each(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    convolutions = [operator for operator in model.operators if operator.name == "CONV_2D"]
    found = items_text(convolutions).splitlines()
    assert len(found) == 1 + len(convolutions)
    assert found[1].startswith("op:0     CONV_2D  uint8 per_tensor  1x64x64x8")


def test_a_custom_operator_shows_its_options(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/split_concat_edgetpu.tflite")
    assert any(line.startswith("    4  57,344 bytes: bc 0f") for line in lines(model.operators[0]))


def test_an_input_that_is_left_out_has_its_place(shared_models: Path) -> None:
    operator = load(shared_models / "micro/trained_lstm_int8.tflite").operators[0]
    assert any(line.split() == ["9", "left", "out"] for line in lines(operator))
    assert any(line.endswith("variable") for line in lines(operator))


def test_large_constants_are_looked_at_in_pieces(
    shared_models: Path, edited: Callable[..., bytes], tmp_path: Path
) -> None:
    size = 1 << 26

    def enlarge(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[8]
        tensor.shape = [size]
        model.buffers[tensor.buffer].data = None
        model.buffers[tensor.buffer].offset = 1 << 20
        model.buffers[tensor.buffer].size = size

    path = tmp_path / "model.tflite"
    path.write_bytes(edited(shared_models / "micro/micro_speech_quantized.tflite", enlarge))
    with path.open("r+b") as file:
        file.seek((1 << 20) + size - 3)
        file.write(bytes([1, 2, 128]))
    tensor = load(path).tensors[8]
    assert tensor.dtype in ("int8", "uint8")
    tracemalloc.start()
    try:
        data = checked(tensor)["values"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    signed = tensor.dtype == "int8"
    assert (data["count"], data["zeros"]) == (size, size - 3)
    assert (data["min"], data["max"]) == ((-128, 2) if signed else (0, 128))
    assert data["mean"] == pytest.approx((-125 if signed else 131) / size)
    assert sum(data["histogram"]["counts"]) == size
    assert peak < 100 << 20

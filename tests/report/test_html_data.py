from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph

import tfq
from tfq import profiles
from tfq.model import Model, load
from tfq.passes.parameters import real_values
from tfq.report.html import numbers
from tfq.report.html.data import model_data, page_data, tidy

pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")

DEVICES = [profiles.load(name) for name in ("artpec8", "tidl-tda4vm")]
SPEECH = "micro/micro_speech_quantized.tflite"


def described(model: Model, comparison: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the page has of a model, after a look at whether it is plain JSON."""
    data = model_data(model, DEVICES, comparison)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    return data


def test_every_real_model_is_described(model_path: Path) -> None:
    model = load(model_path)
    data = described(model)
    tensors = [each for subgraph in model.subgraphs for each in subgraph.tensors]
    operators = [each for subgraph in model.subgraphs for each in subgraph.operators]
    for tensor, shown in zip(tensors, data["tensors"], strict=True):
        histogram = shown.get("histogram")
        assert histogram is None or tensor.is_constant
        if histogram is not None and not tensor.is_sparse:
            values = tensor.numpy().astype("f8")
            assert sum(histogram["counts"]) == np.isfinite(values).sum() <= numbers.MOST_VALUES
            assert len(histogram["counts"]) in (1, 32)
        assert len(shown.get("values", ())) <= 16
    for profile, shown in zip(DEVICES, data["profiles"], strict=True):
        report = tfq.lint(model, profile)
        assert shown["verdict"] == report.verdict
        assert sum(group["count"] for group in shown["groups"]) == len(report.findings)
        assert len(shown["placement"]) == len(operators) == len(data["operators"])


def test_ranges_are_of_real_numbers_channel_by_channel(shared_models: Path) -> None:
    model = load(shared_models / SPEECH)
    operator = model.operators[1]
    weights = operator.weights
    assert operator.name == "DEPTHWISE_CONV_2D" and weights is not None
    values = real_values(weights)
    assert values is not None
    shown = described(model)["tensors"][weights.index]
    ranges = shown["channel_ranges"]
    lows, highs = values.min(axis=(0, 1, 2)), values.max(axis=(0, 1, 2))
    assert ranges["axis"] == 3
    assert ranges["lows"] == pytest.approx(lows.tolist(), rel=1e-5)
    assert ranges["highs"] == pytest.approx(highs.tolist(), rel=1e-5)
    widest = np.maximum(-lows, highs)
    assert ranges["spread"] == pytest.approx(widest.max() / np.median(widest), rel=1e-5)
    assert shown["histogram"]["low"] == pytest.approx(values.min(), rel=1e-5)
    assert shown["histogram"]["high"] == pytest.approx(values.max(), rel=1e-5)
    assert sum(shown["histogram"]["counts"]) == values.size


def test_only_weights_have_channel_ranges(shared_models: Path) -> None:
    model = load(shared_models / SPEECH)
    shown = described(model)["tensors"]
    weights = {each.weights.index for each in model.operators if each.weights is not None}
    assert {place for place, each in enumerate(shown) if "channel_ranges" in each} == weights


def test_float16_weights_have_ranges_where_the_file_stores_them(faces: dict[str, Path]) -> None:
    for path in faces.values():
        shown = [each for each in described(load(path))["tensors"] if "channel_ranges" in each]
        assert shown
        assert {each["dtype"] for each in shown} <= {"float16", "float32"}


def test_of_large_constants_some_values_are_looked_at(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 700)
    weights = np.ones((3000, 700), "f4") * np.arange(3000)[:, None]
    made = net.op("FULLY_CONNECTED", [data, net.constant(weights)], 1, 3000)
    shown = described(net.made(made))["tensors"][1]
    assert numbers.MOST_VALUES / 4 < sum(shown["histogram"]["counts"]) <= numbers.MOST_VALUES
    ranges = shown["channel_ranges"]
    assert 128 < len(ranges["highs"]) <= numbers.MOST_CHANNELS
    assert ranges["highs"] == ranges["lows"] == sorted(ranges["highs"])
    assert ranges["highs"] == [*range(0, 3000, ranges["step"])]
    assert ranges["spread"] == pytest.approx(2999 / 1499.5, rel=1e-5)


def test_scales_stay_with_their_channels_where_values_are_left_out(
    bindings: ModuleType, monkeypatch: pytest.MonkeyPatch, shared_models: Path
) -> None:
    monkeypatch.setattr(numbers, "MOST_VALUES", 20)
    model = load(shared_models / SPEECH)
    weights = model.operators[1].weights
    assert weights is not None
    values = real_values(weights)
    assert values is not None
    shown = described(model)["tensors"][weights.index]
    assert sum(shown["histogram"]["counts"]) <= 20
    pairs = zip(shown["channel_ranges"]["lows"], shown["channel_ranges"]["highs"], strict=True)
    for channel, (low, high) in enumerate(pairs):
        of_channel = values[..., channel]
        assert of_channel.min() * 1.001 <= low <= high <= of_channel.max() * 1.001


def test_constants_that_cannot_be_read_have_no_numbers(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def cut(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data) > 100:
                model.buffers[tensor.buffer].data = data[:50]

    model = load(edited(shared_models / SPEECH, cut))
    shown = described(model)["tensors"]
    for weights in (model.operators[1].weights, model.operators[2].weights):
        assert weights is not None
        assert not {"histogram", "values", "channel_ranges"} & {*shown[weights.index]}


def test_numbers_that_are_not_finite_are_left_out(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 2)
    weights = np.array([[np.nan, 1], [np.inf, 2], [3, -np.inf], [4, 5]] + [[6, 7]] * 8, "f4")
    hollow = np.array([[np.nan, np.inf], [1, 2]], "f4")
    huge = np.array([[-3e38, 3e38]] * 10, "f4")
    made = [
        net.op("FULLY_CONNECTED", [data, net.constant(each)], 1, len(each))
        for each in (weights, hollow, huge)
    ]
    shown = [each for each in described(net.made(*made))["tensors"] if each["kind"] == "weights"]
    assert sum(shown[0]["histogram"]["counts"]) == 5 + 16
    assert shown[0]["channel_ranges"]["highs"] == [1, 2, 3, 5] + [7] * 8
    assert shown[1]["values"] == [None, None, 1, 2] and "channel_ranges" not in shown[1]
    assert shown[2]["histogram"]["low"] == pytest.approx(-3e38)


def test_few_values_are_listed_and_one_value_is_one_bin(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 2)
    made = net.op("ADD", [data, net.constant([[2.5, -1]])])
    constants = [net.constant(np.zeros((0, 2))), net.constant(np.full(17, 2.5))]
    shown = described(net.made(made, *constants))["tensors"]
    assert shown[1]["values"] == [2.5, -1]
    assert not {"values", "histogram"} & {*shown[3]}
    assert shown[4]["histogram"] == {"low": 2.5, "high": 2.5, "counts": [17]}


def test_errors_by_layer_stand_at_their_operators(shared_models: Path) -> None:
    layer = {"operator": 2, "sqnr": 31.25, "isolated": None}
    layers = [{"operator": 1, "sqnr": 20, "isolated": 35}, layer, layer | {"sqnr": 40}]
    comparison = {"layers": {"layers": layers}, "reference": "r", "outputs": []}
    shown = described(load(shared_models / SPEECH), comparison)["operators"]
    assert [(each.get("error"), each.get("isolated")) for each in shown] == [
        (None, None),
        (20, 35),
        (31.25, None),
        (None, None),
    ]
    assert [each.get("bytes") for each in shown] == [None, 640 + 4 * 8, 16_000 + 4 * 4, None]


def test_subgraphs_follow_each_other_in_one_list(shared_models: Path) -> None:
    model = load(shared_models / "litert/l2_norm_composite.tflite")
    data = described(model)
    first, second = data["subgraphs"]
    assert (first["name"], first["operators"]) == ("main", 1)
    assert (second["name"], second["operators"]) == ("odml.l2_norm.impl", 5)
    assert data["operators"][0]["calls"] == [1]
    before = first["tensors"]
    for shown, operator in zip(data["operators"][1:], model.subgraphs[1].operators, strict=True):
        assert shown["name"] == operator.name
        assert shown["inputs"] == [before + each.index for each in operator.inputs if each]
        names = [data["tensors"][each]["name"] for each in shown["inputs"] + shown["outputs"]]
        assert names == [each.name for each in (*operator.inputs, *operator.outputs) if each]
    assert second["inputs"] == [before + each.index for each in model.subgraphs[1].inputs]
    found = [each for group in data["profiles"][0]["groups"] for each in group["findings"]]
    assert {operator for _, operator, _ in found} == {None, *range(6)}


def test_a_finding_is_its_text_around_the_name_of_its_tensor(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    data = described(model)
    shown = [each for group in data["profiles"][0]["groups"] for each in group["findings"]]
    messages = []
    for parts, operator, tensor in shown:
        begin = "" if operator is None else f"op {operator} {data['operators'][operator]['name']}: "
        name = "" if tensor is None else repr(data["tensors"][tensor]["name"])
        messages.append(begin + name.join(parts))
    report = tfq.lint(model, DEVICES[0])
    assert sorted(messages) == sorted(each.message for each in report.findings)


def test_very_many_causes_of_a_rule_are_one(bindings: ModuleType) -> None:
    net = Graph(bindings)
    inputs = [net.input(1, 4) for _ in range(60)]
    data = described(net.made(net.op("CONCATENATION", inputs, 1, 240, axis=1)))
    found = [each for each in data["profiles"][0]["groups"] if each["rule"] == "Q102"]
    assert [each["count"] for each in found] == [1] * 20 + [40]
    assert [len(each["findings"]) for each in found] == [1] * 20 + [40]
    assert found[-1]["cause"] == "40 other causes"


def test_findings_of_one_cause_are_together(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    hints = [each for each in described(model)["profiles"][0]["groups"] if each["rule"] == "Q911"]
    causes = {each["cause"]: each["count"] for each in hints}
    assert (
        causes["operator is DEPTHWISE_CONV_2D, expected CONV_2D (regular convolutions are faster)"]
        == 13
    )
    assert all(len(each["findings"]) == each["count"] for each in hints)
    assert "# Q911" in hints[0]["text"]


def test_hostile_names_are_cut_and_made_printable(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    names = [
        b"</script><script>alert(1)</script>",
        b"a" * 1_000_000 + b"end",
        b"\x1b[31m\xe2\x80\xae]]>",
        b"\xed\xa0\x80",
        b"",
    ]

    def rename(model: Any) -> None:
        for tensor, name in zip(model.subgraphs[0].tensors, names, strict=False):
            tensor.name = name

    data = described(load(edited(shared_models / SPEECH, rename)))
    shown = [each.get("name", "") for each in data["tensors"]]
    assert shown[0] == names[0].decode()
    assert len(shown[1]) == 300 and shown[1].endswith("aend") and "…" in shown[1]
    assert shown[2] == r"\x1b[31m\u202e]]>"
    assert all(text.isprintable() for text in shown)
    assert len(json.dumps(data)) < 200_000


def test_custom_options_of_any_length_are_cut(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def change(model: Any) -> None:
        code = model.operatorCodes[model.subgraphs[0].operators[1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"<b>mine</b>"
        model.subgraphs[0].operators[1].builtinOptions = None
        model.subgraphs[0].operators[1].customOptions = np.full(1_000_000, 200, "u1")

    data = described(load(edited(shared_models / SPEECH, change)))
    assert data["operators"][1]["name"] == "<b>mine</b>"
    assert len(json.dumps(data["operators"][1])) < 2_000


def test_options_are_texts_with_names_that_nothing_else_has(
    shared_models: Path, edited: Callable[..., bytes], bindings: ModuleType
) -> None:
    from flatbuffers import flexbuffers

    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Int("$", 0)
        builder.String("__proto__", "x")
        builder.String("f32", "AAAA")

    def change(model: Any) -> None:
        code = model.operatorCodes[model.subgraphs[0].operators[1].opcodeIndex]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"mine"
        model.subgraphs[0].operators[1].builtinOptions = None
        model.subgraphs[0].operators[1].customOptions = np.frombuffer(builder.Finish(), "u1")

    data = described(load(edited(shared_models / SPEECH, change)))
    options = data["operators"][1]["options"]
    assert options == [["$", "0"], ["__proto__", "x"], ["f32", "AAAA"]]
    assert not {"$", "f32"} & {name for each in data["operators"] for name in each}


def test_ten_thousand_tensors_are_described(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def multiply(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        tensors += [tensors[each % 10] for each in range(10_000)]

    data = described(load(edited(shared_models / SPEECH, multiply)))
    assert len(data["tensors"]) == 10_010


def test_numbers_have_seven_digits_and_no_infinity() -> None:
    assert tidy([1.23456789, 3.0, 1e300, float("nan"), float("inf"), -0.0, 12, True]) == [
        1.234568,
        3,
        1e300,
        None,
        None,
        0,
        12,
        True,
    ]


def test_the_page_has_its_models_and_the_sweep(shared_models: Path) -> None:
    model = load(shared_models / SPEECH)
    data = page_data([(model, None), (model, None)], DEVICES, {"rows": [1.5]}, "ours")
    assert set(data) == {"tfq", "title", "models", "sweep"}
    assert len(data["models"]) == 2
    assert data["title"] == "ours" and data["sweep"] == {"rows": [1.5]}

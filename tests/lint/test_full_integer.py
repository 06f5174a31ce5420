from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, Op, T, conv

from tfq.lint import Report, lint
from tfq.model import Model
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]


def found(report: Report) -> list[tuple[str, Any]]:
    """The rules that were broken, each with its operator's or its tensor's name."""
    return [
        (each.rule, each.operator.name if each.operator else each.tensor.name)
        for each in report.findings
    ]


def test_a_model_in_integers_passes(build: Build, device: Device) -> None:
    report = lint(build(conv()), device())
    assert report.ok
    assert report.findings == ()


def test_a_float_model_has_a_finding_for_every_op_and_both_ends(
    shared_models: Path, device: Device
) -> None:
    report = lint(shared_models / "micro/hello_world_float.tflite", device())
    assert found(report) == [
        ("Q101", "FULLY_CONNECTED"),
        ("Q101", "FULLY_CONNECTED"),
        ("Q101", "FULLY_CONNECTED"),
        ("Q102", "serving_default_dense_input:0"),
        ("Q103", "StatefulPartitionedCall:0"),
    ]
    assert report.findings[1].message == "op 1 FULLY_CONNECTED: float compute"


def with_float_ends(*, inner: list[Op], tensors: list[T]) -> Graph:
    return Graph(
        [T("x", "float32"), T("xq", scales=1), *tensors, T("yq", scales=1), T("y", "float32")],
        [Op("QUANTIZE", ["x"], ["xq"]), *inner, Op("DEQUANTIZE", ["yq"], ["y"])],
        ["x"],
        ["y"],
    )


def test_the_quantize_at_a_float_input_is_not_a_second_finding(
    build: Build, device: Device
) -> None:
    model = build(with_float_ends(inner=[Op("RELU", ["xq"], ["yq"])], tensors=[]))
    assert found(lint(model, device())) == [("Q102", "x"), ("Q103", "y")]


def test_a_float_island_inside_is_reported_with_its_edges(build: Build, device: Device) -> None:
    island = [
        Op("DEQUANTIZE", ["xq"], ["f"]),
        Op("ERF_LIKE", ["f"], ["g"]),
        Op("QUANTIZE", ["g"], ["yq"]),
    ]
    model = build(with_float_ends(inner=island, tensors=[T("f", "float32"), T("g", "float32")]))
    assert found(lint(model, device()))[:3] == [
        ("Q101", "DEQUANTIZE"),
        ("Q101", "ERF_LIKE"),
        ("Q101", "QUANTIZE"),
    ]


def test_a_uint8_input_may_become_int8(build: Build, device: Device) -> None:
    graph = Graph(
        [T("x", "uint8", 1), T("y", "int8", 1)], [Op("QUANTIZE", ["x"], ["y"])], ["x"], ["y"]
    )
    assert lint(build(graph), device()).findings == ()


@pytest.mark.parametrize("dtype", ["int32", "int64", "string", "bool"])
def test_inputs_that_are_no_floats_are_fine(build: Build, dtype: str, device: Device) -> None:
    graph = Graph(
        [T("tokens", dtype), T("y", dtype)], [Op("RESHAPE", ["tokens"], ["y"])], ["tokens"], ["y"]
    )
    assert lint(build(graph), device()).findings == ()


def test_a_model_without_ops_is_judged_by_its_ends(build: Build, device: Device) -> None:
    assert lint(build(Graph([T("x", scales=1)], [], ["x"], ["x"])), device()).ok
    report = lint(build(Graph([T("x", "float32")], [], ["x"], ["x"])), device())
    assert found(report) == [("Q102", "x"), ("Q103", "x")]


def test_every_subgraph_is_checked_but_only_what_is_called_has_ends(
    build: Build, device: Device
) -> None:
    body = Graph(
        [T("a", "float32"), T("b", scales=1)], [Op("QUANTIZE", ["a"], ["b"])], ["a"], ["b"]
    )
    inside = lint(build(conv(), body), device())
    assert found(inside) == [("Q101", "QUANTIZE")]
    assert inside.findings[0].message == "subgraph 1 op 0 QUANTIZE: float compute"
    called = lint(build(conv(), body, signatures=(0, 1)), device(), select=["Q1"])
    assert found(called) == [("Q102", "a")]
    assert called.findings[0].message.startswith("subgraph 1 input 'a' is float32")


def test_a_hybrid_op_is_reported_once_with_its_weights(build: Build, device: Device) -> None:
    report = lint(build(conv(activations="float32")), device())
    assert found(report) == [("Q102", "x"), ("Q103", "y"), ("Q104", "CONV_2D")]
    hybrid = report.findings[-1]
    assert hybrid.message == "op 0 CONV_2D: hybrid compute, int8 weights and float activations"
    assert hybrid.tensor is not None
    assert hybrid.tensor.name == "kernel"


@pytest.mark.parametrize(
    "name", ["m_int8.tflite", "INT8.tflite", "m-full_integer.tflite", "uint8_m.tflite"]
)
def test_a_hybrid_model_that_is_named_integer_is_told_so(
    build: Build, name: str, device: Device
) -> None:
    report = lint(build(conv(activations="float32"), name=name), device())
    assert "the file's name says integer" in report.findings[-1].message


@pytest.mark.parametrize("name", ["model.tflite", "point.tflite", "printer.tflite", "int80.tflite"])
def test_other_names_promise_nothing(build: Build, name: str, device: Device) -> None:
    report = lint(build(conv(activations="float32"), name=name), device())
    assert "name says" not in report.findings[-1].message


def unpacked(dtype: str, scales: int, op: str = "DEQUANTIZE") -> Graph:
    """A convolution in float whose kernel is stored in another type."""
    return Graph(
        [
            T("x", "float32"),
            T("stored", dtype, scales, constant=True, shape=(4, 1, 1, 4)),
            T("kernel", "float32"),
            T("y", "float32"),
        ],
        [Op(op, ["stored"], ["kernel"]), Op("CONV_2D", ["x", "kernel", None], ["y"])],
        ["x"],
        ["y"],
    )


def test_float16_weights_are_one_finding_a_layer(build: Build, device: Device) -> None:
    report = lint(build(unpacked("float16", 0)), device())
    assert found(report) == [("Q102", "x"), ("Q103", "y"), ("Q105", "CONV_2D")]
    assert report.findings[-1].message == "op 1 CONV_2D: float16 constants"


def test_weight_only_quantization_is_float_compute(build: Build, device: Device) -> None:
    one_scale = {"granularity": {"required": "per_tensor"}}
    report = lint(build(unpacked("int8", 4)), device(one_scale))
    assert report.findings[0].message == "op 1 CONV_2D: float compute on weights unpacked from int8"
    assert [rule for rule, _ in found(report)] == ["Q101", "Q102", "Q103", "Q201"]


def test_a_circle_of_dequantize_ends(build: Build, device: Device) -> None:
    graph = Graph(
        [T("x", "float32"), T("a", "float32"), T("y", "float32")],
        [Op("DEQUANTIZE", ["a"], ["a"]), Op("ADD", ["x", "a"], ["y"])],
        ["x"],
        ["y"],
    )
    assert [rule for rule, _ in found(lint(build(graph), device()))][:2] == ["Q101", "Q101"]


def test_int16_activations_are_not_taken_by_an_8_bit_device(build: Build, device: Device) -> None:
    report = lint(build(conv(activations="int16")), device())
    assert found(report) == [("Q106", "CONV_2D")]
    message = "op 0 CONV_2D: int16 activations; chip takes int8 or uint8"
    assert report.findings[0].message == message
    assert lint(build(conv(activations="int16")), "cpu").ok


def test_the_int16_state_of_an_lstm_in_int8_is_fine(shared_models: Path) -> None:
    assert lint(shared_models / "edgetpu_pairs/keras_lstm_mnist_ptq.tflite", "artpec7").ok


@pytest.mark.parametrize("compute", ["any", "float"])
def test_a_device_that_asks_for_no_integers_gets_no_finding(
    build: Build, device: Device, compute: str
) -> None:
    profile = device({"compute": compute, "inputs": None, "outputs": None})
    assert lint(build(conv(activations="float32", weights="float32")), profile).findings == ()


def in_the_middle(*names: str, scale: float = 0.25) -> Graph:
    """Operators in float between a DEQUANTIZE and a QUANTIZE, in a model in integers."""
    floats = [T(f"f{at}", "float32") for at in range(len(names) + 1)]
    inner = [Op(name, [f"f{at}"], [f"f{at + 1}"]) for at, name in enumerate(names)]
    return Graph(
        [T("x", scales=1), T("a", scales=1), *floats, T("y", scales=1, scale=scale)],
        [
            Op("ABS", ["x"], ["a"]),
            Op("DEQUANTIZE", ["a"], ["f0"]),
            *inner,
            Op("QUANTIZE", [f"f{len(names)}"], ["y"]),
        ],
        ["x"],
        ["y"],
    )


ISLAND = "float compute, in a float island of {} ops, entered at op 1 DEQUANTIZE; {}"


@pytest.mark.parametrize(
    ("graph", "operators", "cause"),
    [
        (in_the_middle("EXP", "RELU"), {}, "it is there for EXP (op 2), RELU (op 3)"),
        (in_the_middle("EXP", "RELU"), {"ABS": [], "RELU": []}, "chip has no EXP (op 2)"),
        (in_the_middle(), {}, "it only changes the scale: one QUANTIZE from integers to integers"),
        (in_the_middle(scale=0.5), {}, "its QUANTIZE gives back what its DEQUANTIZE took"),
    ],
)
def test_a_float_island_says_where_it_begins_and_why_it_is_there(
    build: Build, device: Device, graph: Graph, operators: dict[str, Any], cause: str
) -> None:
    findings = lint(
        build(graph), device(**({"operators": operators} if operators else {}))
    ).findings
    count = len(graph.operators) - 1
    assert [each.rule for each in findings] == ["Q101"] * count
    # All of one island say the same, so that a report needs one line for them.
    ends = {each.message.partition(": ")[2] for each in findings}
    assert len(ends) == 1
    assert ends.pop().startswith(ISLAND.format(count, cause))

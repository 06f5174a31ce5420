from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, Op, T, conv

from tfq.lint import Report, lint
from tfq.model import Model

Build = Callable[..., Model]


def found(report: Report) -> list[tuple[str, Any]]:
    """The rules that were broken, each with its operator's or its tensor's name."""
    return [
        (each.rule, each.operator.name if each.operator else each.tensor.name)
        for each in report.findings
    ]


def test_a_model_in_integers_passes(build: Build) -> None:
    report = lint(build(conv()), "artpec8")
    assert report.ok
    assert report.findings == ()


def test_a_float_model_has_a_finding_for_every_op_and_both_ends(shared_models: Path) -> None:
    report = lint(shared_models / "micro/hello_world_float.tflite", "artpec8")
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


def test_the_quantize_at_a_float_input_is_not_a_second_finding(build: Build) -> None:
    model = build(with_float_ends(inner=[Op("RELU", ["xq"], ["yq"])], tensors=[]))
    assert found(lint(model, "artpec8")) == [("Q102", "x"), ("Q103", "y")]


def test_a_float_island_inside_is_reported_with_its_edges(build: Build) -> None:
    island = [
        Op("DEQUANTIZE", ["xq"], ["f"]),
        Op("ERF_LIKE", ["f"], ["g"]),
        Op("QUANTIZE", ["g"], ["yq"]),
    ]
    model = build(with_float_ends(inner=island, tensors=[T("f", "float32"), T("g", "float32")]))
    assert found(lint(model, "artpec8"))[:3] == [
        ("Q101", "DEQUANTIZE"),
        ("Q101", "ERF_LIKE"),
        ("Q101", "QUANTIZE"),
    ]


def test_a_uint8_input_may_become_int8(build: Build) -> None:
    graph = Graph(
        [T("x", "uint8", 1), T("y", "int8", 1)], [Op("QUANTIZE", ["x"], ["y"])], ["x"], ["y"]
    )
    assert lint(build(graph), "artpec8").findings == ()


@pytest.mark.parametrize("dtype", ["int32", "int64", "string", "bool"])
def test_inputs_that_are_no_floats_are_fine(build: Build, dtype: str) -> None:
    graph = Graph(
        [T("tokens", dtype), T("y", dtype)], [Op("RESHAPE", ["tokens"], ["y"])], ["tokens"], ["y"]
    )
    assert lint(build(graph), "artpec8").findings == ()


def test_a_model_without_ops_is_judged_by_its_ends(build: Build) -> None:
    assert lint(build(Graph([T("x", scales=1)], [], ["x"], ["x"])), "artpec8").ok
    report = lint(build(Graph([T("x", "float32")], [], ["x"], ["x"])), "artpec8")
    assert found(report) == [("Q102", "x"), ("Q103", "x")]


def test_every_subgraph_is_checked_but_only_what_is_called_has_ends(build: Build) -> None:
    body = Graph(
        [T("a", "float32"), T("b", scales=1)], [Op("QUANTIZE", ["a"], ["b"])], ["a"], ["b"]
    )
    inside = lint(build(conv(), body), "artpec8")
    assert found(inside) == [("Q101", "QUANTIZE")]
    assert inside.findings[0].message == "subgraph 1 op 0 QUANTIZE: float compute"
    called = lint(build(conv(), body, signatures=(0, 1)), "artpec8")
    assert found(called) == [("Q102", "a")]
    assert called.findings[0].message.startswith("subgraph 1 input 'a' is float32")


def test_a_hybrid_op_is_reported_once_with_its_weights(build: Build) -> None:
    report = lint(build(conv(activations="float32")), "artpec8")
    assert found(report) == [("Q102", "x"), ("Q103", "y"), ("Q104", "CONV_2D")]
    hybrid = report.findings[-1]
    assert hybrid.message == "op 0 CONV_2D: hybrid compute, int8 weights and float activations"
    assert hybrid.tensor is not None
    assert hybrid.tensor.name == "kernel"


@pytest.mark.parametrize(
    "name", ["m_int8.tflite", "INT8.tflite", "m-full_integer.tflite", "uint8_m.tflite"]
)
def test_a_hybrid_model_that_is_named_integer_is_told_so(build: Build, name: str) -> None:
    report = lint(build(conv(activations="float32"), name=name), "artpec8")
    assert "the file's name says integer" in report.findings[-1].message


@pytest.mark.parametrize("name", ["model.tflite", "point.tflite", "printer.tflite", "int80.tflite"])
def test_other_names_promise_nothing(build: Build, name: str) -> None:
    report = lint(build(conv(activations="float32"), name=name), "artpec8")
    assert "name says" not in report.findings[-1].message


def unpacked(dtype: str, scales: int, op: str = "DEQUANTIZE") -> Graph:
    """A convolution in float whose kernel is stored in another type."""
    return Graph(
        [
            T("x", "float32"),
            T("stored", dtype, scales, constant=True),
            T("kernel", "float32"),
            T("y", "float32"),
        ],
        [Op(op, ["stored"], ["kernel"]), Op("CONV_2D", ["x", "kernel", None], ["y"])],
        ["x"],
        ["y"],
    )


def test_float16_weights_are_one_finding_a_layer(build: Build) -> None:
    report = lint(build(unpacked("float16", 0)), "artpec8")
    assert found(report) == [("Q102", "x"), ("Q103", "y"), ("Q105", "CONV_2D")]
    assert report.findings[-1].message == "op 1 CONV_2D: float16 constants"


def test_weight_only_quantization_is_float_compute(build: Build) -> None:
    report = lint(build(unpacked("int8", 4)), "artpec8")
    assert report.findings[0].message == "op 1 CONV_2D: float compute on weights unpacked from int8"
    assert [rule for rule, _ in found(report)] == ["Q101", "Q102", "Q103", "Q201"]


def test_a_circle_of_dequantize_ends(build: Build) -> None:
    graph = Graph(
        [T("x", "float32"), T("a", "float32"), T("y", "float32")],
        [Op("DEQUANTIZE", ["a"], ["a"]), Op("ADD", ["x", "a"], ["y"])],
        ["x"],
        ["y"],
    )
    assert [rule for rule, _ in found(lint(build(graph), "artpec8"))][:2] == ["Q101", "Q101"]


def test_int16_activations_are_not_taken_by_an_8_bit_device(build: Build) -> None:
    report = lint(build(conv(activations="int16")), "artpec8")
    assert found(report) == [("Q106", "CONV_2D")]
    message = "op 0 CONV_2D: int16 activations; artpec8 takes int8 or uint8"
    assert report.findings[0].message == message
    assert lint(build(conv(activations="int16")), "cpu").ok


def test_the_int16_state_of_an_lstm_in_int8_is_fine(shared_models: Path) -> None:
    assert lint(shared_models / "edgetpu_pairs/keras_lstm_mnist_ptq.tflite", "artpec7").ok


@pytest.mark.parametrize("profile", ["cpu", "cv25"])
def test_a_device_that_asks_for_no_integers_gets_no_finding(build: Build, profile: str) -> None:
    assert lint(build(conv(activations="float32", weights="float32")), profile).findings == ()

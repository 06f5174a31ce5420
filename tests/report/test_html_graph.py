from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from layer_graphs import Graph

from tfq.model import Model, load
from tfq.report.html.graph import graph


def check(model: Model) -> dict[str, Any]:
    """The graph of a model, after a look at whether every edge begins and ends at its nodes."""
    drawn = graph(model.subgraphs[0])
    nodes = {node["id"]: node for node in drawn["nodes"]}
    assert len(nodes) == len(drawn["nodes"])
    boxes = sorted((node["y"], node["x"]) for node in nodes.values())
    for (y, x), (other_y, other_x) in itertools.pairwise(boxes):
        assert other_x > x + 168 if y == other_y else other_y > y + 44
    for node in nodes.values():
        assert (node["width"], node["height"]) == (168, 44)
        assert len(node["label"]) <= 22 and len(node["detail"]) <= 28
        assert (node["operator"] is None) == (node["kind"] != "op")
    for edge in drawn["edges"]:
        first, *_, last = edge["points"]
        start, end = nodes[edge["from"]], nodes[edge["to"]]
        assert first[1] == start["y"] + start["height"] and last[1] == end["y"]
        assert start["x"] < first[0] < start["x"] + start["width"]
        assert end["x"] < last[0] < end["x"] + end["width"]
        assert not model.tensors[edge["tensor"]].is_constant
    return drawn


def test_every_real_model_can_be_drawn(model_path: Path) -> None:
    model = load(model_path)
    drawn = check(model)
    assert [each["operator"] for each in drawn["nodes"] if each["kind"] == "op"] == [
        operator.index for operator in model.operators
    ]
    read = sum(
        len({each.index for each in operator.inputs if each is not None and each.producer})
        for operator in model.operators
    )
    assert len(drawn["edges"]) >= read


def test_face_models_can_be_drawn(faces: dict[str, Path]) -> None:
    for path in faces.values():
        drawn = check(load(path))
        assert any(node["detail"].startswith("3×3 → 1×") for node in drawn["nodes"])


def test_one_tensor_may_feed_many_and_two_may_go_the_same_way(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 4)
    axis = net.constant(1, "i4")
    first, second = net.ops("SPLIT", [axis, data], [(1, 2), (1, 2)], numSplits=2)
    joined = net.op("CONCATENATION", [first, second], 1, 4, axis=1)
    doubled = net.op("ADD", [joined, joined])
    left = net.op("MUL", [joined, data])
    model = net.made(doubled, left, joined)
    drawn = check(model)
    edges = [(edge["from"], edge["to"], edge["tensor"]) for edge in drawn["edges"]]
    assert sorted(edges) == sorted(
        [
            ("input0", "op0", data),
            ("input0", "op3", data),
            ("op0", "op1", first),
            ("op0", "op1", second),
            ("op1", "op2", joined),
            ("op1", "op3", joined),
            ("op2", "output0", doubled),
            ("op3", "output1", left),
            ("op1", "output2", joined),
        ]
    )
    parallel = [edge["points"] for edge in drawn["edges"] if edge["to"] == "op1"]
    assert parallel[0] != parallel[1]


def test_a_model_without_operators_has_its_ends(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 4)
    drawn = check(net.made(data, data))
    assert [node["id"] for node in drawn["nodes"]] == ["input0", "output0", "output1"]
    assert [(edge["from"], edge["to"]) for edge in drawn["edges"]] == [
        ("input0", "output0"),
        ("input0", "output1"),
    ]


def test_a_model_with_nothing_at_all_is_an_empty_page(bindings: ModuleType) -> None:
    drawn = check(Graph(bindings).made())
    assert drawn["nodes"] == drawn["edges"] == []


def test_an_operator_that_reads_what_it_writes_gets_a_loop(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def tangle(model: Any) -> None:
        operators = model.subgraphs[0].operators
        operators[1].inputs = [operators[1].outputs[0], *operators[1].inputs[1:]]
        operators[0].inputs = [operators[2].outputs[0], *operators[0].inputs[1:]]

    path = shared_models / "micro/micro_speech_quantized.tflite"
    drawn = check(load(edited(path, tangle)))
    edges = {(edge["from"], edge["to"]): edge["points"] for edge in drawn["edges"]}
    assert len(edges["op1", "op1"]) == 4
    assert ("op2", "op0") in edges


def test_long_names_keep_their_ends(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def rename(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].name = b"first" + b"x" * 1_000_000 + b"last"

    path = shared_models / "micro/micro_speech_quantized.tflite"
    node = check(load(edited(path, rename)))["nodes"][0]
    assert node["label"].startswith("first") and node["label"].endswith("last")


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128_quant_edgetpu", "split_concat_edgetpu"])
def test_a_compiled_model_is_one_custom_operator(shared_models: Path, name: str) -> None:
    drawn = check(load(shared_models / f"edgetpu_pairs/{name}.tflite"))
    assert "edgetpu-custom-op" in {node["label"] for node in drawn["nodes"]}

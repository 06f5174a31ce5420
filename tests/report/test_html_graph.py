from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from layer_graphs import Graph

from tfq.model import Model, load
from tfq.report.html.graph import graph
from tfq.report.html.places import Places

pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")


def check(model: Model) -> dict[str, Any]:
    """The graph of a model, after a look at whether every edge begins and ends at its nodes."""
    drawn = graph(model.subgraphs[0], Places.of(model))
    nodes = drawn["nodes"]
    assert drawn["box"] == [168, 44]
    boxes = sorted((node["y"], node["x"]) for node in nodes)
    for (y, x), (other_y, other_x) in itertools.pairwise(boxes):
        assert other_x > x + 168 if y == other_y else other_y > y + 44
    for node in nodes:
        assert len(node["label"]) <= 22 and len(node["detail"]) <= 28
        assert ("operator" in node) == (node["kind"] == "op") == ("tensor" not in node)
    for edge in drawn["edges"]:
        x, y, *_, last_x, last_y = edge["points"]
        start, end = nodes[edge["from"]], nodes[edge["to"]]
        assert y == start["y"] + 44 and last_y == end["y"]
        assert start["x"] < x < start["x"] + 168
        assert end["x"] < last_x < end["x"] + 168
    return drawn


def joined(drawn: dict[str, Any]) -> list[tuple[str, str]]:
    """The names of the nodes that each edge joins: `op3`, and `input` and `output` in order."""
    counts = Counter[str]()
    names = []
    for node in drawn["nodes"]:
        number = node.get("operator", counts[node["kind"]])
        counts[node["kind"]] += 1
        names.append(f"{node['kind']}{number}")
    return [(names[edge["from"]], names[edge["to"]]) for edge in drawn["edges"]]


def test_every_real_model_can_be_drawn(model_path: Path) -> None:
    model = load(model_path)
    drawn = check(model)
    numbers = [each["operator"] for each in drawn["nodes"] if each["kind"] == "op"]
    assert numbers == [*range(len(model.operators))]
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
    both = net.op("CONCATENATION", [first, second], 1, 4, axis=1)
    doubled = net.op("ADD", [both, both])
    left = net.op("MUL", [both, data])
    model = net.made(doubled, left, both)
    drawn = check(model)
    assert sorted(joined(drawn)) == [
        ("input0", "op0"),
        ("input0", "op3"),
        ("op0", "op1"),
        ("op0", "op1"),
        ("op1", "op2"),
        ("op1", "op3"),
        ("op1", "output2"),
        ("op2", "output0"),
        ("op3", "output1"),
    ]
    parallel = [edge["points"] for edge in drawn["edges"] if edge["to"] == 2]
    assert parallel[0] != parallel[1]


def test_a_model_without_operators_has_its_ends(bindings: ModuleType) -> None:
    net = Graph(bindings)
    data = net.input(1, 4)
    drawn = check(net.made(data, data))
    assert [node["kind"] for node in drawn["nodes"]] == ["input", "output", "output"]
    assert joined(drawn) == [("input0", "output0"), ("input0", "output1")]


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
    edges = dict(zip(joined(drawn), drawn["edges"], strict=True))
    assert len(edges["op1", "op1"]["points"]) == 2 * 4
    assert ("op2", "op0") in edges


def test_each_subgraph_is_drawn_by_itself(shared_models: Path) -> None:
    model = load(shared_models / "litert/multi_signature_model.tflite")
    places = Places.of(model)
    for subgraph in model.subgraphs:
        drawn = graph(subgraph, places)
        (operator,) = (node["operator"] for node in drawn["nodes"] if node["kind"] == "op")
        assert operator == subgraph.index
        ends = [node["tensor"] for node in drawn["nodes"] if node["kind"] == "input"]
        assert ends == [places.tensor(each) for each in subgraph.inputs]


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

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from small_graphs import Graph, made

from tfq import ops
from tfq.model import load

# a, b, c … are 1, 10, 100 … bytes: the sums tell which tensors are alive.
SIZES = {"a": 1, "b": 10, "c": 100, "d": 1000, "e": 10_000, "w": 7}


def live(schema: ModuleType, inputs: str, operators: list[str], outputs: str, **types: str) -> Any:
    model = made(schema, Graph(inputs, operators, outputs, SIZES, types))
    return ops.live_activations(model.subgraphs[0])


@pytest.mark.parametrize(
    ("inputs", "operators", "outputs", "expected"),
    [
        # Each operator's inputs and outputs.
        ("a", ["a > ABS > b", "b > ABS > c", "c > ABS > d"], "d", (11, 110, 1100)),
        # Constants never.
        ("a", ["a w! > ADD > b"], "b", (11,)),
        # What a later operator reads stays.
        ("a", ["a > ABS > b", "b > ABS > c", "b c > ADD > d"], "d", (11, 110, 1110)),
        # An input from the start until it was read last, or the start if nothing reads it.
        ("a d", ["a > ABS > b", "b d > ADD > c", "c > ABS > e"], "e", (1011, 1110, 10_100)),
        ("a e", ["a > ABS > b", "b > ABS > c"], "c", (10_011, 110)),
        # Outputs until the end.
        ("a", ["a > ABS > b", "a > ABS > c", "c > ABS > d"], "b d", (11, 111, 1110)),
        # What nothing reads, while it is written.
        ("a", ["a > ABS > b", "a > ABS > c"], "c", (11, 101)),
        # Variables always.
        ("a", ["a > ABS > b", "b e~ > ADD > c", "c > ABS > d"], "d", (10_011, 10_110, 11_100)),
        # An input that is an output too; a tensor that an operator reads twice.
        ("a", ["a a > ADD > b"], "a b", (11,)),
        ("a", [], "a", ()),
    ],
)
def test_what_is_alive_while_each_operator_runs(
    inputs: str, operators: list[str], outputs: str, expected: tuple[int, ...], bindings: ModuleType
) -> None:
    assert live(bindings, inputs, operators, outputs) == expected


def test_the_type_says_how_many_bytes_a_value_takes(bindings: ModuleType) -> None:
    types = {"a": "float32", "b": "int4", "c": "string", "d": "float16"}
    operators = ["a > ABS > b", "b > ABS > c", "c > ABS > d"]

    assert live(bindings, "a", operators, "d", **types) == (4 + 5, 5, 2000)


def test_the_peak_is_the_largest_and_names_the_operator(bindings: ModuleType) -> None:
    operators = ["a > ABS > c", "c > ABS > d", "d > ABS > b"]
    model = made(bindings, Graph("a", operators, "b", SIZES))

    assert ops.peak_activations(model) == (1100, model.operators[1])


def test_a_model_without_operators_has_no_peak(bindings: ModuleType) -> None:
    assert ops.peak_activations(made(bindings, Graph("a", [], "a", SIZES))) == (0, None)


def test_the_largest_called_subgraph_comes_on_top(bindings: ModuleType) -> None:
    model = made(
        bindings,
        Graph("a", ["a > IF 1 2 > b", "b > ABS > c"], "c", SIZES),
        Graph("a", ["a > ABS > b"], "b", SIZES),
        Graph("a", ["a > ABS > b", "b > ABS > d"], "d", SIZES),
    )

    assert ops.peak_activations(model) == (11 + 1010, model.subgraphs[2].operators[1])


def test_subgraphs_that_nobody_calls_do_not_count(bindings: ModuleType) -> None:
    idle = Graph("e", ["e > ABS > d"], "d", SIZES)
    model = made(bindings, Graph("a", ["a > ABS > b"], "b", SIZES), idle)

    assert ops.peak_activations(model).bytes == 11


def test_calls_in_a_circle_count_once(bindings: ModuleType) -> None:
    model = made(
        bindings,
        Graph("a", ["a > WHILE 0 1 > b"], "b", SIZES),
        Graph("a", ["a > WHILE 0 1 > c"], "c", SIZES),
    )

    assert ops.peak_activations(model).bytes == 11 + 101


def test_calls_may_be_nested_deeper_than_python_calls(bindings: ModuleType) -> None:
    depth = 3000
    graphs = [Graph("a", [f"a > IF {n} {n} > b"], "b", SIZES) for n in range(1, depth)]
    model = made(bindings, *graphs, Graph("a", ["a > ABS > b"], "b", SIZES))

    assert ops.peak_activations(model) == (depth * 11, model.subgraphs[-1].operators[0])


def test_each_signature_is_planned_alone(shared_models: Path) -> None:
    model = load(shared_models / "litert/multi_signature_model.tflite")

    assert ops.peak_activations(model).bytes == 3 * 400
    assert [ops.live_activations(subgraph) for subgraph in model.subgraphs] == [(1200,)] * 3


def test_broken_shapes_take_no_memory(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.shape = [2**31 - 1] * 100_000 if tensor.buffer % 2 else [-1, 4]

    model = load(edited(shared_models / "micro/add0.tflite", change))

    assert ops.peak_activations(model).bytes == 0


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # Weights, biases, and the four numbers of the new shape that RESHAPE takes.
        ("micro/micro_speech_quantized.tflite", 8 * 80 + 16000 + 4 * (8 + 4 + 4)),
        ("micro/hello_world_float.tflite", 4 * 321),
        ("micro/add0.tflite", 0),
    ],
)
def test_weights_take_their_bytes_in_the_file(
    model: str, expected: int, shared_models: Path
) -> None:
    assert ops.weight_bytes(load(shared_models / model)) == expected


def test_weights_are_part_of_the_file(model_path: Path) -> None:
    model = load(model_path)
    assert 0 <= ops.weight_bytes(model) < model.size


def test_a_buffer_that_subgraphs_share_counts_once(edited: Any, shared_models: Path) -> None:
    def twice(model: Any) -> None:
        model.subgraphs *= 2

    path = shared_models / "micro/conv0.tflite"

    assert ops.weight_bytes(load(edited(path, twice))) == ops.weight_bytes(load(path)) > 0


def test_weights_in_another_file_take_no_bytes_in_this_one(
    edited: Any, bindings: ModuleType, shared_models: Path
) -> None:
    def move(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
        tensor.buffer, tensor.externalBuffer = 0, 1

    path = shared_models / "micro/conv0.tflite"
    model = load(edited(path, move))

    assert model.operators[0].weights.is_constant
    assert ops.weight_bytes(load(path)) - ops.weight_bytes(model) == 8 * 7 * 7 * 2
    assert ops.total_parameters(model) == ops.total_parameters(load(path))

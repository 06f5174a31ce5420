from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from small_graphs import Graph, made

from tfq import ops
from tfq.model import Model, load

# Tensors whose names begin with f are floats, with h float16.
NAMES = ["f", "f1", "f2", "f3", "f4", "f5"]
TYPES = dict.fromkeys(NAMES, "float32") | {"h": "float16"}


def described(model: Model) -> list[tuple[list[int], str, str]]:
    """Islands as their operators and the names of the tensors where floats enter and leave."""
    return [
        (
            [operator.index for operator in island.operators],
            " ".join(tensor.name for tensor in island.entries),
            " ".join(tensor.name for tensor in island.exits),
        )
        for island in ops.islands(model)
    ]


@pytest.mark.parametrize(
    ("inputs", "operators", "outputs", "expected"),
    [
        ("a", ["a > ABS > b"], "b", []),
        # The model's own inputs and outputs.
        ("f", ["f > QUANTIZE > a", "a > ABS > b", "b > DEQUANTIZE > f1"], "f1", []),
        (
            "a",
            ["a > ABS > b", "b > DEQUANTIZE > f", "f > EXP > f1", "f1 > QUANTIZE > c"],
            "c",
            [([1, 2, 3], "f", "f1")],
        ),
        # Two that no float connects, the second without an operator between its ends.
        (
            "a",
            [
                "a > DEQUANTIZE > f",
                "f > EXP > f1",
                "f1 > QUANTIZE > b",
                "b > DEQUANTIZE > f2",
                "f2 > QUANTIZE > c",
            ],
            "c",
            [([0, 1, 2], "f", "f1"), ([3, 4], "f2", "f2")],
        ),
        # Two branches that meet are one, though they begin apart.
        (
            "a b",
            [
                "a > DEQUANTIZE > f",
                "b > DEQUANTIZE > f1",
                "f > EXP > f2",
                "f2 f1 > ADD > f3",
                "f3 > QUANTIZE > c",
            ],
            "c",
            [([0, 1, 2, 3, 4], "f f1", "f3")],
        ),
        # Two that take turns stay two.
        (
            "a b",
            ["a > DEQUANTIZE > f", "b > DEQUANTIZE > f1", "f > QUANTIZE > c", "f1 > QUANTIZE > d"],
            "c d",
            [([0, 2], "f", "f"), ([1, 3], "f1", "f1")],
        ),
        # A float output is a boundary only if nothing else reads it, so is a float input.
        ("a", ["a > DEQUANTIZE > f", "f > EXP > f1"], "f f1", [([0, 1], "f", "f f1")]),
        ("f", ["f > QUANTIZE > a", "f > EXP > f1"], "a f1", [([0, 1], "f", "f1 f")]),
        ("f", ["f > EXP > f1"], "f1", [([0], "f", "f1")]),
        # Other operators make floats of integers, and integers of floats.
        ("a", ["a > CAST > f", "f > ARG_MAX > b"], "b", [([0, 1], "f", "f")]),
        # Constants are unpacked, that is no island; what computes with them is.
        ("a", ["w! > DEQUANTIZE > f", "a > ABS > b"], "b", []),
        ("f", ["h! > DEQUANTIZE > f1", "f f1 > ADD > f2"], "f2", [([1], "f", "f2")]),
        # Hybrid and float16 operators are floats to the outside.
        ("f", ["f w! > FULLY_CONNECTED > f1"], "f1", [([0], "f", "f1")]),
        ("h", ["h > EXP > f1"], "f1", [([0], "h", "f1")]),
        # Constant floats between integers come from nowhere and go nowhere.
        ("a", ["a f! > ADD > b"], "b", [([0], "", "")]),
    ],
)
def test_islands_are_what_float_activations_connect(
    inputs: str, operators: list[str], outputs: str, expected: Any, bindings: ModuleType
) -> None:
    model = made(bindings, Graph(inputs, operators, outputs, {}, TYPES))
    assert [
        (operators, set(entries.split()), set(exits.split()))
        for operators, entries, exits in described(model)
    ] == [
        (operators, set(entries.split()), set(exits.split()))
        for operators, entries, exits in expected
    ]


def test_a_called_subgraph_has_islands_of_its_own(bindings: ModuleType) -> None:
    branch = Graph("f", ["f > EXP > f1"], "f1", {}, TYPES)
    model = made(bindings, Graph("f", ["f > IF 1 1 > f1"], "f1", {}, TYPES), branch)

    assert described(model) == [([0], "f", "f1")] * 2


def test_every_operator_that_is_not_integer_is_in_one_island(model_path: Path) -> None:
    model = load(model_path)
    floats = [
        operator
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if operator.compute != "integer"
        and not ops.unpacks_constant(operator)
        and operator not in ops.boundary(model)
    ]
    inside = [operator for island in ops.islands(model) for operator in island.operators]

    assert sorted(map(id, inside)) == sorted(map(id, floats))


def test_a_float_model_is_one_island(digits: Any) -> None:
    for mode in ("float32", "dynamic_range", "float16"):
        model = digits(mode=mode)
        (island,) = ops.islands(model)
        assert island.entries == model.inputs
        assert island.exits == model.outputs
        assert ops.macs(island.operators[0]) > 0


def test_a_long_chain_is_found_in_one_pass(bindings: ModuleType) -> None:
    names = [f"f{n}" for n in range(5001)]
    operators = [f"{a} > EXP > {b}" for a, b in pairwise(names)]
    types = dict.fromkeys(names, "float32")
    model = made(bindings, Graph("f0", operators[::-1], "f5000", {}, types))

    assert [len(island.operators) for island in ops.islands(model)] == [5000]

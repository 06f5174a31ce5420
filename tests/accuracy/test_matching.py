"""Counterparts where names say nothing, or the wrong thing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice
from op_nets import inputs_for, quantized

import tfq
from tfq.accuracy.counterparts import counterparts
from tfq.accuracy.layers import layer_errors
from tfq.model import Model
from tfq.passes.expand import expand
from tfq.passes.float_weights import float_weights

RENAMINGS: dict[str, Callable[[list[str], random.Random], list[str | None]]] = {
    "shuffled": lambda names, dice: dice.sample(names, len(names)),
    "random": lambda names, dice: [f"t{dice.random()}" for _ in names],
    "alike": lambda names, _: ["same"] * len(names),
    "none": lambda names, _: [None] * len(names),
    "half": lambda names, dice: [dice.choice([name, dice.choice(names)]) for name in names],
}


def renamed(model: Model, how: str) -> Model:
    draft = model.draft()
    tensors = draft["subgraphs"][0]["tensors"]
    names = RENAMINGS[how]([each["name"] for each in tensors], random.Random(how))
    for tensor, name in zip(tensors, names, strict=True):
        tensor["name"] = name
    draft["signature_defs"] = None
    return Model.from_draft(draft)


def indices(reference: Model, candidate: Model) -> dict[int, int]:
    found = counterparts(reference, candidate).tensors
    return {mine.index: theirs.index for mine, theirs in found.items()}


def assert_right(reference: Model, candidate: Model, *, matched: int) -> None:
    """What is paired holds the same numbers, together and alone."""
    found = layer_errors(reference, candidate, inputs_for(reference))
    assert found.matched == matched
    assert min(each.sqnr for each in found.layers) > 80
    assert min(each.isolated or 0.0 for each in found.layers) > 80


@pytest.mark.parametrize("how", RENAMINGS)
def test_names_that_lie_are_not_believed(faces: dict[str, Path], how: str) -> None:
    """PRELU is four operators in the candidate, so that position alone does not go through."""
    reference = float_weights(tfq.load(faces["face_landmark"]))[0]
    candidate = expand(reference, "int16")[0]

    assert indices(reference, renamed(candidate, how)) == indices(reference, candidate)


@pytest.mark.parametrize("how", ["random", "none"])
def test_like_products_are_told_apart_by_their_constants(bindings: Any, how: str) -> None:
    def net(factors: list[float]) -> Model:
        net = Graph(bindings)
        data = net.op("RELU", [net.input(1, 4)])
        parts = [net.op("MUL", [data, net.constant(factor)]) for factor in factors]
        order = sorted(range(len(parts)), key=lambda place: factors[place])
        return net.made(*[net.op("TANH", [parts[place]]) for place in order])

    reference, candidate = net([0.1, 0.2, 0.3]), net([0.3, 0.1, 0.2])

    assert_right(reference, renamed(candidate, how), matched=7)


def test_operands_may_change_places(bindings: Any) -> None:
    def net(*, swaps: bool) -> Model:
        net = Graph(bindings)
        data = net.input(1, 4)
        parts = [net.op("TANH", [data]), net.op("ABS", [data])]
        return net.made(net.op("NEG", [net.op("ADD", parts[::-1] if swaps else parts)]))

    assert_right(net(swaps=False), renamed(net(swaps=True), "none"), matched=4)


@pytest.mark.parametrize("folded", ["reference", "candidate"])
def test_a_layer_that_took_up_what_follows_is_compared_behind_it(
    bindings: Any, folded: str
) -> None:
    factors, terms = np.abs(dice(3, 4)) + 0.5, dice(4, 4)

    def net(*, folds: bool) -> Model:
        net = Graph(bindings)
        weights, bias = dice(1, 4, 3, 3, 3), dice(2, 4)
        data = net.input(1, 6, 6, 3)
        if folds:
            weights, bias = weights * factors[:, None, None, None], bias * factors + terms
        made = net.conv(data, weights, bias)
        if not folds:
            made = net.op("MUL", [made, net.constant(factors)])
            made = net.op("ADD", [made, net.constant(terms)])
        made = net.op("RELU", [made])
        return net.made(net.conv(made, dice(5, 5, 1, 1, 4)))

    reference, candidate = (net(folds=each == folded) for each in ("reference", "candidate"))

    assert_right(reference, renamed(candidate, "random"), matched=3)


def test_layers_that_share_weights_are_told_apart_by_what_they_read(bindings: Any) -> None:
    def net(order: list[str]) -> Model:
        net = Graph(bindings)
        data = net.input(1, 6, 6, 3)
        weights, bias = net.constant(dice(1, 4, 1, 1, 3)), net.constant(np.zeros(4))
        made = {}
        for name in order:
            source = net.op(name, [data])
            options = {"strideH": 1, "strideW": 1}
            made[name] = net.op("CONV_2D", [source, weights, bias], 1, 6, 6, 4, **options)
        return net.made(*[made[name] for name in sorted(made)])

    candidate = renamed(net(["NEG", "TANH", "ABS"]), "shuffled")

    assert_right(net(["ABS", "NEG", "TANH"]), candidate, matched=6)


def test_a_reshape_need_not_state_its_batch_alike(bindings: Any) -> None:
    def net(batch: int) -> Model:
        net = Graph(bindings)
        data = net.op("TANH", [net.input(1, 2, 2)])
        flat = net.op("RESHAPE", [data, net.constant([batch, 4], np.int32)], 1, 4)
        return net.made(net.op("ABS", [net.op("NEG", [flat])]))

    assert_right(net(-1), renamed(net(1), "random"), matched=4)


def test_of_copies_in_several_types_the_one_of_the_same_type_is_the_counterpart(
    bindings: Any,
) -> None:
    net = Graph(bindings)
    first = net.conv(net.input(1, 6, 6, 3), dice(1, 4, 3, 3, 3))
    model, _ = quantized(net.made(net.conv(first, dice(2, 5, 1, 1, 4))))

    found = counterparts(model, renamed(model, "random")).tensors

    assert {mine.index for mine in found} == {theirs.index for theirs in found.values()}
    assert all(mine.index == theirs.index for mine, theirs in found.items())

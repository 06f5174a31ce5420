"""Biases that a tool left in another scale than their layer's, in a real model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import same_but, sqnr

import tfq
from tfq import passes

CONV, DENSE = 1, 2


def bias_of(model: Any, place: int) -> Any:
    (subgraph,) = model.subgraphs
    return subgraph.tensors[subgraph.operators[place].inputs[2]]


def rewritten(model: Any, place: int, factor: int, point: int) -> None:
    """The same real numbers, by a scale that is so many times finer and another zero point."""
    bias = bias_of(model, place)
    buffer = model.buffers[bias.buffer]
    integers = np.array(buffer.data, np.uint8).view(np.int32) * factor + point
    buffer.data = integers.astype(np.int32).view(np.uint8)
    quantization = bias.quantization
    quantization.scale = [scale / factor for scale in quantization.scale]
    quantization.zeroPoint = [point] * len(quantization.scale)


@pytest.fixture
def speech(shared_models: Path) -> Path:
    return shared_models / "micro/micro_speech_quantized.tflite"


@pytest.mark.parametrize("place", [CONV, DENSE])
@pytest.mark.parametrize(("factor", "point"), [(4, 0), (1, 7), (2, -5)])
def test_the_integers_are_again_those_that_the_kernel_takes(
    speech: Path, edited: Any, place: int, factor: int, point: int
) -> None:
    right = tfq.load(speech)
    wrong = tfq.load(edited(speech, lambda model: rewritten(model, place, factor, point)))

    result, changes = passes.bias_scales(wrong)

    bias, expected = result.operators[place].bias, right.operators[place].bias
    assert [change.place for change in changes.changed] == [repr(bias.name)]
    assert bias.values == expected.values
    assert bias.quantization.scales == pytest.approx(expected.quantization.scales)
    assert set(bias.quantization.zero_points) == {0}
    assert same_but(right, result, bias)
    assert sqnr(right, result) == float("inf")
    assert passes.bias_scales(result)[0] is result


def test_what_is_right_stays(speech: Path) -> None:
    model = tfq.load(speech)
    assert passes.bias_scales(model) == (model, passes.Changes("bias_scales"))


def test_a_bias_without_a_scale_keeps_its_integers(speech: Path, edited: Any) -> None:
    def bare(model: Any) -> None:
        bias_of(model, CONV).quantization = None

    right = tfq.load(speech).operators[CONV].bias
    result, _ = passes.bias_scales(tfq.load(edited(speech, bare)))
    bias = result.operators[CONV].bias
    assert bias.values == right.values
    assert bias.quantization.scales == pytest.approx(right.quantization.scales)


def zero(model: Any) -> None:
    bias_of(model, DENSE).quantization.scale = [0.0]


def shared(model: Any) -> None:
    """Two dense layers over weights of two scales, with one bias."""
    import copy

    (subgraph,) = model.subgraphs
    dense = subgraph.operators[DENSE]
    twin = copy.deepcopy(dense)
    for place, name in ((1, "other weights"), (None, "other output")):
        old = dense.outputs[0] if place is None else dense.inputs[place]
        tensor = copy.deepcopy(subgraph.tensors[old])
        tensor.name = name
        subgraph.tensors.append(tensor)
        index = len(subgraph.tensors) - 1
        if place is None:
            twin.outputs = [index]
        else:
            tensor.quantization.scale = [2 * scale for scale in tensor.quantization.scale]
            twin.inputs = [twin.inputs[0], index, twin.inputs[2]]
    subgraph.operators.insert(DENSE + 1, twin)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(zero, "its scales are no numbers above 0"), (shared, "operators share it")],
)
def test_what_is_not_known_stays_and_is_named(
    speech: Path, edited: Any, change: Callable[[Any], None], reason: str
) -> None:
    model = tfq.load(edited(speech, change))
    result, changes = passes.bias_scales(model)
    assert result is model
    (kept,) = changes.kept
    assert kept.why.startswith(reason)

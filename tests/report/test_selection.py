from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfq.errors import ArgumentError
from tfq.model import Model, load
from tfq.report.selection import only, select


@pytest.fixture
def speech(shared_models: Path) -> Model:
    return load(shared_models / "micro/micro_speech_quantized.tflite")


@pytest.mark.parametrize("wanted", ["2", "op:2", "0:2", "op:0:2", "FULLY_CONNECTED"])
def test_an_operator_is_found_by_index_and_name(speech: Model, wanted: str) -> None:
    assert select(speech, wanted) == (speech.operators[2],)


@pytest.mark.parametrize("wanted", ["tensor:8", "tensor:0:8", "first_weights/read"])
def test_a_tensor_is_found_by_index_and_name(speech: Model, wanted: str) -> None:
    assert select(speech, wanted) == (speech.tensors[8],)


def test_inputs_are_found_by_the_names_that_callers_use(shared_models: Path) -> None:
    model = load(shared_models / "micro/dtln_noise_suppression.tflite")
    assert select(model, "input_7") == (model.inputs[0],)
    assert select(model, "serving_default_input_7:0") == (model.inputs[0],)


def test_other_subgraphs_have_a_number_in_front(shared_models: Path) -> None:
    model = load(shared_models / "litert/multi_signature_model.tflite")
    assert select(model, "1:0") == (model.subgraphs[1].operators[0],)
    assert select(model, "tensor:2:1") == (model.subgraphs[2].tensors[1],)


def test_all_of_a_name_are_found(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")
    found = select(model, "CONV_2D")
    assert len(found) == 15
    with pytest.raises(
        ArgumentError, match=r"15 are named 'CONV_2D': expected one, such as op:0:0"
    ):
        only(found, "CONV_2D")
    assert only(found[:1], "CONV_2D") is model.operators[0]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("CONV2D", "'CONV2D', expected a name, op:0 to op:3, tensor:0 to tensor:9; did you mean"),
        ("first_weigths/read", "did you mean first_weights/read?"),
        ("4", "subgraph 0: expected op:0 to op:3, tensor:0 to tensor:9, got '4'"),
        ("tensor:10", "got 'tensor:10'"),
        ("1:0", "has 1 subgraph, got '1:0'"),
        ("op:-1", "no operator or tensor is named 'op:-1'"),
        ("", "no operator or tensor is named ''"),
        ("\x1b[2J", r"is named '\\x1b[2J'"),
        ("9" * 5000, "no operator or tensor is named '999"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(
    speech: Model, wanted: str, message: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        select(speech, wanted)
    assert message in str(error.value)
    assert len(str(error.value)) < 400


def test_names_may_be_repeated_absent_and_huge(
    shared_models: Path, edited: Callable[..., bytes]
) -> None:
    def rename(model: Any) -> None:
        names = [None, "same", "same", "n" * 10_000_000]
        for tensor, name in zip(model.subgraphs[0].tensors, names, strict=True):
            tensor.name = name

    model = load(edited(shared_models / "micro/conv0.tflite", rename))
    assert select(model, "same") == model.tensors[1:3]
    with pytest.raises(ArgumentError) as error:
        select(model, "n" * 100)
    assert len(str(error.value)) < 400

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import outputs, samples

import tfq
from tfq import passes
from tfq.format import Draft

FLOATS = {"input_type": "float32", "output_type": "float32"}


def assert_same_outputs(before: tfq.Model, after: tfq.Model) -> None:
    inputs = samples(before)
    for old, new in zip(outputs(before, inputs), outputs(after, inputs), strict=True):
        np.testing.assert_array_equal(old, new)


def interface(model: tfq.Model) -> list[Any]:
    signatures = [
        (each.name, list(each.inputs), list(each.outputs), each.subgraph.index)
        for each in model.signatures
    ]
    names = [tensor.name for tensor in (*model.inputs, *model.outputs)]
    return [signatures, names, model.input_names]


@pytest.mark.parametrize("mode", ["full_integer", "int16x8"])
def test_float_inputs_and_outputs_become_what_is_inside(digits: Any, mode: str) -> None:
    model = digits(mode=mode, **FLOATS)
    inside = "int16" if mode == "int16x8" else "int8"

    result, changes = passes.integer_io(model, [inside], [inside])

    assert [tensor.dtype for tensor in (*result.inputs, *result.outputs)] == [inside, inside]
    assert [op.name for op in result.operators] == [op.name for op in model.operators][1:-1]
    assert len(result.tensors) == len(model.tensors) - 2
    assert interface(result) == interface(model)
    assert_same_outputs(model, result)
    assert [len(changes.changed), len(changes.kept)] == [2, 0]
    assert passes.integer_io(result, [inside], [inside])[0] is result


def test_and_back(digits: Any) -> None:
    model = digits(mode="full_integer")
    result, _ = passes.float_io(model)
    assert [tensor.dtype for tensor in (*result.inputs, *result.outputs)] == ["float32"] * 2
    assert [result.operators[0].name, result.operators[-1].name] == ["QUANTIZE", "DEQUANTIZE"]
    assert interface(result) == interface(model)
    assert_same_outputs(model, result)
    again, _ = passes.integer_io(result)
    assert [op.name for op in again.operators] == [op.name for op in model.operators]
    assert_same_outputs(model, again)


@pytest.mark.parametrize("options", [{}, FLOATS])
def test_uint8_outside_and_int8_inside(digits: Any, options: dict[str, str]) -> None:
    model = digits(mode="full_integer", **options)
    result, _ = passes.integer_io(model, ["uint8"], ["uint8"])
    assert [tensor.dtype for tensor in (*result.inputs, *result.outputs)] == ["uint8"] * 2
    assert result.operators[0].outputs[0].dtype == "int8"
    assert_same_outputs(model, result)
    back, _ = passes.integer_io(result, ["int8"], ["int8"])
    assert [op.name for op in back.operators] == [
        op.name for op in digits(mode="full_integer").operators
    ]
    assert_same_outputs(model, back)


def test_of_several_types_the_one_inside_comes_first(digits: Any) -> None:
    result, _ = passes.integer_io(digits(mode="full_integer", **FLOATS), ["uint8", "int8"], [])
    assert result.inputs[0].dtype == "int8"
    assert result.outputs[0].dtype == "float32"
    result, _ = passes.integer_io(result, ["uint8", "int8"], ["int16", "uint8"])
    assert [result.inputs[0].dtype, result.outputs[0].dtype] == ["int8", "uint8"]


@pytest.mark.parametrize(
    "name",
    [
        "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant",
        "edgetpu_pairs/split_concat",
        "edgetpu_pairs/keras_lstm_mnist_ptq",
        "micro/dtln_noise_suppression",
        "micro/add0",
        "litert/matmul_quant",
    ],
)
def test_real_models_give_the_same_through_floats(shared_models: Path, name: str) -> None:
    model = tfq.load(shared_models / f"{name}.tflite")
    result, changes = passes.float_io(model)
    assert changes.modified
    assert {tensor.dtype for tensor in result.inputs} == {"float32"}
    assert_same_outputs(model, result)


@pytest.mark.parametrize(
    ("mode", "reasons"),
    [
        (
            "float32",
            [
                "op 0 CONV_2D takes its floats: there is no QUANTIZE",
                "op 11 SOFTMAX gives floats: there is no DEQUANTIZE",
            ],
        ),
        ("int16x8", ["inside it is int16, which int8 cannot stand for"] * 2),
    ],
)
def test_what_is_not_int8_inside_is_left_and_named(
    digits: Any, mode: str, reasons: list[str]
) -> None:
    model = digits(mode=mode)
    result, changes = passes.integer_io(model)
    assert result is model
    assert [each.why for each in changes.kept] == reasons


def test_a_float_output_that_is_used_inside_too_is_left(digits: Any) -> None:
    model = digits(mode="full_integer", **FLOATS)
    draft = model.draft()
    subgraph = draft["subgraphs"][0]
    (last,) = subgraph["outputs"]
    add_operator(draft, 21, (last,), "root")  # RELU6
    model = tfq.Model.from_draft(draft)
    result, changes = passes.integer_io(model, [], ["int8"])
    assert result is model
    assert [each.why for each in changes.kept] == [
        f"op {len(model.operators) - 1} RELU6 takes its floats too",
        f"op {len(model.operators) - 1} RELU6 gives floats: there is no DEQUANTIZE",
    ]


def add_operator(draft: Draft, code: int, inputs: tuple[int, ...], name: str) -> None:
    """Add an operator with one output, which becomes an output of the model."""
    subgraph = draft["subgraphs"][0]
    like = subgraph["tensors"][inputs[0]]
    codes = draft["operator_codes"]
    codes.append(Draft("OperatorCode", builtin_code=code, deprecated_builtin_code=code, version=2))
    subgraph["tensors"].append(Draft("Tensor", name=name, shape=like["shape"], type=0, buffer=0))
    place = len(subgraph["tensors"]) - 1
    subgraph["operators"].append(
        Draft("Operator", opcode_index=len(codes) - 1, inputs=inputs, outputs=(place,))
    )
    subgraph["outputs"] = (*subgraph["outputs"], place)


def test_two_outputs_of_one_integer_both_become_integers(digits: Any) -> None:
    model = digits(mode="full_integer", **FLOATS)
    draft = model.draft()
    add_operator(draft, 6, (model.operators[-1].inputs[0].index,), "again")  # DEQUANTIZE
    model = tfq.Model.from_draft(draft)

    result, changes = passes.integer_io(model)

    assert [tensor.dtype for tensor in result.outputs] == ["int8", "int8"]
    assert result.outputs[0].name != result.outputs[1].name
    assert not changes.kept
    assert_same_outputs(model, result)


def test_an_input_that_is_shown_again_as_an_output(digits: Any) -> None:
    model = digits(mode="full_integer", **FLOATS)
    draft = model.draft()
    add_operator(draft, 6, (model.operators[0].outputs[0].index,), "seen")
    model = tfq.Model.from_draft(draft)

    result, _ = passes.integer_io(model)

    assert {tensor.dtype for tensor in (*result.inputs, *result.outputs)} == {"int8"}
    assert_same_outputs(model, result)


def test_a_type_that_nobody_knows() -> None:
    with pytest.raises(tfq.ArgumentError, match=r"input_types: expected int8, .*; got 'int9'"):
        passes.integer_io(None, ["int9"])  # type: ignore[arg-type]

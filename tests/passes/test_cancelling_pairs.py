from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import outputs, samples

import tfq
from tfq import passes
from tfq.format import Draft

FLOAT, UINT8, INT8 = 0, 3, 9
CODES = {"QUANTIZE": 114, "DEQUANTIZE": 6}
# The scale that the steps of a chain have, and what stands for zero.
SCALE, POINTS = 0.25, {INT8: -3, UINT8: 125}


def chained(model: tfq.Model, *types: int, scales: dict[int, float] | None = None) -> tfq.Model:
    """Put a chain of conversions behind the first operator of a model."""
    draft = model.draft()
    subgraph = draft["subgraphs"][0]
    operators, tensors = subgraph["operators"], subgraph["tensors"]
    first = operators[0]
    (end,) = first["outputs"]
    tensors[end]["quantization"]["scale"] = (SCALE,)
    tensors[end]["quantization"]["zero_point"] = (POINTS[INT8],)
    last = end
    for number, dtype in enumerate(types):
        name = "DEQUANTIZE" if dtype == FLOAT else "QUANTIZE"
        draft["operator_codes"].append(
            Draft(
                "OperatorCode",
                builtin_code=CODES[name],
                deprecated_builtin_code=CODES[name],
                version=2,
            )
        )
        tensors.append(
            Draft("Tensor", name=f"step{number}", shape=tensors[end]["shape"], type=dtype)
        )
        if dtype != FLOAT:
            tensors[-1]["quantization"] = Draft(
                "QuantizationParameters",
                scale=((scales or {}).get(number, SCALE),),
                zero_point=(POINTS[dtype],),
            )
        operator = Draft(
            "Operator",
            opcode_index=len(draft["operator_codes"]) - 1,
            inputs=(last,),
            outputs=(len(tensors) - 1,),
        )
        last = len(tensors) - 1
        operators.insert(number + 1, operator)
    for operator in operators[len(types) + 1 :]:
        operator["inputs"] = tuple(last if each == end else each for each in operator["inputs"])
    return tfq.Model.from_draft(draft)


@pytest.fixture
def speech(shared_models: Path) -> tfq.Model:
    return tfq.load(shared_models / "micro/hello_world_int8.tflite")


@pytest.mark.parametrize(
    "types",
    [
        (INT8,),
        (FLOAT, INT8),
        (UINT8, INT8),
        (FLOAT, INT8, FLOAT, INT8),
        (UINT8, FLOAT, INT8),
        (INT8, UINT8, FLOAT, UINT8, INT8),
    ],
)
def test_what_changes_no_integer_is_removed(speech: tfq.Model, types: tuple[int, ...]) -> None:
    model = chained(speech, *types)

    result, changes = passes.cancelling_pairs(model)

    assert [op.name for op in result.operators] == [op.name for op in speech.operators]
    assert len(result.tensors) == len(speech.tensors)
    assert changes.modified
    inputs = samples(model)
    np.testing.assert_array_equal(outputs(model, inputs), outputs(result, inputs))
    assert passes.cancelling_pairs(result)[0] is result


@pytest.mark.parametrize(
    ("types", "scales"),
    [((INT8,), {0: 0.3}), ((FLOAT, INT8), {1: 0.3}), ((INT8, INT8), {0: 0.3})],
)
def test_what_rounds_is_left(
    speech: tfq.Model, types: tuple[int, ...], scales: dict[int, float]
) -> None:
    model = chained(speech, *types, scales=scales)
    result, changes = passes.cancelling_pairs(model)
    assert result is model
    assert changes == passes.Changes("cancelling_pairs")


def test_floats_that_others_read_stay(speech: tfq.Model) -> None:
    model = chained(speech, FLOAT, INT8)
    draft = model.draft()
    subgraph = draft["subgraphs"][0]
    floats = model.operators[1].outputs[0].index
    subgraph["outputs"] = (*subgraph["outputs"], floats)
    model = tfq.Model.from_draft(draft)

    result, _ = passes.cancelling_pairs(model)

    assert [op.name for op in result.operators][:3] == [
        "FULLY_CONNECTED",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
    ]
    inputs = samples(model)
    np.testing.assert_array_equal(outputs(model, inputs), outputs(result, inputs))


def test_an_output_keeps_its_name(speech: tfq.Model) -> None:
    model = chained(speech, FLOAT, INT8)
    draft = model.draft()
    subgraph = draft["subgraphs"][0]
    shown = model.operators[2].outputs[0]
    subgraph["outputs"] = (*subgraph["outputs"], shown.index)
    model = tfq.Model.from_draft(draft)
    assert model.outputs[1].name == "step1"

    result, _ = passes.cancelling_pairs(model)

    assert [each.name for each in result.outputs] == [each.name for each in model.outputs]
    assert len(result.operators) == len(model.operators) - 2
    inputs = samples(model)
    np.testing.assert_array_equal(outputs(model, inputs), outputs(result, inputs))


def test_real_models_have_nothing_to_cancel(model_path: Path, request: Any) -> None:
    model = tfq.load(model_path)
    assert passes.cancelling_pairs(model)[0] is model

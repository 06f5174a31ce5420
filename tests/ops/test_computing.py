from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfq import ops
from tfq.model import load


def tensor(dtype: str) -> Any:
    """Make a tensor from its type; `int8 constant` is one whose values stand in the file."""
    name, _, constant = dtype.partition(" ")
    return SimpleNamespace(dtype=name, is_constant=bool(constant), shape=(2, 2), producer=None)


def operator(name: str, inputs: list[str], outputs: list[str], **fields: Any) -> Any:
    return SimpleNamespace(
        name=name,
        is_custom=fields.get("is_custom", False),
        options={},
        inputs=tuple(tensor(dtype) if dtype else None for dtype in inputs),
        outputs=tuple(tensor(dtype) for dtype in outputs),
    )


F32, I8, C8 = "float32", "int8", "int8 constant"


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (operator("CONV_2D", [I8, C8, "int32 constant"], [I8]), "integer"),
        (operator("CONV_2D", ["int16", C8, "int64 constant"], ["int16"]), "integer"),
        (operator("CONV_2D", [F32, C8, "float32 constant"], [F32]), "hybrid"),
        (operator("FULLY_CONNECTED", [F32, "int4 constant", ""], [F32]), "hybrid"),
        (operator("EMBEDDING_LOOKUP", ["int32", C8], [F32]), "hybrid"),
        (operator("BATCH_MATMUL", [F32, C8], [F32]), "hybrid"),
        (operator("CONV_2D", [F32, "float32 constant", "float32 constant"], [F32]), "float"),
        (operator("CONV_2D", [F32, F32, "float32 constant"], [F32]), "float"),
        (operator("DEQUANTIZE", ["float16 constant"], [F32]), "float16"),
        (operator("ADD", ["float16", "float16"], ["float16"]), "float16"),
        (operator("QUANTIZE", [F32], [I8]), "float"),
        (operator("QUANTIZE", ["uint8"], [I8]), "integer"),
        (operator("DEQUANTIZE", [I8], [F32]), "float"),
        (operator("DEQUANTIZE", [C8], [F32]), "float"),
        (operator("ADD", ["bfloat16", "bfloat16"], ["bfloat16"]), "float"),
        (operator("RFFT2D", [F32, "int32 constant"], ["complex64"]), "float"),
        (operator("GATHER", ["string", "int64"], ["string"]), "integer"),
        (operator("ARG_MAX", [I8, "int32 constant"], ["int64"]), "integer"),
        (operator("SHAPE", [F32], ["int32"]), "float"),
        (operator("SHAPE", [I8], ["int32"]), "integer"),
        (operator("VAR_HANDLE", [], ["resource"]), "integer"),
        (operator("CALL_ONCE", [], []), "integer"),
        (operator("Detection", ["uint8", "uint8"], [F32], is_custom=True), "float"),
        (operator("edgetpu", ["uint8"], ["uint8"], is_custom=True), "integer"),
        # Called like a convolution, but whoever registered it knows whether input 1 is weights.
        (operator("CONV_2D", [F32, C8], [F32], is_custom=True), "float"),
    ],
)
def test_compute_follows_from_the_tensors(op: Any, expected: str) -> None:
    assert ops.compute(op) == expected


@pytest.mark.parametrize(
    ("model", "share"),
    [
        ("micro/micro_speech_quantized.tflite", 1.0),
        ("micro/hello_world_float.tflite", 0.0),
        ("litert/mixed_input_model.tflite", 0.0),
        ("micro/trained_lstm_int8.tflite", 1.0),
    ],
)
def test_integer_share_of_real_models(model: str, share: float, shared_models: Path) -> None:
    assert ops.integer_share(load(shared_models / model).operators) == share


def test_no_operators_at_all_are_all_integer() -> None:
    assert ops.integer_share([]) == 1.0

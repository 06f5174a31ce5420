"""Which operators TensorFlow Lite for Microcontrollers takes, beside what it allocates."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from many_ops import IMAGE, Row, T, build, ints, scalar
from vela_rows import add, alike, conv, dense, pool, resize

import tfq
from tfq import profiles
from tfq.lint.placement import misfit, place
from tfq.lint.verify import verify

FLOAT: dict[str, Any] = {"dtype": "float32", "scale": None}
FLAT = T((1, 16, 16, 1), "float32", None)
BOOL = T((1, 4), "bool", None)
# What the kernel of SOFTMAX and LOGISTIC wants of its output.
UNIT8 = T(scale=1 / 256, zero_point=-128)
UNIT16 = T(dtype="int16", scale=1 / 32768)
TINY = 1e-9
POSITION = T((), "int32", None)
ENDS = [ints(0, 0, 0, 0), ints(*IMAGE), ints(1, 1, 1, 1)]
# Float activations with int8 weights: features, time and bias; gates, biases and states.
SVDF = [T((2, 4), value=1), T((2, 3), **FLOAT, value=1), None, T((1, 6), **FLOAT, value=0)]
HYBRID_LSTM = [
    T((1, 2, 4), **FLOAT),
    *[T((4, 4), value=1)] * 8,
    *[None] * 3,
    *[T((4,), **FLOAT, value=0)] * 4,
    *[None] * 2,
    *[T((1, 4), **FLOAT)] * 2,
]
FITS, NOT = True, False
ROWS: list[tuple[bool, Row]] = [
    (FITS, conv()),
    (FITS, conv(dtype="int16")),
    (NOT, conv(dtype="uint8", weights="uint8")),
    (NOT, conv(scale=None)),
    (FITS, conv("DEPTHWISE_CONV_2D")),
    (NOT, Row("CONV_2D", [T(**FLOAT), T((4, 1, 1, 4), value=1)], [T(**FLOAT)])),
    (FITS, dense()),
    (NOT, dense(weights=T((8, 16), "int16", value=1))),
    (NOT, Row("FULLY_CONNECTED", [T((1, 16)), T((8, 16), value=1)], [T((1, 8), "int16")])),
    (FITS, pool("MAX_POOL_2D", (2, 2), 1)),
    (NOT, alike("MAX_POOL_2D", dtype="uint8")),
    (NOT, Row("AVERAGE_POOL_2D", [T()], [T(scale=0.1)], {"filterHeight": 1, "filterWidth": 1})),
    (FITS, pool("L2_POOL_2D", (2, 2), 1)._replace(inputs=[FLAT], outputs=[FLAT])),
    (NOT, pool("L2_POOL_2D", (2, 2), 1)),
    (FITS, alike("EXP", **FLOAT)),
    (NOT, alike("EXP")),
    (NOT, alike("GELU", **FLOAT)),
    (NOT, alike("RELU_N1_TO_1")),
    (FITS, alike("CUMSUM")._replace(inputs=[T(), scalar(1)])),
    (NOT, alike("CUMSUM", dtype="int16")._replace(inputs=[T(dtype="int16"), scalar(1)])),
    (FITS, Row("GATHER", [T((8, 4)), ints(1, 2)], [T((2, 4))])),
    (NOT, Row("GATHER", [T((8, 4)), ints(1, 2, dtype="int64")], [T((2, 4))])),
    (NOT, Row("GATHER", [T((8, 4), "int16"), ints(1, 2)], [T((2, 4), "int16")])),
    (FITS, Row("DEQUANTIZE", [T()], [T(**FLOAT)])),
    (NOT, Row("DEQUANTIZE", [T(dtype="int32")], [T(**FLOAT)])),
    (NOT, Row("DEQUANTIZE", [T()], [T()])),
    (FITS, Row("QUANTIZE", [T(**FLOAT)], [T()])),
    (NOT, Row("QUANTIZE", [T(**FLOAT)], [T(scale=None)])),
    (FITS, alike("ADD", count=2)),
    (NOT, alike("ADD", count=2, scale=None)),
    (FITS, alike("ADD", count=2, dtype="int32", scale=None)),
    (NOT, alike("ADD", count=2, dtype="int32")),
    (NOT, add(T(), T(), T(scale=TINY))),
    (NOT, add(T(), T(), T(scale=TINY), fusedActivationFunction=3)),
    (NOT, alike("MUL", count=2, dtype="int16", zero_point=1)),
    (NOT, add(T(), T(dtype="int16"), name="MUL")),
    (NOT, add(T(dtype="int32"), T(dtype="int32"), name="DIV")),
    (NOT, alike("EQUAL", count=2, scale=None)._replace(outputs=[T(IMAGE, "bool", None)])),
    (NOT, Row("ABS", [T()], [T(dtype="int16")])),
    (NOT, alike("RSQRT", dtype="int16", zero_point=1)),
    (FITS, Row("LOGISTIC", [T()], [UNIT8])),
    (NOT, alike("LOGISTIC")),
    (FITS, Row("LOGISTIC", [T(dtype="int16")], [UNIT16])),
    (NOT, alike("LOGISTIC", dtype="int16")),
    (FITS, Row("TANH", [T(dtype="int16")], [UNIT16])),
    (NOT, alike("TANH", dtype="int16")),
    (NOT, alike("RELU", dtype="int16", zero_point=1)),
    (FITS, Row("SOFTMAX", [T()], [UNIT8], {"beta": 1.0})),
    (NOT, Row("SOFTMAX", [T()], [T()], {"beta": 1.0})),
    (NOT, Row("SOFTMAX", [T(scale=TINY)], [UNIT8], {"beta": 1.0})),
    (NOT, Row("SOFTMAX", [T(dtype="int16")], [T(dtype="int16")], {"beta": 1.0})),
    (NOT, alike("LOG_SOFTMAX")),
    (FITS, Row("LOG_SOFTMAX", [T()], [T(scale=1 / 16, zero_point=127)])),
    (NOT, alike("L2_NORMALIZATION", dtype="uint8")),
    (NOT, Row("L2_NORMALIZATION", [T((1, 1, 2, 2, 2))], [T((1, 1, 2, 2, 2))])),
    (FITS, Row("REDUCE_ALL", [BOOL, ints(1)], [T((1,), "bool", None)])),
    (NOT, Row("REDUCE_ALL", [T((1, 4)), ints(1)], [T((1,))])),
    (NOT, Row("MEAN", [T(), ints(1, dtype="int64")], [T((1, 8, 4))])),
    (NOT, Row("PAD", [T((8,)), T((1, 2), "int32", None)], [T((10,))])),
    (NOT, Row("PAD", [T((8,)), ints((1, 1), dtype="int64")], [T((10,))])),
    (NOT, Row("PAD", [T((2,) * 6), ints(*[(0, 0)] * 6)], [T((2,) * 6)])),
    (NOT, Row("PRELU", [T(dtype="int16"), T((4,), "int16", value=1)], [T(dtype="int16")])),
    (NOT, Row("RESIZE_BILINEAR", [T(), T((2,), "int32", None)], [T()])),
    (NOT, Row("EXPAND_DIMS", [T((8,)), T((), "int32", None)], [T((1, 8))])),
    (NOT, Row("SPLIT", [T((), "int32", None), T((8,))], [T((4,))] * 2, {"numSplits": 2})),
    (NOT, Row("TRANSPOSE", [T((2,) * 6), ints(*range(6))], [T((2,) * 6)])),
    (NOT, Row("STRIDED_SLICE", [T((2,) * 5), *[ints(*[1] * 5)] * 3], [T((2,) * 5)])),
    (NOT, Row("CONCATENATION", [T(), T(scale=0.1)], [T((1, 8, 8, 8))], {"axis": 3})),
    (NOT, Row("CONCATENATION", [T()] * 11, [T((1, 8, 8, 44))], {"axis": 3})),
    (NOT, Row("CONCATENATION", [T(dtype="uint8")], [T(dtype="uint8")], {"axis": 3})),
    (NOT, Row("BATCH_MATMUL", [T((1, 4, 8)), T((1, 8, 5), "int16")], [T((1, 4, 5))])),
    (NOT, alike("RELU", shape=(0, 4))),
    (FITS, Row("SQUEEZE", [T((1, 8))], [T((8,))])),
    (NOT, Row("TILE", [T((4,)), ints(2)], [T((8,))])),
    (NOT, Row("NoSuchOperator", [T()], [T()])),
    (NOT, alike("ABS", scale=None)),
    (NOT, alike("SUB", count=2, scale=0.0)),
    (NOT, alike("EQUAL", count=2, scale=0.0)._replace(outputs=[T(IMAGE, "bool", None)])),
    (NOT, Row("CONCATENATION", [T()], [T()], {"fusedActivationFunction": 1})),
    (NOT, conv("DEPTHWISE_CONV_2D", weights="int16")),
    (NOT, Row("LOG_SOFTMAX", [T((1, 4), **FLOAT)], [T((2, 2), **FLOAT)])),
    (NOT, Row("LOGISTIC", [T()], [UNIT8._replace(scale=None)])),
    (NOT, Row("TANH", [T(dtype="int16")], [T(dtype="int16", scale=None)])),
    (NOT, Row("QUANTIZE", [T(dtype="int64")], [T()])),
    (NOT, Row("QUANTIZE", [T(**FLOAT)], [T(dtype="int64")])),
    (NOT, resize("BILINEAR", (8, 8), (15, 15), corners=True, half=True)),
    (NOT, Row("SOFTMAX", [T()], [T(dtype="int16", scale=1 / 65536)], {"beta": 1.0})),
    (NOT, Row("SOFTMAX", [T((), **FLOAT)], [T((), **FLOAT)], {"beta": 1.0})),
    (NOT, Row("SOFTMAX", [T(dtype="uint8")], [T(dtype="uint8")], {"beta": 1.0})),
    (NOT, Row("SPLIT_V", [T((8,)), ints(4, 4), POSITION], [T((4,))] * 2, {"numSplits": 2})),
    (NOT, alike("SQUARED_DIFFERENCE", count=2, scale=None)),
    (NOT, Row("STRIDED_SLICE", [T(), *ENDS], [T((1, *IMAGE))], {"newAxisMask": 1})),
    (NOT, Row("TRANSPOSE", [T((2, 2)), ints(1, 0, dtype="int16")], [T((2, 2))])),
    (NOT, Row("SVDF", [T((1, 4), **FLOAT), *SVDF], [T((1, 2), **FLOAT)], {"rank": 1})),
    (NOT, Row("UNIDIRECTIONAL_SEQUENCE_LSTM", HYBRID_LSTM, [T((1, 2, 4), **FLOAT)])),
]


def allocates(content: bytes) -> bool:
    """Whether the interpreter allocates a model; in its own process, as some kernels end it."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            runtime.Interpreter.from_bytes(content, arena_size=1 << 24)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("fits", "row"), ROWS)
def test_each_constraint_has_a_model_that_breaks_it(
    fits: bool, row: Row, bindings: ModuleType
) -> None:
    content = build(bindings, [row])
    assert allocates(content) is fits
    assert (misfit(tfq.load(content).operators[0], profiles.load("tflm")) == "") is fits


def test_every_row_of_the_profile_breaks_somewhere(bindings: ModuleType) -> None:
    profile = profiles.load("tflm")
    operators = [tfq.load(build(bindings, [row])).operators[0] for _, row in ROWS]
    own = [(op, row) for op in operators for row in profile.operators.get(op.name, ())]
    broken = [row for op, row in own if row.broken_by(op)]
    # Operators of a kind share their constraints: one of them is enough.
    rows = [(name, row) for name, rows in profile.operators.items() for row in rows]
    assert [(name, row.require or row.any) for name, row in rows if row not in broken] == []


def test_it_agrees_with_the_interpreter_on_real_models(model_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    answer = verify(tfq.load(model_path), profiles.load("tflm"))
    assert answer is not None
    assert answer.agrees


@pytest.mark.parametrize("mode", ["float32", "dynamic_range", "float16", "full_integer"])
def test_it_agrees_on_each_mode_of_a_model(mode: str, digits: Callable[..., tfq.Model]) -> None:
    pytest.importorskip("tflite_micro")
    model, profile = digits(mode=mode), profiles.load("tflm")
    answer = verify(model, profile)
    assert answer is not None
    assert answer.agrees
    assert place(model, profile).fits == (answer.problem == "")

"""Which models LiteRT loads on a CPU, beside whether it does."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from many_ops import Row, T, build, ints
from vela_rows import add, alike, conv

import tfq
from tfq import profiles
from tfq.lint.placement import misfit
from tfq.lint.verify import verify

FLOAT: dict[str, Any] = {"dtype": "float32", "scale": None}
TINY = 1e-9
ROWS: list[tuple[str, Row]] = [
    ("", conv()),
    ("", alike("SIN", **FLOAT)),
    ("", Row("TFLite_Detection_PostProcess", [], [])),
    ("cpu has no SignalWindow", Row("SignalWindow", [T()], [T()])),
    ("cpu has no FlexErf", Row("FlexErf", [T(**FLOAT)], [T(**FLOAT)])),
    ("cpu has no CONCAT_EMBEDDINGS", Row("CONCAT_EMBEDDINGS", [T()], [T()])),
    ("version is 90, expected at most", alike("RELU")._replace(version=90)),
    ("input type is int8", alike("SIN")),
    ("input type is int16", alike("POW", dtype="int16", count=2)),
    ("input type is uint8", alike("LOG", dtype="uint8")),
    ("input type is uint8", alike("ABS", dtype="uint8")),
    ("input type is uint8", alike("FLOOR_MOD", dtype="uint8", count=2)),
    ("input type is int8", alike("LOGICAL_OR", count=2)),
    ("input type is int32", conv(dtype="int32")),
    ("input type is uint8", alike("BATCH_MATMUL", dtype="uint8", count=2)),
    ("input type is int8", Row("CUMSUM", [T(), ints(1)], [T()])),
    ("input type is int16", Row("ARG_MAX", [T(dtype="int16"), ints(1)], [T((1, 8, 4), "int32")])),
    ("input type is int8", alike("L2_POOL_2D")),
    ("input type is int16", alike("SPACE_TO_DEPTH", dtype="int16")),
    ("input type is int32", Row("DEQUANTIZE", [T(dtype="int32")], [T(**FLOAT)])),
    ("same types is no", Row("ABS", [T()], [T(dtype="int16")])),
    ("different input types is 2", add(T(), T(dtype="int16"))),
    ("bias type is int64", conv(bias=T((4,), "int64", value=0))),
    (
        "bias type is int32",
        conv("DEPTHWISE_CONV_2D", dtype="int16", bias=T((4,), "int32", value=0)),
    ),
    ("weights scales is 0", conv(scale=None)),
    ("input zero points int16 is 1", alike("ADD", dtype="int16", zero_point=1, count=2)),
    ("unquantized types is int8", alike("ADD", scale=None, count=2)),
    ("scale ratio is", add(T(), T(), T(scale=TINY))),
    (
        "fused activation is RELU",
        alike("CONCATENATION")._replace(options={"fusedActivationFunction": 1}),
    ),
    ("one quantization is no", Row("CONCATENATION", [T()], [T(scale=0.1)])),
    ("output scale is", add(T(), T(), T(scale=TINY), "MUL", fusedActivationFunction=3)),
]


@pytest.mark.parametrize(("reason", "row"), ROWS)
def test_what_does_not_load_says_why(reason: str, row: Row, bindings: ModuleType) -> None:
    pytest.importorskip("ai_edge_litert")
    model, profile = tfq.load(build(bindings, [row])), profiles.load("cpu")
    found = misfit(model.operators[0], profile)
    assert found.startswith(reason) if reason else not found
    if reason or row.inputs:
        answer = verify(model, profile)
        assert answer is not None
        assert bool(answer.problem) == bool(reason), answer.problem
        assert answer.agrees


def test_it_agrees_with_the_interpreter_on_real_models(model_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    answer = verify(tfq.load(model_path), profiles.load("cpu"))
    assert answer is not None
    assert answer.agrees

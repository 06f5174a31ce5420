"""Models over which LiteRT would end the process are errors, and no others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from op_nets import Net

import tfq
from tfq.errors import InvalidModelError
from tfq.runtime import Runner
from tfq.runtime.fatal import check_scales

pytest.importorskip("ai_edge_litert")

ONE, MANY = (0.5,), (0.5,) * 8
OPTIONS = {"ADD": "AddOptions", "MUL": "MulOptions", "SUB": "SubOptions"}
# LiteRT alone, in a process that may end.
RUN = """
import sys
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
interpreter.invoke()
"""


def binary(
    schema: ModuleType, name: str, dtype: str, *scales: Sequence[float], output: str | None = None
) -> tfq.Model:
    """One operator of two inputs and an output with these scales."""
    net = Net(schema)
    inputs = [net.input(1, 8, dtype=dtype) for _ in range(2)]
    table = (OPTIONS[name], {}) if name in OPTIONS else None
    made = net.add(name, inputs, [(1, 8)], table, (output or dtype,))
    for index, each in zip([*inputs, made], scales, strict=False):
        if each:
            tensor = net.graph.tensors[index]
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = list(each)
            tensor.quantization.zeroPoint = [0] * len(each)
            tensor.quantization.quantizedDimension = 1
    return net.made(made)


@pytest.mark.parametrize(
    ("name", "dtype", "scales", "got"),
    [
        ("ADD", "int8", [(), (), ()], "tensor 0 ('t0'), got none"),
        ("ADD", "uint8", [ONE, ONE, ()], "tensor 2 ('t2'), got none"),
        ("SUB", "int8", [ONE, MANY, ONE], "tensor 1 ('t1'), got 8, per_channel"),
        ("SUB", "int16", [ONE, (), ONE], "tensor 1 ('t1'), got none"),
        ("SQUARED_DIFFERENCE", "int8", [ONE, (float("nan"),), ONE], "tensor 1 ('t1'), got nan"),
        ("LESS", "int8", [(), ()], "tensor 0 ('t0'), got none"),
        ("EQUAL", "uint8", [ONE, (-0.5,)], "tensor 1 ('t1'), got -0.5"),
    ],
)
def test_what_would_end_the_process_is_one_line(
    bindings: ModuleType,
    tmp_path: Path,
    name: str,
    dtype: str,
    scales: list[Sequence[float]],
    got: str,
) -> None:
    output = "bool" if len(scales) == 2 else None
    path = tmp_path / "fatal.tflite"
    binary(bindings, name, dtype, *scales, output=output).save(path)
    alone = subprocess.run([sys.executable, "-c", RUN, path], capture_output=True, check=False)
    # Ended by a signal.
    assert alone.returncode < 0
    with pytest.raises(InvalidModelError) as caught:
        Runner(tfq.load(path))
    assert str(caught.value) == (
        f"{path}: does not run: op 0 {name}: expected one positive scale of {dtype} {got}; "
        "LiteRT would end the process"
    )


@pytest.mark.parametrize(
    ("name", "dtype", "scales"),
    [
        ("ADD", "int8", [ONE, ONE, ONE]),
        ("ADD", "int16", [(), (), ()]),
        ("ADD", "int32", [(), (), ()]),
        ("ADD", "float32", [(), (), ()]),
        ("SUB", "int8", [ONE, ONE, ()]),
        ("MUL", "int8", [(), (), ()]),
        ("MAXIMUM", "int8", [(), (), ()]),
    ],
)
def test_what_litert_runs_is_let_through(
    bindings: ModuleType, name: str, dtype: str, scales: list[Sequence[float]]
) -> None:
    model = binary(bindings, name, dtype, *scales)
    kind = np.float32 if any(scales) else dtype
    sample = {each: np.ones((1, 8), kind) for each in model.input_names}
    assert Runner(model).run(sample)[0].shape == (1, 8)


def test_scales_of_blocks_are_none_to_add(shared_models: Path) -> None:
    model = tfq.load(shared_models / "litert/blockwise_quantized.tflite")
    with pytest.raises(InvalidModelError, match=r"op 0 ADD: expected one positive scale of int8"):
        Runner(model)


def test_no_other_real_model_is_refused(model_path: Path) -> None:
    if model_path.name == "blockwise_quantized.tflite":
        pytest.skip("it is the one")
    try:
        model = tfq.load(model_path)
    except InvalidModelError:
        pytest.skip("it is no model")
    check_scales(model)

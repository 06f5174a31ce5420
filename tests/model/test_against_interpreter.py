"""Every tensor that tfq shows is what LiteRT itself reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfq.model import Tensor, load

# NumPy has no type for strings of bytes that vary in length; LiteRT reports this one.
_NUMPY_NAMES = {"string": "bytes_"}


@pytest.fixture
def interpreter(model_path: Path) -> Any:
    module = pytest.importorskip("ai_edge_litert.interpreter")
    # The default delegate would add tensors of its own.
    plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return module.Interpreter(str(model_path), experimental_op_resolver_type=plain)


def test_tensors_equal_what_the_interpreter_reports(model_path: Path, interpreter: Any) -> None:
    for subgraph in load(model_path).subgraphs:
        details = interpreter.get_tensor_details(subgraph.index)
        # Behind the file's tensors stand those that LiteRT needs while it runs.
        assert [entry["index"] for entry in details] == list(range(len(subgraph.tensors)))
        for tensor, expected in zip(subgraph.tensors, details, strict=True):
            assert_equal(tensor, expected)


def assert_equal(tensor: Tensor, expected: dict[str, Any]) -> None:
    assert tensor.name == expected["name"]
    assert tensor.shape == tuple(expected["shape"])
    assert tensor.shape_signature == tuple(expected["shape_signature"])
    assert _NUMPY_NAMES.get(tensor.dtype, tensor.dtype) == expected["dtype"].__name__
    parameters = expected["quantization_parameters"]
    if tensor.quantization is None:
        assert len(parameters["scales"]) == 0
        return
    assert tensor.quantization.block_size == parameters["block_size"]
    assert tensor.quantization.zero_points == tuple(parameters["zero_points"])
    assert tensor.quantization.quantized_dimension == parameters["quantized_dimension"]
    # LiteRT reads the scales of blocks as float16, whatever they are.
    scales = parameters["scales"].view(np.float32)
    assert tensor.quantization.scales == tuple(scales.tolist())


def test_inputs_and_outputs_equal_the_interpreters(model_path: Path, interpreter: Any) -> None:
    model = load(model_path)

    inputs = [entry["index"] for entry in interpreter.get_input_details()]
    assert [tensor.index for tensor in model.inputs] == inputs
    outputs = [entry["index"] for entry in interpreter.get_output_details()]
    assert [tensor.index for tensor in model.outputs] == outputs
    signatures = interpreter.get_signature_list()
    assert {each.name for each in model.signatures} == set(signatures)
    for signature in model.signatures:
        assert sorted(signature.inputs) == signatures[signature.name]["inputs"]
        assert sorted(signature.outputs) == signatures[signature.name]["outputs"]


def test_constants_equal_the_interpreters(model_path: Path, interpreter: Any) -> None:
    for tensor in load(model_path).tensors:
        if tensor.is_constant:
            np.testing.assert_array_equal(tensor.numpy(), interpreter.get_tensor(tensor.index))


def test_operators_equal_the_interpreters(model_path: Path, interpreter: Any) -> None:
    operators = load(model_path).operators

    expected = interpreter._get_ops_details()
    assert [op.name for op in operators] == [entry["op_name"] for entry in expected]
    for op, entry in zip(operators, expected, strict=True):
        inputs = [-1 if tensor is None else tensor.index for tensor in op.inputs]
        assert inputs == list(entry["inputs"])
        assert [tensor.index for tensor in op.outputs] == list(entry["outputs"])

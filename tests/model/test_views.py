from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tfq.errors import ArgumentError
from tfq.model import Model, load


@pytest.fixture
def mobilenet(shared_models: Path) -> Model:
    return load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")


@pytest.fixture
def speech(shared_models: Path) -> Model:
    return load(shared_models / "micro/micro_speech_quantized.tflite")


def test_a_model_says_what_it_is(mobilenet: Model, shared_models: Path) -> None:
    path = shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"

    assert mobilenet.version == 3
    assert mobilenet.description == "MLIR Converted."
    assert mobilenet.path == str(path)
    assert mobilenet.size == path.stat().st_size
    assert mobilenet.metadata["min_runtime_version"].startswith(b"1.5.0")
    assert len(mobilenet.subgraphs) == 1
    assert mobilenet.operators == mobilenet.subgraphs[0].operators
    assert repr(mobilenet) == (
        "<Model mobilenet_v1_0.25_128_quant.tflite: 31 operators, 89 tensors>"
    )


def test_an_operator_says_what_it_does(mobilenet: Model) -> None:
    op = mobilenet.operators[0]

    assert (op.index, op.name, op.version, op.is_custom) == (0, "CONV_2D", 1, False)
    assert op.options == {
        "padding": "SAME",
        "stride_w": 2,
        "stride_h": 2,
        "fused_activation_function": "RELU6",
        "dilation_w_factor": 1,
        "dilation_h_factor": 1,
        "quantized_bias_type": "FLOAT32",
    }
    assert op.inputs == (mobilenet.inputs[0], op.weights, op.bias)
    assert repr(op) == "<Operator 0 CONV_2D>"


def test_a_tensor_says_what_it_holds(speech: Model) -> None:
    weights = speech.operators[1].weights

    assert weights is not None
    assert (weights.name, weights.dtype, weights.shape) == (
        "first_weights/read",
        "int8",
        (1, 10, 8, 8),
    )
    assert weights.is_constant
    assert not weights.is_variable
    assert weights.producer is None
    assert weights.consumers == (speech.operators[1],)
    assert repr(weights) == "<Tensor 8 'first_weights/read' int8[1,10,8,8]>"


def test_tensors_link_operators(speech: Model) -> None:
    reshape, convolution = speech.operators[:2]

    assert reshape.outputs[0].producer is reshape
    assert reshape.outputs[0].consumers == (convolution,)
    assert speech.inputs[0].producer is None


def test_an_operator_that_reads_a_tensor_twice_is_one_consumer(shared_models: Path) -> None:
    model = load(shared_models / "litert/l2_norm_composite.tflite")
    square = model.subgraphs[1].operators[0]

    assert square.inputs[0] is square.inputs[1]
    assert [op.name for op in square.inputs[0].consumers] == ["MUL", "MUL"]
    assert len(set(square.inputs[0].consumers)) == 2


def test_a_custom_operator_has_its_own_name_and_options(shared_models: Path) -> None:
    model = load(shared_models / "edgetpu_pairs/split_concat_edgetpu.tflite")
    op = model.operators[0]

    assert (op.name, op.is_custom) == ("edgetpu-custom-op", True)
    # What the Edge TPU compiler wrote is a map of FlexBuffers with the program in it.
    assert op.options == op.custom_options
    assert len(op.options["4"]) > 50_000


def test_custom_options_that_are_no_flexbuffers_are_bytes(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].customOptions = list(b"its own format")

    path = shared_models / "edgetpu_pairs/split_concat_edgetpu.tflite"
    op = load(edited(path, change)).operators[0]

    assert (op.options, op.custom_options) == ({}, b"its own format")


def test_attributes_of_a_composite_are_decoded(edited: Any, shared_models: Path) -> None:
    flexbuffers = pytest.importorskip("flatbuffers.flexbuffers")

    def change(model: Any) -> None:
        attributes = flexbuffers.Dumps({"epsilon": 0.5})
        model.subgraphs[0].operators[0].builtinOptions2.compositeAttributes = list(attributes)

    op = load(edited(shared_models / "litert/l2_norm_composite.tflite", change)).operators[0]

    assert op.options["composite_attributes"] == {"epsilon": 0.5}


def test_an_operator_of_the_future_has_a_number_for_a_name(
    edited: Any, shared_models: Path
) -> None:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 240
        model.subgraphs[0].tensors[0].type = 60

    model = load(edited(shared_models / "micro/leaky_relu0.tflite", change))

    assert model.operators[0].name == "BUILTIN_240"
    assert model.tensors[0].dtype == "tensor_type_60"


def test_an_old_file_keeps_the_operator_in_the_deprecated_field(
    edited: Any, shared_models: Path
) -> None:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 0

    model = load(edited(shared_models / "micro/leaky_relu0.tflite", change))

    assert model.operators[0].name == "LEAKY_RELU"


def test_an_optional_input_that_is_left_out_is_none(shared_models: Path) -> None:
    lstm = load(shared_models / "micro/trained_lstm_int8.tflite").operators[0]

    assert lstm.name == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    assert lstm.inputs[9] is None
    assert len(lstm.intermediates) == 5
    assert lstm.inputs[18] is not None
    assert lstm.inputs[18].is_variable


def test_signatures_name_tensors(shared_models: Path) -> None:
    model = load(shared_models / "litert/multi_signature_model.tflite")

    assert [signature.name for signature in model.signatures] == ["add", "mul", "sub"]
    assert repr(model.signatures[1]) == "<Signature 'mul': a, b → output>"
    assert model.signatures[1].subgraph is model.subgraphs[1]
    assert model.signatures[1].outputs["output"] in model.subgraphs[1].outputs


def test_a_free_dimension_is_minus_one_in_the_signature(shared_models: Path) -> None:
    tensor = load(shared_models / "litert/simple_add_dynamic_shape.tflite").inputs[0]

    assert tensor.shape == (1, 128, 4)
    assert tensor.shape_signature == (-1, 128, 4)


def test_views_are_read_only_and_compare_by_identity(mobilenet: Model) -> None:
    op, tensor = mobilenet.operators[0], mobilenet.tensors[0]

    for view in (mobilenet, mobilenet.subgraphs[0], op, tensor, tensor.quantization):
        with pytest.raises(AttributeError, match="read-only"):
            view.name = "other"  # type: ignore[union-attr]
    assert op is mobilenet.operators[0]
    assert {op: "first"}[mobilenet.operators[0]] == "first"
    assert load(mobilenet.bytes).operators[0] != op


def test_content_is_returned_as_it_was_given(mobilenet: Model) -> None:
    again = load(bytes(mobilenet))

    assert again.bytes == mobilenet.bytes
    assert again.path is None
    assert again.name == "the given bytes"


def test_save_writes_what_was_loaded(mobilenet: Model, tmp_path: Path) -> None:
    path = tmp_path / "copy.tflite"
    mobilenet.save(path)

    assert path.read_bytes() == mobilenet.bytes
    with pytest.raises(ArgumentError, match="there is no directory"):
        mobilenet.save(tmp_path / "missing" / "copy.tflite")


def test_a_model_can_be_saved_over_itself(mobilenet: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    # Large enough to be mapped.
    path.write_bytes(mobilenet.bytes + bytes(1 << 20))
    model = load(path)
    model.save(path)

    assert path.stat().st_size == model.size
    assert load(path).operators[-1].name == model.operators[-1].name


def test_reading_imports_nothing_heavy(shared_models: Path) -> None:
    program = f"""
import sys
import tfq.format, tfq.model, tfq.ops
model = tfq.model.load({str(shared_models / "micro/micro_speech_quantized.tflite")!r})
for op in model.operators:
    print(op, op.options, op.macs, op.compute, op.weights, op.weights and op.weights.quantization)
print({{"numpy", "tensorflow", "keras", "ai_edge_litert", "flatbuffers"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stderr == ""
    assert done.stdout.endswith("set()\n")

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfq import ops
from tfq.model import load


def operator(name: str, shapes: list[Any], output: tuple[int, ...], **options: Any) -> Any:
    """Make what the table looks at: an operator with tensors of the given shapes."""
    inputs = tuple(
        None if shape is None else SimpleNamespace(shape=shape, is_constant=True, producer=None)
        for shape in shapes
    )
    outputs = (SimpleNamespace(shape=output),)
    return SimpleNamespace(
        name=name, is_custom=False, inputs=inputs, outputs=outputs, options=options
    )


CASES = {
    # 8 x 8 places, 16 channels of 3 x 3 x 4 products each.
    "CONV_2D": (operator("CONV_2D", [(1, 8, 8, 4), (16, 3, 3, 4), (16,)], (1, 8, 8, 16)), 36864),
    # Two groups: each filter sees half of the 4 channels.
    "grouped CONV_2D": (
        operator("CONV_2D", [(1, 8, 8, 4), (16, 3, 3, 2), (16,)], (1, 8, 8, 16)),
        18432,
    ),
    "DEPTHWISE_CONV_2D": (
        operator("DEPTHWISE_CONV_2D", [(2, 8, 8, 4), (1, 3, 3, 8), None], (2, 4, 4, 8)),
        2 * 4 * 4 * 8 * 9,
    ),
    "TRANSPOSE_CONV": (
        operator("TRANSPOSE_CONV", [(4,), (5, 2, 2, 3), (1, 4, 4, 3)], (1, 8, 8, 5)),
        4 * 4 * 3 * 2 * 2 * 5,
    ),
    "CONV_3D": (
        operator("CONV_3D", [(1, 4, 4, 4, 2), (3, 3, 3, 2, 7), None], (1, 2, 2, 2, 7)),
        2 * 2 * 2 * 7 * 27 * 2,
    ),
    "CONV_3D_TRANSPOSE": (
        operator("CONV_3D_TRANSPOSE", [(5,), (2, 2, 2, 7, 3), (1, 2, 2, 2, 3)], (1, 4, 4, 4, 7)),
        8 * 3 * 8 * 7,
    ),
    "FULLY_CONNECTED": (operator("FULLY_CONNECTED", [(6, 10), (4, 10), (4,)], (6, 4)), 240),
    "BATCH_MATMUL": (operator("BATCH_MATMUL", [(2, 3, 5), (2, 5, 7)], (2, 3, 7)), 2 * 3 * 7 * 5),
    "BATCH_MATMUL adj_x": (
        operator("BATCH_MATMUL", [(2, 5, 3), (2, 5, 7)], (2, 3, 7), adj_x=True),
        2 * 3 * 7 * 5,
    ),
    "RNN": (operator("RNN", [(2, 8), (16, 8), (16, 16), (16,), (2, 16)], (2, 16)), 768),
    "SVDF": (operator("SVDF", [(1, 8), (16, 8), (16, 10), (8,), (1, 160)], (1, 8)), 288),
    "basic LSTM": (
        operator("LSTM", [(1, 3), (1, 4), (16, 7), (16,), (1, 4)], (1, 4), kernel_type="BASIC"),
        16 * 7,
    ),
    "STABLEHLO_DOT_GENERAL": (
        operator(
            "STABLEHLO_DOT_GENERAL",
            [(3, 2, 5), (2, 5, 7)],
            (3, 7),
            lhs_contracting_dimensions=(1, 2),
        ),
        3 * 7 * 2 * 5,
    ),
    "STABLEHLO_CONVOLUTION": (
        operator(
            "STABLEHLO_CONVOLUTION",
            [(1, 8, 8, 4), (3, 3, 2, 16)],
            (1, 8, 8, 16),
            kernel_input_feature_dimension=2,
            kernel_spatial_dimensions=(0, 1),
        ),
        18432,
    ),
    "AVERAGE_POOL_2D": (operator("AVERAGE_POOL_2D", [(1, 8, 8, 4)], (1, 4, 4, 4)), 0),
    "ADD": (operator("ADD", [(1, 8), (1, 8)], (1, 8)), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_macs_of_one_run(case: str) -> None:
    op, expected = CASES[case]
    assert ops.macs(op) == expected


@pytest.mark.parametrize(
    "op",
    [
        operator("CONV_2D", [], ()),
        operator("CONV_2D", [(1, 8, 8, 4), (16,)], (1, 8, 8, 16)),
        operator("CONV_2D", [(1, 8, 8, 4), (16, 3, 3, -4)], (1, 8, 8, 16)),
        operator("FULLY_CONNECTED", [None, None], (1,)),
        operator("BATCH_MATMUL", [(5,), ()], ()),
        operator("SVDF", [()], ()),
        operator("STABLEHLO_DOT_GENERAL", [(3, 2)], (3,), lhs_contracting_dimensions=(2,)),
        operator("STABLEHLO_CONVOLUTION", [(1, 8, 8, 4)], (1, 8, 8, 16)),
        operator("RNN", [(2**31 - 1,) * 100_000, (16, 8)], (2, 16)),
    ],
)
def test_shapes_that_make_no_sense_count_nothing(op: Any) -> None:
    assert ops.macs(op) == 0


def test_a_model_has_the_macs_that_its_authors_state(shared_models: Path) -> None:
    """MobileNet v1 0.25 at 128 pixels: 14 million, says the table in TF-Slim."""
    model = load(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite")

    assert round(sum(op.macs for op in model.operators) / 1e6) == 14


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # 8 filters of 10 x 8 and 8 biases; 4000 x 4 weights and 4 biases.
        ("micro/micro_speech_quantized.tflite", 8 * 80 + 8 + 16000 + 4),
        # 4 gates of 28 + 20 inputs and a bias, 20 units; 28 steps of 20 states to 10 classes.
        ("micro/trained_lstm_int8.tflite", 4 * 20 * (28 + 20 + 1) + 560 * 10 + 10),
        ("micro/hello_world_float.tflite", 321),
        ("micro/add0.tflite", 0),
    ],
)
def test_parameters_of_real_models(model: str, expected: int, shared_models: Path) -> None:
    assert ops.total_parameters(load(shared_models / model)) == expected


@pytest.mark.parametrize("mode", ["float16", "dynamic_range", "weight_only", "full_integer"])
def test_the_mode_does_not_change_how_many_parameters_there_are(mode: str, digits: Any) -> None:
    """Float16 weights are unpacked by other operators, but belong to those that use them."""
    model, reference = digits(mode=mode), digits(mode="float32")

    assert ops.total_parameters(model) == ops.total_parameters(reference) > 10_000
    assert [ops.parameters(op) for op in model.operators if ops.macs(op)] == [
        ops.parameters(op) for op in reference.operators if ops.macs(op)
    ]


def test_a_constant_that_operators_share_is_counted_once(edited: Any, shared_models: Path) -> None:
    def twice(model: Any) -> None:
        model.subgraphs[0].operators *= 2

    path = shared_models / "micro/conv0.tflite"
    model = load(edited(path, twice))

    assert [ops.parameters(op) for op in model.operators] == [792, 792]
    assert ops.total_parameters(model) == 792


def test_subgraphs_share_the_constants_in_one_buffer(edited: Any, shared_models: Path) -> None:
    def twice(model: Any) -> None:
        model.subgraphs *= 2

    model = load(edited(shared_models / "micro/conv0.tflite", twice))

    assert len(model.subgraphs) == 2
    assert ops.total_parameters(model) == 792

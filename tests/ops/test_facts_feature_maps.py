"""Facts about what goes in and comes out as data, about weights, and about how data are moved."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from one_op import A, one_op

from tfq.model import Operator, load
from tfq.ops.facts import fact

IMAGE = (1, 4, 4, 8)


@pytest.fixture
def make(bindings: ModuleType) -> Any:
    """Makes an operator; constants get the scale 0.05 and the zero point 0."""

    def make(name: str, inputs: list[Any], outputs: list[A], options: Any = None) -> Operator:
        return load(one_op(bindings, name, inputs, outputs, options)).operators[0]

    return make


def test_a_constant_that_is_added_is_a_feature_map_and_weights_are_none(make: Any) -> None:
    added = make("ADD", [A(IMAGE), np.ones(8, np.int16)], [A(IMAGE)])
    assert fact(added, "feature_map_types") == ("int8", "int16", "int8")
    assert fact(added, "different_input_types") == 2
    kernel, bias = np.ones((2, 1, 1, 8), np.int8), np.zeros(2, np.int32)
    conv = make("CONV_2D", [A(IMAGE), kernel, bias], [A((1, 4, 4, 2), "int16")])
    assert fact(conv, "feature_map_types") == ("int8", "int16")
    assert (fact(conv, "different_types"), fact(conv, "different_input_types")) == (2, 1)


def test_parameters_are_no_data(make: Any) -> None:
    begin, size = np.zeros(4, np.int32), np.array(IMAGE, np.int64)
    stored = make("SLICE", [A(IMAGE), begin, size], [A(IMAGE)])
    assert fact(stored, "feature_map_types") == ("int8", "int8")
    assert fact(stored, "parameter_types") == ("int32", "int64")
    assert fact(stored, "parameters_stored") is True
    free = make("SLICE", [A(IMAGE), A((4,), "int32"), size], [A(IMAGE)])
    assert fact(free, "parameters_stored") is False


def test_scales_of_data_and_weights(make: Any) -> None:
    added = make("ADD", [A(IMAGE, scale=0.5), np.ones(8, np.int8)], [A(IMAGE, scale=0.25)])
    assert fact(added, "smallest_scale") == pytest.approx(0.05)
    assert fact(added, "scaled_inputs") == 2
    assert fact(added, "most_scales") == 1
    assert fact(added, "one_quantization") is False
    assert fact(added, "unquantized_types") == ()
    assert fact(added, "output_scale_power_of_two") is True
    assert fact(added, "granularities") == ("per_tensor",) * 3
    assert fact(added, "input_scale") == 0.5
    moved = make("RELU", [A(IMAGE)], [A(IMAGE)])
    assert fact(moved, "one_quantization") is True
    assert fact(
        make("LOGICAL_NOT", [A(IMAGE, "bool")], [A(IMAGE, "bool")]), "unquantized_types"
    ) == (
        "bool",
        "bool",
    )


def test_zero_points_by_type_and_side(make: Any) -> None:
    op = make("QUANTIZE", [A(IMAGE, "uint8", zero_point=7)], [A(IMAGE, "int16", zero_point=3)])
    assert fact(op, "input_zero_points_uint8") == (7,)
    assert fact(op, "input_zero_points_int8") == ()
    assert fact(op, "output_zero_points_int16") == (3,)
    assert fact(op, "output_zero_points_signed") == (3,)
    assert fact(op, "output_zero_points_uint8") == ()


def test_weights_and_biases(make: Any) -> None:
    kernel = np.array([[[[1, -2]]], [[[100, -128]]]], np.int8)
    conv = make(
        "CONV_2D", [A((1, 4, 4, 2)), kernel, np.array([5, -9], np.int64)], [A((1, 4, 4, 2))]
    )
    assert fact(conv, "weights_sum") == 228
    assert fact(conv, "weights_scales") == 1
    assert fact(conv, "weights_middle_sizes") == (1, 1)
    assert fact(conv, "largest_bias") == 5
    assert fact(conv, "bias_along_channels") is True
    column = make(
        "FULLY_CONNECTED",
        [A((1, 2)), np.ones((3, 2), np.int8), np.zeros((3, 1), np.int32)],
        [A((1, 3))],
    )
    assert fact(column, "bias_along_channels") is False
    assert fact(make("RELU", [A(IMAGE)], [A(IMAGE)]), "weights_sum") is None


@pytest.mark.parametrize(
    ("stride", "kernel", "after", "padding", "adds"),
    [
        (4, 3, 4, "SAME", False),
        (5, 3, 4, "SAME", True),
        (5, 3, 3, "VALID", False),
        (1, 1, 16, "SAME", False),
    ],
)
def test_padding_that_adds_nothing(
    make: Any, stride: int, kernel: int, after: int, padding: str, adds: bool
) -> None:
    options = {"strideH": stride, "strideW": stride, "padding": ["SAME", "VALID"].index(padding)}
    options |= {"filterHeight": kernel, "filterWidth": kernel}
    op = make(
        "MAX_POOL_2D", [A((1, 16, 16, 1))], [A((1, after, after, 1))], ("Pool2DOptions", options)
    )
    assert fact(op, "adds_padding") is adds


@pytest.mark.parametrize(
    ("order", "name"),
    [
        ((0, 1, 2, 3), "NHWC"),
        ((0, 2, 1, 3), "NWHC"),
        ((0, 3, 1, 2), "NCHW"),
        ((1, 0, 2, 3), "other"),
        ((1, 0), "NHCW"),
        ((1, 0, 2), "NWHC"),
        ((0, 1, 2, 4, 3), "NHCW"),
        ((1, 0, 2, 3, 4), "other"),
    ],
)
def test_the_order_of_axes(make: Any, order: tuple[int, ...], name: str) -> None:
    shape = (2,) * len(order)
    op = make("TRANSPOSE", [A(shape), np.array(order, np.int32)], [A(shape)])
    assert fact(op, "axis_order") == name


def test_sizes_of_the_input(make: Any) -> None:
    op = make("RELU", [A((2, 3, 4, 5, 6))], [A((2, 3, 4, 5, 6))])
    assert fact(op, "inner_sizes") == (4, 5, 6)
    assert fact(op, "input_batch") == 6
    assert fact(op, "input_plane") == 20
    assert fact(op, "input_rows") == 24
    assert fact(op, "most_without_two") == 120
    assert fact(op, "inner_dimensions") == 3
    short = make("RELU", [A((7, 5))], [A((7, 5))])
    assert (fact(short, "input_batch"), fact(short, "input_plane")) == (1, 7)
    assert fact(short, "most_without_two") == 1


@pytest.mark.parametrize(
    ("corners", "before", "after", "factors", "power"),
    [
        (False, (4, 4), (8, 16), (2, 4), True),
        (True, (4, 4), (7, 10), (2, 3), False),
        (True, (1, 1), (3, 4), (3, 4), False),
        (False, (4, 4), (2, 4), (0.5, 1), False),
    ],
)
def test_factors_of_resizing(
    make: Any, corners: bool, before: Any, after: Any, factors: Any, power: bool
) -> None:
    options = ("ResizeBilinearOptions", {"alignCorners": corners})
    inputs = [A((1, *before, 2)), np.array(after, np.int32)]
    op = make("RESIZE_BILINEAR", inputs, [A((1, *after, 2))], options)
    assert fact(op, "resize_factors") == factors
    assert fact(op, "resize_factor_power_of_two") is power


def test_reductions_and_slices(make: Any) -> None:
    op = make("MEAN", [A(IMAGE), np.array([1, -1], np.int32)], [A((1, 4))])
    assert fact(op, "reduced_sizes") == (4, 8)
    assert fact(op, "reduces_depth") is True
    assert (
        fact(make("MEAN", [A((1, 4, 1)), np.array([2], np.int32)], [A((1, 4))]), "reduces_depth")
        is False
    )
    ends = [np.zeros(4, np.int32), np.array(IMAGE, np.int32), np.array([1, 2, 1, 2], np.int32)]
    assert fact(make("STRIDED_SLICE", [A(IMAGE), *ends], [A((1, 2, 4, 4))]), "strided_axes") == (
        -3,
        -1,
    )


def test_what_operators_say_twice_or_once(make: Any) -> None:
    halves = [A((4,)), A((4,))]
    right = make(
        "SPLIT", [np.array(0, np.int32), A((8,))], halves, ("SplitOptions", {"numSplits": 2})
    )
    wrong = make(
        "SPLIT", [np.array(0, np.int32), A((8,))], halves, ("SplitOptions", {"numSplits": 3})
    )
    assert (fact(right, "split_count_fits"), fact(wrong, "split_count_fits")) == (True, False)
    assert (fact(right, "outputs"), fact(right, "axis_stored")) == (2, True)
    indices = np.array([[1], [1]], np.int32)
    twice = make("SCATTER_ND", [indices, A((2, 4)), np.array([8, 4], np.int32)], [A((8, 4))])
    assert (fact(twice, "indices_distinct"), fact(twice, "index_depth")) == (False, 1)
    gather = make(
        "GATHER", [A((8, 4)), np.array([1], np.int64)], [A((1, 4))], ("GatherOptions", {"axis": 1})
    )
    assert (fact(gather, "index_type"), fact(gather, "gathers_after_batch")) == ("int64", False)
    assert fact(gather, "version") == 1


def test_sizes_of_products_and_of_what_is_transposed(make: Any) -> None:
    def matmul(flag: bool, *shape: int) -> Operator:
        options = ("BatchMatMulOptions", {"adjX": flag})
        return make("BATCH_MATMUL", [A(shape), A((1, 3, 5))], [A((1, 4, 5))], options)

    assert fact(matmul(False, 1, 4, 3), "multiplied_depth") == 3
    assert fact(matmul(True, 1, 3, 4), "multiplied_depth") == 3

    def transposed(rows: int) -> Operator:
        shape, kernel = np.array([1, rows, 8, 1], np.int32), np.ones((1, 3, 3, 1), np.int8)
        options = ("TransposeConvOptions", {"strideH": 2, "strideW": 2})
        return make(
            "TRANSPOSE_CONV", [shape, kernel, A((1, 4, 4, 1))], [A((1, rows, 8, 1))], options
        )

    assert fact(transposed(8), "transposed_size_fits") is True
    assert fact(transposed(7), "transposed_size_fits") is False


def test_what_an_lstm_has_beyond_gates(bindings: ModuleType, shared_models: Any) -> None:
    model = load(shared_models / "micro" / "trained_lstm_int8.tflite")
    lstm = next(op for op in model.operators if op.name == "UNIDIRECTIONAL_SEQUENCE_LSTM")
    assert fact(lstm, "recurrent_extras") == ()
    given: list[Any] = [A((1, 1, 4))] + [np.ones((4, 4), np.int8)] * 8 + [np.ones(4, np.int16)] * 3
    assert fact(
        load(one_op(bindings, "UNIDIRECTIONAL_SEQUENCE_LSTM", given, [A((1, 1, 4))])).operators[0],
        "recurrent_extras",
    ) == ("peepholes",)


def test_open_and_empty_dimensions(shared_models: Any, make: Any) -> None:
    model = load(shared_models / "litert" / "simple_add_dynamic_shape.tflite")
    assert 0 in fact(model.operators[0], "free_axes")  # type: ignore[operator]
    assert fact(make("RELU", [A((0, 4))], [A((0, 4))]), "empty_dimensions") == 2

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from one_op import MIDDLES, A, one_op, run

from tfq import ops
from tfq.model import Operator, load


def ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


ONE_PIXEL = ("Pool2DOptions", {"filterWidth": 1, "filterHeight": 1, "strideW": 1, "strideH": 1})
NO_BORDER = np.zeros((2, 2), np.int32)
BORDER = ints((0, 0), (1, 1))
EVENS = np.array([True, False] * 4)
# Inputs (a tuple is the shape of an activation), shapes of the outputs, options.
CASES: dict[str, tuple[list[Any], list[tuple[int, ...]], Any]] = {
    "AVERAGE_POOL_2D": ([(1, 2, 2, 2)], [(1, 2, 2, 2)], ONE_PIXEL),
    "BATCH_TO_SPACE_ND": ([(4, 1, 1, 2), ints(2, 2), NO_BORDER], [(1, 2, 2, 2)], None),
    "BROADCAST_TO": ([(1, 4), ints(2, 4)], [(2, 4)], None),
    "CONCATENATION": ([(1, 4), (1, 4)], [(1, 8)], ("ConcatenationOptions", {"axis": 1})),
    "DEPTH_TO_SPACE": ([(1, 1, 1, 8)], [(1, 2, 2, 2)], ("DepthToSpaceOptions", {"blockSize": 2})),
    "DYNAMIC_UPDATE_SLICE": ([(8,), (2,), ints(3)], [(8,)], None),
    "EXPAND_DIMS": ([(8,), ints(0)], [(1, 8)], None),
    "FILL": ([ints(3), ()], [(3,)], None),
    "GATHER": ([(8,), ints(1, 3)], [(2,)], ("GatherOptions", {})),
    "GATHER_ND": ([(8,), ints((1,), (3,))], [(2,)], None),
    "MATRIX_DIAG": ([(1, 4)], [(1, 4, 4)], None),
    "MAXIMUM": ([(8,), (8,)], [(8,)], ("MaximumMinimumOptions", {})),
    "MAX_POOL_2D": ([(1, 2, 2, 2)], [(1, 2, 2, 2)], ONE_PIXEL),
    "MINIMUM": ([(8,), (8,)], [(8,)], ("MaximumMinimumOptions", {})),
    "MIRROR_PAD": ([(1, 4), BORDER], [(1, 6)], ("MirrorPadOptions", {})),
    "PACK": ([(4,), (4,)], [(2, 4)], ("PackOptions", {"valuesCount": 2})),
    "PAD": ([(1, 4), BORDER], [(1, 6)], None),
    "PADV2": ([(1, 4), BORDER, ()], [(1, 6)], None),
    "REDUCE_MAX": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "REDUCE_MIN": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "RESHAPE": ([(2, 4), ints(8)], [(8,)], None),
    "RESIZE_BILINEAR": ([(1, 2, 2, 2), ints(2, 2)], [(1, 2, 2, 2)], ("ResizeBilinearOptions", {})),
    "RESIZE_NEAREST_NEIGHBOR": (
        [(1, 2, 2, 2), ints(2, 2)],
        [(1, 2, 2, 2)],
        ("ResizeNearestNeighborOptions", {}),
    ),
    "REVERSE_SEQUENCE": ([(2, 4), ints(4, 2)], [(2, 4)], ("ReverseSequenceOptions", {"seqDim": 1})),
    "REVERSE_V2": ([(8,), ints(0)], [(8,)], None),
    "SCATTER_ND": ([ints((1,), (3,)), (2,), ints(4)], [(4,)], None),
    "SELECT": ([EVENS, (8,), (8,)], [(8,)], ("SelectOptions", {})),
    "SELECT_V2": ([EVENS, (8,), (8,)], [(8,)], ("SelectV2Options", {})),
    "SLICE": ([(8,), ints(2), ints(4)], [(4,)], None),
    "SPACE_TO_BATCH_ND": ([(1, 2, 2, 2), ints(2, 2), NO_BORDER], [(4, 1, 1, 2)], None),
    "SPACE_TO_DEPTH": ([(1, 2, 2, 2)], [(1, 1, 1, 8)], ("SpaceToDepthOptions", {"blockSize": 2})),
    "SPLIT": ([ints(0), (8,)], [(4,), (4,)], ("SplitOptions", {"numSplits": 2})),
    "SPLIT_V": ([(8,), ints(3, 5), ints(0)], [(3,), (5,)], ("SplitVOptions", {"numSplits": 2})),
    "SQUEEZE": ([(1, 8)], [(8,)], ("SqueezeOptions", {"squeezeDims": [0]})),
    "STRIDED_SLICE": ([(8,), ints(0), ints(8), ints(2)], [(4,)], ("StridedSliceOptions", {})),
    "TILE": ([(8,), ints(2)], [(16,)], None),
    "TRANSPOSE": ([(2, 4), ints(1, 0)], [(4, 2)], None),
    "UNPACK": ([(2, 4)], [(4,), (4,)], ("UnpackOptions", {"num": 2})),
    # They look alike, but rescale.
    "ADD": ([(8,), (8,)], [(8,)], ("AddOptions", {})),
    "LEAKY_RELU": ([(8,)], [(8,)], ("LeakyReluOptions", {"alpha": 0.5})),
    "MEAN": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
    "RELU": ([(8,)], [(8,)], None),
    "SUM": ([(4, 2), ints(1)], [(4,)], ("ReducerOptions", {})),
}


def built(schema: Any, name: str, dtype: str, scale: float, changed: int | None) -> bytes:
    """The model of a case; one tensor, by its place, has another scale than the others."""
    inputs, outputs, options = CASES[name]
    made = [
        A(each, dtype, scale if place == changed else 0.5, MIDDLES[dtype])
        if isinstance(each, tuple)
        else each
        for place, each in enumerate([*inputs, *outputs])
    ]
    count = len(inputs)
    version = 2 if name == "BROADCAST_TO" else 1
    return one_op(schema, name, made[:count], made[count:], options, version)


def results(content: bytes, dtype: str) -> list[list[int]] | None:
    """What LiteRT computes from 4, 8, 12 …; None if it refuses the model."""
    shapes = [tensor.shape for tensor in load(content).inputs]
    counts = [np.arange(1, 1 + int(np.prod(shape))).reshape(shape) for shape in shapes]
    try:
        found = run(content, *[(4 * count + MIDDLES[dtype]).astype(dtype) for count in counts])
    except (RuntimeError, ValueError):
        return None
    return [each.ravel().tolist() for each in found]


@pytest.mark.parametrize("dtype", MIDDLES)
@pytest.mark.parametrize("name", CASES)
def test_scales_must_be_shared_where_the_kernel_does_not_rescale(
    name: str, dtype: str, bindings: ModuleType
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    same = built(bindings, name, dtype, 0.5, None)
    expected = results(same, dtype)
    if expected is None:
        pytest.skip(f"LiteRT has no kernel of {name} for {dtype}")
    op = load(same).operators[0]
    shared = {tensor.index for tensor in ops.shared_scale(op)}
    activations = [
        tensor.index
        for tensor in (*op.inputs, *op.outputs)
        if tensor is not None and tensor.dtype == dtype
    ]

    for place in activations:
        found = results(built(bindings, name, dtype, 1.0, place), dtype)
        # Refused, or integers that are the same although they mean other numbers now.
        is_rule = found is None or found == expected
        if name == "ADD" and dtype == "int16":
            continue  # refuses scales that are no powers of two of each other, and more
        assert (place in shared) == is_rule, (place, expected, found)


def test_every_rule_of_sharing_has_a_case() -> None:
    rows = {name for name, row in ops.OPERATIONS.items() if row.shares}
    # These have tensors of several types; the real models have LSTMs.
    special = {"EMBEDDING_LOOKUP", "LSTM", "TOPK_V2", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert rows - special == set(CASES) - {"ADD", "LEAKY_RELU", "MEAN", "RELU", "SUM"}


FUNCTIONS = {
    "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
    "L2_NORMALIZATION": lambda x: x / np.linalg.norm(x),
    "LOG_SOFTMAX": lambda x: x - np.log(np.exp(x).sum()),
    "SOFTMAX": lambda x: np.exp(x) / np.exp(x).sum(),
    "TANH": np.tanh,
}
OPTIONS = {
    "L2_NORMALIZATION": ("L2NormOptions", {}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": 1.0}),
}
FIXED = [(name, dtype) for name in FUNCTIONS for dtype in ops.OPERATIONS[name].fixed]


@pytest.mark.parametrize(("name", "dtype"), FIXED)
def test_a_fixed_output_is_what_the_kernel_computes_in(
    name: str, dtype: str, bindings: ModuleType
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    fixed = ops.OPERATIONS[name].fixed[dtype]
    scale, middle = (2**-12 if dtype == "int16" else 2**-5), MIDDLES[dtype]
    real = np.array([[-2.5, -1.0, 0.0, 0.25, 0.5, 1.0, 2.0, 3.5]])
    output = A((1, 8), dtype, *fixed)
    content = one_op(
        bindings, name, [A((1, 8), dtype, scale, middle)], [output], OPTIONS.get(name), 2
    )

    found = run(content, np.round(real / scale + middle).astype(dtype))[0]

    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    exact = np.clip(FUNCTIONS[name](real) / fixed.scale + fixed.zero_point, lowest, highest)
    # Two steps for 8 bits; the tables for 16 bits are coarser than a step.
    assert np.abs(found - exact).max() <= (32 if dtype == "int16" else 2)
    assert ops.fixed_quantization(load(content).operators[0]) == fixed


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("L2_NORMALIZATION", "int8"), ("LOG_SOFTMAX", "uint8"), ("SOFTMAX", "int16")],
)
def test_some_kernels_refuse_another_zero_point(
    name: str, dtype: str, bindings: ModuleType
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    scale, zero_point = ops.OPERATIONS[name].fixed[dtype]
    ends = [
        one_op(
            bindings,
            name,
            [A((1, 8), dtype, 0.25, MIDDLES[dtype])],
            [A((1, 8), dtype, scale, point)],
            OPTIONS.get(name),
            2,
        )
        for point in (zero_point, zero_point - 1)
    ]
    values = np.zeros((1, 8), dtype)

    assert len(run(ends[0], values)) == 1
    with pytest.raises((RuntimeError, ValueError)):
        run(ends[1], values)


def test_every_fixed_output_has_a_test() -> None:
    rows = {name for name, row in ops.OPERATIONS.items() if row.fixed}
    assert rows == set(FUNCTIONS)


def all_operators(path: Path) -> list[Operator]:
    return [op for subgraph in load(path).subgraphs for op in subgraph.operators]


def test_integer_outputs_of_real_models_are_fixed_where_they_must_be(model_path: Path) -> None:
    for op in all_operators(model_path):
        if (fixed := ops.fixed_quantization(op)) is not None:
            quantization = op.outputs[0].quantization
            assert quantization is not None
            assert (quantization.scales, quantization.zero_points) == (
                (fixed.scale,),
                (fixed.zero_point,),
            )


def test_tensors_of_real_models_share_a_scale_where_they_must(model_path: Path) -> None:
    for op in all_operators(model_path):
        shared = ops.shared_scale(op)
        assert len({tensor.quantization for tensor in shared}) == min(len(shared), 1), op


@pytest.mark.parametrize(
    ("model", "fixed", "sharing"),
    [
        ("edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite", 1, 2),
        ("micro/dtln_noise_suppression.tflite", 1, 2),
        ("micro/trained_lstm_int8.tflite", 1, 2),
        ("litert/matmul_quant.tflite", 0, 1),
        ("edgetpu_pairs/split_concat.tflite", 0, 1),
        ("micro/hello_world_float.tflite", 0, 0),
    ],
)
def test_real_models_have_such_operators(
    model: str, fixed: int, sharing: int, shared_models: Path
) -> None:
    operators = all_operators(shared_models / model)
    assert sum(ops.fixed_quantization(op) is not None for op in operators) == fixed
    assert sum(ops.shared_scale(op) != () for op in operators) == sharing


@pytest.mark.parametrize("mode", ["full_integer", "int16x8"])
def test_converted_models_keep_the_rules(mode: str, digits: Any) -> None:
    model = digits(mode=mode)
    fixed = [op for op in model.operators if ops.fixed_quantization(op) is not None]

    assert [op.name for op in fixed] == ["SOFTMAX"]
    for op in fixed:
        scale, zero_point = ops.fixed_quantization(op)
        quantization = op.outputs[0].quantization
        assert (quantization.scales, quantization.zero_points) == ((scale,), (zero_point,))
    for op in model.operators:
        assert len({tensor.quantization for tensor in ops.shared_scale(op)}) <= 1

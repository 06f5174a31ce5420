"""Facts about constants, and about where an operator stands."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from one_op import A, one_op

from tfq.model import Operator, load
from tfq.ops.facts import fact

IMAGE = (1, 4, 4, 8)


@pytest.fixture
def make(bindings: ModuleType, tmp_path: Path) -> Any:
    """Makes an operator; constants get the scale 0.05 and the zero point 0."""

    def make(name: str, inputs: list[Any], outputs: list[A], options: Any = None) -> Operator:
        path = tmp_path / "one.tflite"
        path.write_bytes(one_op(bindings, name, inputs, outputs, options))
        return load(path).operators[0]

    return make


def test_constants_that_are_nothing_but_zeros(make: Any) -> None:
    def pad(value: int) -> Operator:
        given = np.full(IMAGE, value, np.int8)
        return make("CONCATENATION", [A(IMAGE), given], [A((1, 4, 4, 16))])

    assert fact(pad(0), "constants_zero") is True
    assert fact(pad(1), "constants_zero") is False
    assert fact(make("CONCATENATION", [A(IMAGE)], [A(IMAGE)]), "constants_zero") is True


@pytest.mark.parametrize("dtype", ["STRING", "RESOURCE", "VARIANT"])
def test_what_is_no_number_is_no_zero(
    bindings: ModuleType, pack: Any, tmp_path: Path, dtype: str
) -> None:
    content = one_op(bindings, "CONCATENATION", [A((1,)), np.zeros((1,), np.int8)], [A((2,))])
    model = bindings.ModelT.InitFromPackedBuf(content, 0)
    model.subgraphs[0].tensors[1].type = getattr(bindings.TensorType, dtype)
    path = tmp_path / "text.tflite"
    path.write_bytes(pack(model))
    assert fact(load(path).operators[0], "constants_zero") is False


@pytest.mark.parametrize(
    ("shape", "dimensions", "per_channel"),
    [
        ((), 0, False),
        ((8,), 1, False),
        ((1, 1, 1, 8), 1, True),
        ((1, 1, 4, 8), 2, False),
        ((1, 1, 1, 1), 0, False),
    ],
)
def test_the_shape_of_a_constant(
    make: Any, shape: tuple[int, ...], dimensions: int, per_channel: bool
) -> None:
    op = make("MUL", [A(IMAGE), np.ones(shape, np.int8)], [A(IMAGE)])
    assert fact(op, "constant_dimensions") == (dimensions,)
    assert fact(op, "constant_per_channel") is per_channel


@pytest.mark.parametrize(
    ("before", "factor", "after", "expected"),
    [
        # A constant of 40 with the scale 0.05 is the factor 2.
        (A(IMAGE, scale=1.0), 40, A(IMAGE, scale=2.0), True),
        (A(IMAGE, scale=0.3), 40, A(IMAGE, scale=0.6), True),
        (A(IMAGE, scale=1.0, zero_point=3), 40, A(IMAGE, scale=2.0, zero_point=3), True),
        (A(IMAGE, scale=1.0), 40, A(IMAGE, scale=2.1), False),
        (A(IMAGE, scale=1.0, zero_point=3), 40, A(IMAGE, scale=2.0), False),
        (A(IMAGE, scale=1.0), -40, A(IMAGE, scale=2.0), False),
    ],
)
def test_a_factor_that_only_changes_the_scale(
    make: Any, before: A, factor: int, after: A, expected: bool
) -> None:
    op = make("MUL", [before, np.array(factor, np.int8)], [after])
    assert fact(op, "factor_changes_nothing") is expected


def test_only_a_scalar_can_change_nothing(make: Any) -> None:
    factors = np.full((8,), 40, np.int8)
    op = make("MUL", [A(IMAGE), factors], [A(IMAGE, scale=2.0)])
    assert fact(op, "factor_changes_nothing") is False
    assert fact(make("MUL", [A(IMAGE)] * 2, [A(IMAGE)]), "factor_changes_nothing") is False


@pytest.mark.parametrize(("alpha", "sizes"), [((8,), ()), ((1, 1, 8), (1, 1)), ((4, 4, 8), (4, 4))])
def test_the_slopes_of_prelu(make: Any, alpha: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    op = make("PRELU", [A(IMAGE), np.ones(alpha, np.int8)], [A(IMAGE)])
    assert fact(op, "alpha_outer_sizes") == sizes
    assert fact(make("RELU", [A(IMAGE)], [A(IMAGE)]), "alpha_outer_sizes") is None


def test_only_those_who_read_the_models_input_know_its_size(shared_models: Path) -> None:
    name = "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"
    first, second, *_ = load(shared_models / name).operators
    assert fact(first, "model_input_height") == fact(first, "model_input_width") == (128,)
    assert fact(second, "model_input_height") == fact(second, "model_input_width") == ()
    assert fact(second, "operator") == "DEPTHWISE_CONV_2D"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1, 1, 5, 10), (5, 10), True),
        ((1, 5, 1, 10), (5, 10), False),
        ((1, 1, 1, 10), (1, 10), True),
        ((5, 1, 10), (5, 10), False),
        ((1, 1, 1), (1,), True),
    ],
)
def test_which_dimensions_squeeze_takes(
    make: Any, before: tuple[int, ...], after: tuple[int, ...], expected: bool
) -> None:
    op = make("SQUEEZE", [A(before)], [A(after)], ("SqueezeOptions", {}))
    assert fact(op, "squeezes_leading") is expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((4, 4), (8, 8), True),
        ((4, 4), (7, 8), True),
        ((4, 4), (8, 9), False),
        ((4, 4), (4, 4), False),
    ],
)
def test_a_resize_to_twice_the_size(
    make: Any, before: tuple[int, int], after: tuple[int, int], expected: bool
) -> None:
    sizes = np.array(after, np.int32)
    op = make("RESIZE_BILINEAR", [A((1, *before, 8)), sizes], [A((1, *after, 8))])
    assert fact(op, "resize_doubles") is expected


@pytest.mark.parametrize(
    ("name", "shape", "block", "expected"),
    [
        ("DEPTH_TO_SPACE", (1, 4, 4, 8), 2, True),
        ("DEPTH_TO_SPACE", (1, 4, 4, 6), 2, False),
        ("SPACE_TO_DEPTH", (1, 4, 6, 3), 2, True),
        ("SPACE_TO_DEPTH", (1, 4, 6, 3), 4, False),
        ("SPACE_TO_DEPTH", (4, 6, 3), 2, False),
    ],
)
def test_blocks_that_fit(
    make: Any, name: str, shape: tuple[int, ...], block: int, expected: bool
) -> None:
    table = "DepthToSpaceOptions" if name == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    op = make(name, [A(shape)], [A(shape)], (table, {"blockSize": block}))
    assert fact(op, "block_fits") is expected


@pytest.mark.parametrize(
    ("shapes", "broadcasts", "alike"),
    [
        ([(2, 8), (2, 8)], False, True),
        ([(2, 8), (1, 8)], True, False),
        ([(2, 8), (2, 1)], False, False),
        ([(2, 8), (8,)], False, False),
        ([(2, 4, 8), (4, 8)], False, False),
    ],
)
def test_inputs_of_different_shapes(
    make: Any, shapes: list[tuple[int, ...]], broadcasts: bool, alike: bool
) -> None:
    op = make("ADD", [A(shape) for shape in shapes], [A(shapes[0])])
    assert fact(op, "broadcasts_batch") is broadcasts
    assert fact(op, "inputs_alike") is alike


def test_how_many_values_a_reduction_makes_one(make: Any) -> None:
    axes = np.array([1, 2], np.int32)
    assert fact(make("MEAN", [A((1, 7, 7, 8)), axes], [A((1, 8))]), "reduced_values") == 49
    assert fact(make("MEAN", [A((1, 7, 7, 0)), axes], [A((1, 0))]), "reduced_values") is None


@pytest.mark.parametrize(("shape", "dimensions"), [((1, 10), 1), ((2, 10), 2), ((), 0), ((1,), 0)])
def test_dimensions_of_the_output_without_ones(
    make: Any, shape: tuple[int, ...], dimensions: int
) -> None:
    assert fact(make("TANH", [A(shape)], [A(shape)]), "output_dimensions") == dimensions

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfq.model import Quantization, load


@pytest.fixture
def quantization(edited: Any, bindings: Any, shared_models: Path) -> Callable[..., Any]:
    """Gives a tensor of a real model other quantization parameters, and returns what tfq reads."""

    def quantization(dtype: str = "INT8", **fields: Any) -> Quantization | None:
        def change(model: Any) -> None:
            parameters = bindings.QuantizationParametersT(**fields)
            model.subgraphs[0].tensors[6].quantization = parameters
            model.subgraphs[0].tensors[6].type = getattr(bindings.TensorType, dtype)

        content = edited(shared_models / "micro/hello_world_int8.tflite", change)
        return load(content).tensors[6].quantization

    return quantization


def test_a_channel_each_has_its_scale(shared_models: Path) -> None:
    weights = load(shared_models / "micro/micro_speech_quantized.tflite").tensors[8]

    assert weights.quantization is not None
    assert weights.quantization.granularity == "per_channel"
    assert weights.quantization.quantized_dimension == 3
    assert len(weights.quantization.scales) == weights.shape[3] == 8
    assert weights.quantization.zero_points == (0,) * 8
    assert weights.quantization.symmetric
    assert repr(weights.quantization) == (
        "<Quantization per_channel scale=0.000622244, 0.0001427, 0.000753062, 0.000436574, …"
        " zero_point=0, 0, 0, 0, …>"
    )


def test_blocks_have_their_scales_in_a_tensor(shared_models: Path) -> None:
    model = load(shared_models / "litert/blockwise_quantized.tflite")
    blocks = model.tensors[2].quantization

    assert blocks is not None
    assert blocks.granularity == "blockwise"
    assert blocks.block_size == 32
    assert blocks.scales == tuple(model.tensors[0].numpy().tolist()) == (1.0, 2.0)
    assert blocks.zero_points == (0, 0)


def test_scales_on_several_axes_are_no_longer_per_channel(quantization: Any, bindings: Any) -> None:
    details = bindings.MultiAxisQuantizationT(
        scales=6, zeroPoints=-1, blockSize=0, quantizedDimensions=[0, 1]
    )
    axes = quantization(detailsType=3, details=details)

    assert axes.granularity == "blockwise"
    assert axes.quantized_dimensions == (0, 1)
    assert axes.zero_points == ()


def test_parameters_without_scales_are_none(quantization: Any) -> None:
    assert quantization(min=[0.0], max=[1.0]) is None
    assert quantization(scale=[], zeroPoint=[]) is None


def test_one_scale_is_per_tensor_even_for_one_channel(quantization: Any) -> None:
    assert (
        quantization(scale=[0.5], zeroPoint=[0], quantizedDimension=1).granularity == "per_tensor"
    )


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ([0.5, 0.25, 4.0], True),
        ([2.0**-20], True),
        ([0.5, 0.3], False),
        ([0.0], False),
        ([-0.5], False),
        ([float("inf")], False),
    ],
)
def test_power_of_two(scales: list[float], expected: bool, quantization: Any) -> None:
    assert quantization(scale=scales, zeroPoint=[0] * len(scales)).power_of_two is expected


@pytest.mark.parametrize(
    ("dtype", "zero_points", "expected"),
    [
        ("INT8", [0, 0], True),
        ("INT8", [0, 3], False),
        ("UINT8", [128], True),
        ("UINT8", [0], False),
    ],
)
def test_symmetric(dtype: str, zero_points: list[int], expected: bool, quantization: Any) -> None:
    scales = [0.5] * len(zero_points)
    assert quantization(dtype, scale=scales, zeroPoint=zero_points).symmetric is expected


def test_ranges_of_calibration_are_kept(quantization: Any) -> None:
    seen = quantization(scale=[0.5], zeroPoint=[0], min=[-1.5], max=[2.0])

    assert (seen.min, seen.max) == ((-1.5,), (2.0,))


def test_equal_parameters_are_equal(quantization: Any) -> None:
    one = quantization(scale=[0.5], zeroPoint=[3], quantizedDimension=0)
    same = quantization(scale=[0.5], zeroPoint=[3], quantizedDimension=1)
    other = quantization(scale=[0.5], zeroPoint=[4])

    assert one == same
    assert len({one, same, other}) == 2
    assert one != "something else"


def test_float16_scales_are_read_without_numpy(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].type = 1
        model.buffers[1].data = np.array([0.5, 2.0], np.float16).view(np.uint8)

    model = load(edited(shared_models / "litert/blockwise_quantized.tflite", change))

    assert model.tensors[2].quantization is not None
    assert model.tensors[2].quantization.scales == (0.5, 2.0)

"""What tfq counts, against Arm's compiler vela and TensorFlow Lite for Microcontrollers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from one_op import A, one_op

from tfq import Model, ops
from tfq.model import load

RANDOM = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return RANDOM.integers(-127, 127, shape).astype(np.int8)


def biases(count: int) -> np.ndarray:
    return np.zeros(count, np.int32)


def strided(step: int) -> dict[str, int]:
    return {"strideW": step, "strideH": step}


def stepping(step: int, **more: int) -> dict[str, int]:
    return strided(step) | {"dilationWFactor": 1, "dilationHFactor": 1} | more


IMAGE = A((1, 8, 8, 16), scale=0.05)
SMALL: dict[str, tuple[Any, ...]] = {
    "plain": (
        "CONV_2D",
        [IMAGE, weights(32, 3, 3, 16), biases(32)],
        A((1, 8, 8, 32)),
        ("Conv2DOptions", stepping(1)),
    ),
    "groups": (
        "CONV_2D",
        [IMAGE, weights(32, 3, 3, 8), biases(32)],
        A((1, 8, 8, 32)),
        ("Conv2DOptions", stepping(1)),
    ),
    "dilation": (
        "CONV_2D",
        [IMAGE, weights(32, 3, 3, 16), biases(32)],
        A((1, 8, 8, 32)),
        ("Conv2DOptions", stepping(1, dilationWFactor=2, dilationHFactor=2)),
    ),
    "valid, stride 2": (
        "CONV_2D",
        [IMAGE, weights(32, 3, 3, 16), biases(32)],
        A((1, 3, 3, 32)),
        ("Conv2DOptions", stepping(2, padding=1)),
    ),
    "depth multiplier": (
        "DEPTHWISE_CONV_2D",
        [IMAGE, weights(1, 3, 3, 32), biases(32)],
        A((1, 8, 8, 32)),
        ("DepthwiseConv2DOptions", stepping(1, depthMultiplier=2)),
    ),
    "batch": (
        "FULLY_CONNECTED",
        [A((4, 32)), weights(10, 32), biases(10)],
        A((4, 10)),
        ("FullyConnectedOptions", {}),
    ),
    "matrices": (
        "BATCH_MATMUL",
        [A((1, 4, 32)), A((1, 32, 10))],
        A((1, 4, 10)),
        ("BatchMatMulOptions", {}),
    ),
    "transposed": (
        "TRANSPOSE_CONV",
        [np.array([1, 8, 8, 8], np.int32), weights(8, 3, 3, 16), IMAGE],
        A((1, 8, 8, 8)),
        ("TransposeConvOptions", strided(1)),
    ),
    "transposed, stride 2": (
        "TRANSPOSE_CONV",
        [np.array([1, 16, 16, 8], np.int32), weights(8, 3, 3, 16), IMAGE],
        A((1, 16, 16, 8)),
        ("TransposeConvOptions", strided(2)),
    ),
}


def macs_by_name(model: Model) -> dict[str, int]:
    total: Counter[str] = Counter()
    for op in model.operators:
        total[op.name] += op.macs
    return dict(+total)


@pytest.mark.parametrize("case", SMALL)
def test_vela_counts_the_same_macs_of_an_operator(
    case: str, bindings: ModuleType, measuring: SimpleNamespace, tmp_path: Path
) -> None:
    pytest.importorskip("ethosu.vela")
    name, inputs, output, options = SMALL[case]
    path = tmp_path / "model.tflite"
    path.write_bytes(one_op(bindings, name, inputs, [output], options))

    theirs = measuring.vela(path).macs

    # vela inserts a row and a column of zeros behind each, and counts the products with those too.
    zeros = 4 if case == "transposed, stride 2" else 1
    assert {name: theirs[name] / zeros} == macs_by_name(load(path))


@pytest.mark.parametrize(
    "model",
    [
        "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant.tflite",
        "edgetpu_pairs/keras_lstm_mnist_ptq.tflite",
        "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite",
        "micro/conv0.tflite",
        "micro/dtln_noise_suppression.tflite",
        "micro/hello_world_int8.tflite",
        "micro/micro_speech_quantized.tflite",
        "micro/trained_lstm_int8.tflite",
    ],
)
def test_vela_counts_the_same_macs_of_real_models(
    model: str, measuring: SimpleNamespace, shared_models: Path
) -> None:
    pytest.importorskip("ethosu.vela")
    path = shared_models / model
    compiled = measuring.vela(path)

    assert compiled.macs == macs_by_name(load(path))
    # Its total has elements that go through its pooling unit besides: few of them.
    assert 0.95 * compiled.total < sum(compiled.macs.values()) <= compiled.total


@pytest.mark.parametrize("mode", ["full_integer", "int16x8"])
def test_vela_counts_the_same_macs_of_converted_models(
    mode: str, digits: Any, measuring: SimpleNamespace, tmp_path: Path
) -> None:
    pytest.importorskip("ethosu.vela")
    model = digits(mode=mode)
    model.save(tmp_path / "model.tflite")

    assert measuring.vela(tmp_path / "model.tflite").macs == macs_by_name(model)


def test_the_peak_is_at_most_what_tflite_micro_allocates(
    model_path: Path, measuring: SimpleNamespace
) -> None:
    pytest.importorskip("tflite_micro")
    arena = measuring.arena(model_path)
    if arena is None:
        assert model_path.parent.name != "micro"
        pytest.skip("tflite-micro cannot run it")

    assert ops.peak_activations(load(model_path)).bytes <= arena


def test_the_peak_of_a_converted_model_is_near_what_tflite_micro_allocates(
    digits: Any, measuring: SimpleNamespace, tmp_path: Path
) -> None:
    pytest.importorskip("tflite_micro")
    model = digits(mode="full_integer")
    model.save(tmp_path / "model.tflite")
    arena = measuring.arena(tmp_path / "model.tflite")
    peak = ops.peak_activations(model).bytes

    assert 0.1 * arena < peak <= arena

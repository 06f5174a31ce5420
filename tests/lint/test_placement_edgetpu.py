"""Which operators the Edge TPU takes: each limit that is written, and what its compiler did."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import device_ops as d
import pytest
from device_ops import A, C, image, ints
from graphs import Graph, Op, T

from tfq import profiles
from tfq.lint.placement import place
from tfq.model import Model, load

Build = Callable[..., Model]
PAIRS = [
    "deeplabv3_mnv2_dm05_pascal_quant",
    "keras_lstm_mnist_ptq",
    "mobilenet_v1_0.25_128_quant",
    "split_concat",
]
BATCH = "expected at least 1 (not over the batch)"


@pytest.mark.parametrize("name", PAIRS)
def test_every_operator_is_where_the_compiler_put_it(shared_models: Path, name: str) -> None:
    folder = shared_models / "edgetpu_pairs"
    compiled = load(folder / f"{name}_edgetpu.tflite")
    rest = [each for each in compiled.operators if each.name != "edgetpu-custom-op"]
    on_cpu = {tensor.name for each in rest for tensor in each.outputs}
    placement = place(load(folder / f"{name}.tflite"), profiles.load("edgetpu"))
    for each in placement.operators:
        (made, *_) = each.operator.outputs
        assert each.target == ("cpu" if made.name in on_cpu else "accelerator"), each
    assert placement.partitions == 1


def test_the_benchmark_prints_how_many_agree(shared_models: Path, capsys: Any) -> None:
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "edgetpu_pairs.py"
    runpy.run_path(str(script))["main"]([str(shared_models / "edgetpu_pairs")])
    *lines, total = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == PAIRS
    assert total.split() == ["all", "112", "8", "8", "112"]


def test_after_the_first_operator_that_stays_on_the_cpu_all_that_needs_it_does(
    build: Build,
) -> None:
    names = ["x", "a", "b", "c", "d"]
    graph = Graph(
        [T(name, scales=1, shape=(1, 8, 8, 16)) for name in names],
        [
            Op("TANH", ["x"], ["a"]),
            Op("ELU", ["a"], ["b"]),
            Op("TANH", ["b"], ["c"]),
            Op("TANH", ["a"], ["d"]),
        ],
        ["x"],
        ["c", "d"],
    )
    placement = place(build(graph), profiles.load("edgetpu"))
    targets = [each.target for each in placement.operators]
    assert targets == ["accelerator", "cpu", "cpu", "accelerator"]
    assert [each.after_end for each in placement.operators] == [False, False, True, False]
    assert placement.operators[1].reason == "edgetpu has no ELU"


ROWS: list[tuple[Graph, str]] = [
    (d.unary("ADD", A((1, 8))), ""),
    (d.unary("TANH", image(dtype="uint8")), ""),
    (d.unary("TANH", image(dtype="int16")), "int16 activations, edgetpu takes int8 or uint8"),
    (
        d.unary("TANH", image(dtype="int32")),
        "activation types is int32, expected one of int8, uint8",
    ),
    (d.unary("TANH", image(dtype="float32")), "float compute, edgetpu takes integer"),
    (d.unary("TANH", image(signature=(1, -1, 8, 16))), "static is no, expected yes"),
    (d.unary("TANH", A((1, 1, 4, 4, 4))), ""),
    (d.unary("TANH", A((1, 2, 4, 4, 4))), "outer sizes is 1, 2, expected 1 (only the three inner"),
    (d.pool("AVERAGE_POOL_2D", (2, 2), (2, 2)), ""),
    (d.pool("AVERAGE_POOL_2D", (2, 2), (2, 2), activation="RELU"), "fused activation is RELU"),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2)), ""),
    (d.pool("MAX_POOL_2D", (2, 2), (2, 2), activation="RELU6"), "fused activation is RELU6"),
    (d.concatenation([image(), image()], image(depth=32)), ""),
    (d.concatenation([image(), image()], image(depth=32), activation="RELU"), "fused activation"),
    (d.concatenation([image(), C((1, 8, 8, 16), 3, zero_point=3)], image(depth=32)), ""),
    (
        d.concatenation([image(), C((1, 8, 8, 16), 4, zero_point=3)], image(depth=32)),
        "constants zero is no, expected yes (a constant can only pad with zeros)",
    ),
    (
        d.concatenation([image(), image(), C((1, 8, 8, 16), 0)], image(depth=48)),
        "inputs is 3, expected 2",
    ),
    (d.convolution(dilations=(2, 2)), ""),
    (d.convolution(dilations=(1, 2)), "dilations equal is no"),
    (d.convolution(depthwise=True, dilations=(2, 1)), "dilations equal is no"),
    (d.dense(), ""),
    (d.dense((2, 10)), "output dimensions is 2, expected at most 1"),
    (d.dense(weights_format=1), "weights format is SHUFFLED4x16INT8, expected DEFAULT"),
    (d.reduction("MEAN", (1, 2), (1, 7, 7, 5)), ""),
    (d.reduction("MEAN", (0,), (1, 7, 7, 8)), f"axes is 0, {BATCH}"),
    (d.reduction("MEAN", (-1,), (1, 7, 7, 8)), ""),
    (d.reduction("MEAN", (3,), (1, 7, 7, 6)), "input depth is 6, expected a multiple of 4 (over"),
    (d.reduction("SUM", (1,), (1, 7, 7, 8)), ""),
    (d.reduction("SUM", (0, 1), (1, 7, 7, 8)), f"axes is 0, 1, {BATCH}"),
    (d.reduction("REDUCE_MAX", (-4,), (1, 7, 7, 8)), f"axes is 0, {BATCH}"),
    (d.reduction("REDUCE_MIN", (0,), (1, 7, 7, 8)), f"axes is 0, {BATCH}"),
    (d.single("PACK", [A((8, 8))] * 2, [A((8, 2, 8))], ("PackOptions", {"axis": 1})), ""),
    (d.single("PACK", [A((8, 8))] * 2, [A((2, 8, 8))], ("PackOptions", {"axis": 0})), "axes is 0"),
    (d.pad((0, 0), (1, 1), (1, 1), (2, 0)), ""),
    (d.pad((1, 0), (0, 0), (0, 0), (0, 0)), "pads batch is yes, expected no"),
    (d.single("PAD", [image(), A((4, 2), "int32")], [image()]), "activation types is int8, int32"),
    (d.single("PRELU", [image(), C((1, 1, 16))], [image()]), ""),
    (d.single("PRELU", [image(), C((8, 8, 16))], [image()]), "alpha outer sizes is 8, expected 1"),
    (d.split(3, [(1, 8, 8, 8)] * 2, (1, 8, 8, 16)), ""),
    (d.split(0, [(1, 8, 8)] * 2, (2, 8, 8)), "axes is 0, expected at least 1 (not along"),
    (d.single("SQUEEZE", [A((1, 1, 5, 10))], [A((5, 10))], ("SqueezeOptions", {})), ""),
    (
        d.single("SQUEEZE", [A((5, 1, 10))], [A((5, 10))], ("SqueezeOptions", {})),
        "squeezes leading",
    ),
    (d.strided_slice((1, 1, 1, 1)), ""),
    (d.strided_slice((1, 2, 1, 1)), "slice strides is 1, 2, expected 1"),
    (d.strided_slice((1, 1, 1, 1), ellipsisMask=1), "ellipsis mask is 1, expected 0"),
    (d.strided_slice((1, 1, 1, 1), newAxisMask=2), "new axis mask is 2, expected 0"),
    (d.unary("SOFTMAX", A((1, 16000))), ""),
    (d.unary("SOFTMAX", A((1, 16001))), "input elements is 16001, expected at most 16000"),
    (d.unary("SOFTMAX", A((4, 10))), "non singleton dimensions is 2, expected at most 1"),
    (d.resize("RESIZE_BILINEAR", (8, 8), (32, 32)), ""),
    (d.resize("RESIZE_BILINEAR", (1, 1), (33, 33)), "input height is 1, expected at least 2"),
    (d.resize("RESIZE_BILINEAR", (1, 1), (1, 1)), ""),
    (d.resize("RESIZE_NEAREST_NEIGHBOR", (8, 8), (16, 16)), ""),
    (
        d.single("TRANSPOSE", [A((4, 6)), A((2,), "int32")], [A((6, 4))]),
        "activation types is int8, int32",
    ),
    (d.single("CONV_2D", [image(), image(3, 3), C((1,))], [image()]), "weights constant is no"),
    (d.transpose_conv((3, 3), (2, 2)), ""),
    (d.unary("ELU"), "edgetpu has no ELU"),
    (d.unary("TFLite_Detection_PostProcess"), "edgetpu has no TFLite_Detection_PostProcess"),
    (d.single("ARG_MAX", [image(), ints(3)], [A((1, 8, 8), "int64")]), "edgetpu has no ARG_MAX"),
]


@pytest.mark.parametrize(("graph", "reason"), ROWS)
@pytest.mark.parametrize("profile", ["edgetpu", "artpec7"])
def test_an_operator_at_or_beyond_a_limit(
    build: Build, profile: str, graph: Graph, reason: str
) -> None:
    (placed,) = place(build(graph), profiles.load(profile)).operators
    assert placed.target == ("cpu" if reason else "accelerator"), placed.reason
    assert reason.replace("edgetpu", profile) in placed.reason
    assert bool(placed.reason) == bool(reason)


TAKEN = [
    "ADD",
    "EXPAND_DIMS",
    "L2_NORMALIZATION",
    "LOGISTIC",
    "MAXIMUM",
    "MINIMUM",
    "MUL",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RESHAPE",
    "RSQRT",
    "SLICE",
    "SPACE_TO_DEPTH",
    "SUB",
    "SQUARED_DIFFERENCE",
    "TANH",
    "TRANSPOSE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
]


@pytest.mark.parametrize("name", TAKEN)
def test_an_operator_without_limits(build: Build, name: str) -> None:
    (placed,) = place(build(d.unary(name)), profiles.load("edgetpu")).operators
    assert (placed.target, placed.reason) == ("accelerator", "")


def test_artpec7_is_the_edge_tpu_and_recommends_one_scale_a_channel() -> None:
    bare, built_in = profiles.load("edgetpu"), profiles.load("artpec7")
    assert built_in.operators == bare.operators
    assert built_in.misfit == bare.misfit
    assert bare.misfit[:2] == ("cpu", True)
    assert built_in.quantization.granularity.recommended == "per_channel"
    assert bare.quantization.granularity.recommended is None
    assert set(bare.quantization.granularity.allowed) == {"per_tensor", "per_channel"}
    assert built_in.memory.weights == 8 << 20
    assert "streamed" in built_in.memory.why
    assert built_in.shapes.static
    assert any("edgetpu-custom-op" in hint for hint in built_in.hints)


def test_the_reason_tells_value_limit_and_why(build: Build) -> None:
    model = build(d.reduction("MEAN", (3,), (1, 7, 7, 6)))
    (placed,) = place(model, profiles.load("edgetpu")).operators
    assert placed.reason == (
        "axes from end is -1, expected anything but -1; input depth is 6, expected a multiple of 4"
        " (over the depth only if that is a multiple of 4)"
    )


def test_a_state_between_runs_is_no_activation(build: Build) -> None:
    graph: Any = d.unary("UNIDIRECTIONAL_SEQUENCE_LSTM", A((1, 28, 28)))
    state = T("state", "int16", 1, shape=(1, 20), variable=True)
    (lstm,) = graph.operators
    graph = graph._replace(
        tensors=[*graph.tensors, state],
        operators=[lstm._replace(inputs=[*lstm.inputs, *[None] * 17, "state"])],
    )
    (placed,) = place(build(graph), profiles.load("edgetpu")).operators
    assert (placed.target, placed.reason) == ("accelerator", "")

"""Every kind of layer computes what it should, whatever its weights became and who runs it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph, dice
from op_nets import precision

import tfq
from tfq import errors, ops

pytest.importorskip("ai_edge_litert")
pytest.importorskip("litert_quantizer")

# In dB, with XNNPACK and without. Rounding random weights leaves 39 to 49, to 15 steps 15 to 22.
ENOUGH = {8: 35, 4: 14}
WAYS = [
    (mode, granularity, bits)
    for mode in ("dynamic_range", "weight_only")
    for granularity in ("per_channel", "per_tensor")
    for bits in (8, 4)
]


def convolution(graph: Graph) -> int:
    return graph.conv(graph.input(1, 8, 8, 16), dice(1, 24, 3, 3, 16), dice(2, 24))


def grouped(graph: Graph) -> int:
    weights, bias = graph.constant(dice(1, 24, 3, 3, 4)), graph.constant(dice(2, 24))
    return graph.op("CONV_2D", [graph.input(1, 8, 8, 16), weights, bias], 1, 8, 8, 24)


def depthwise(**options: Any) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        data = graph.input(1, 8, 8, 16)
        return graph.conv(data, dice(1, 1, 3, 3, 16), dice(2, 16), depthwise=True, **options)

    return build


def multiplied(graph: Graph) -> int:
    return graph.conv(graph.input(1, 8, 8, 16), dice(1, 1, 3, 3, 32), dice(2, 32), depthwise=True)


def transposed(graph: Graph) -> int:
    inputs = [graph.constant([1, 16, 16, 8], "i4"), graph.constant(dice(1, 8, 3, 3, 16))]
    inputs += [graph.input(1, 8, 8, 16), graph.constant(dice(2, 8))]
    return graph.op("TRANSPOSE_CONV", inputs, 1, 16, 16, 8, strideH=2, strideW=2)


def along_time(graph: Graph) -> int:
    """Conv1D, as Keras makes it."""
    data, shape = graph.input(1, 32, 16), graph.constant([1, 1, 32, 16], "i4")
    wide = graph.op("RESHAPE", [data, shape], 1, 1, 32, 16)
    made = graph.conv(wide, dice(1, 24, 1, 5, 16), dice(2, 24))
    return graph.op("RESHAPE", [made, graph.constant([1, 32, 24], "i4")], 1, 32, 24)


def dense(graph: Graph) -> int:
    return graph.dense(graph.input(1, 64), dice(1, 32, 64), dice(2, 32), activation="RELU")


def embedding(graph: Graph) -> int:
    table = graph.constant(dice(1, 50, 64))
    return graph.op("EMBEDDING_LOOKUP", [graph.input(4, dtype="int32"), table], 4, 64)


def products(graph: Graph) -> int:
    inputs = [graph.input(2, 8, 32), graph.constant(dice(1, 2, 32, 16))]
    return graph.add("BATCH_MATMUL", inputs, [(2, 8, 16)], ("BatchMatMulOptions", {}))


LAYERS = {
    "CONV_2D": convolution,
    "CONV_2D with groups": grouped,
    "DEPTHWISE_CONV_2D": depthwise(),
    "DEPTHWISE_CONV_2D with RELU6": depthwise(activation="RELU6"),
    "DEPTHWISE_CONV_2D, dilated": depthwise(dilationHFactor=2, dilationWFactor=2),
    "DEPTHWISE_CONV_2D with a multiplier": multiplied,
    "TRANSPOSE_CONV": transposed,
    "Conv1D": along_time,
    "FULLY_CONNECTED": dense,
    "EMBEDDING_LOOKUP": embedding,
    "BATCH_MATMUL": products,
}
# What LiteRT computes wrongly, or refuses to load, with one scale.
WANTING = [each for each in LAYERS if each.startswith("DEPTHWISE") or "groups" in each]


def floats(schema: ModuleType, layer: str) -> tfq.Model:
    graph = Graph(schema)
    return graph.made(LAYERS[layer](graph))


def convert(model: Any, **options: Any) -> tuple[tfq.Model, list[warnings.WarningMessage]]:
    """The model, and what was said of layers that compute in float."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = tfq.convert(model, **options)
    said = [each for each in caught if each.category is errors.ConversionWarning]
    return made, [each for each in said if "compute in float" in str(each.message)]


def weights(model: tfq.Model) -> tfq.model.Tensor:
    (found,) = [ops.stored(op.weights) for op in model.operators if op.weights is not None]
    return found


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("mode", "granularity", "bits"), WAYS)
def test_outputs_are_near(
    bindings: ModuleType, layer: str, mode: str, granularity: str, bits: int
) -> None:
    model = floats(bindings, layer)
    made, _ = convert(model, mode=mode, granularity=granularity, weight_bits=bits)
    assert weights(made).dtype in ("int8", f"int{bits}")
    assert weights(made).quantization.granularity == granularity
    assert precision(model, made) > ENOUGH[8 if weights(made).dtype == "int8" else 4]


@pytest.mark.parametrize("layer", LAYERS)
def test_dynamic_range_computes_in_integers_where_litert_can(
    bindings: ModuleType, layer: str
) -> None:
    for granularity in ("per_channel", "per_tensor"):
        made, said = convert(floats(bindings, layer), mode="dynamic_range", granularity=granularity)
        unpacks = granularity == "per_tensor" and layer in WANTING
        assert ("hybrid" in {op.compute for op in made.operators}) == (not unpacks)
        assert len(said) == unpacks
        assert not tfq.lint(made, "cpu").findings


def test_a_warning_counts_the_layers_that_compute_in_float(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    data = depthwise()(graph)
    model = graph.made(graph.conv(data, dice(3, 8, 1, 1, 16), dice(4, 8)))
    _, (warning,) = convert(model, mode="dynamic_range", granularity="per_tensor")
    assert str(warning.message) == (
        "1 of 2 layers compute in float on their integer weights: DEPTHWISE_CONV_2D (1); "
        "LiteRT's kernels for float activations need granularity per_channel there"
    )


def test_layers_that_share_weights_share_what_unpacks_them(bindings: ModuleType) -> None:
    graph = Graph(bindings)
    inputs = [graph.constant(dice(1, 1, 3, 3, 16)), graph.constant(dice(2, 16))]
    data = graph.input(1, 8, 8, 16)
    for _ in range(2):
        data = graph.op("DEPTHWISE_CONV_2D", [data, *inputs])
    model = graph.made(data)
    made, _ = convert(model, mode="dynamic_range", granularity="per_tensor")
    names = [op.name for op in made.operators]
    assert names == ["DEQUANTIZE", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D"]
    assert precision(model, made) > ENOUGH[8]


def test_what_tflite_converter_makes_computes_right_too() -> None:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    # TFLiteConverter leaves weights of fewer than 1024 elements in float.
    image, sound = keras.Input((8, 8, 64)), keras.Input((16, 32))
    outputs = [
        keras.layers.DepthwiseConv2D(5)(image),
        keras.layers.Conv2D(64, 3, groups=4)(image),
        keras.layers.Conv1D(32, 3)(sound),
        keras.layers.LSTM(32)(sound),
    ]
    source = keras.Model([image, sound], outputs)
    model = tfq.convert(source, mode="float32")
    for granularity in ("per_tensor", "per_channel"):
        made, said = convert(source, mode="dynamic_range", granularity=granularity)
        assert made.applied.converter == "TFLiteConverter"
        assert [str(each.message)[:42] for each in said] == (
            ["2 of 5 layers compute in float on their in"] if granularity == "per_tensor" else []
        )
        assert precision(model, made) > ENOUGH[8]


def test_a_constant_input_of_zeros_gives_the_bias(bindings: ModuleType) -> None:
    for layer in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        model = floats(bindings, layer)
        made, _ = convert(model, mode="dynamic_range", granularity="per_tensor")
        (name,) = made.input_names
        zeros = {name: np.zeros(model.inputs[0].shape, np.float32)}
        (expected,), (found,) = (tfq.runtime.Runner(each).run(zeros) for each in (model, made))
        np.testing.assert_allclose(found, expected, atol=1e-6)

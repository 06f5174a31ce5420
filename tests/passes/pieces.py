"""What stands between two layers: pieces that carry scales of channels, and pieces that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from layer_graphs import Graph, dice

from tfq.model import Model

# A thousand times between the smallest and the largest channel.
ROUGH = np.geomspace(0.03, 30, 8).astype(np.float32)[:, None, None, None]
Piece = Callable[[Graph, int], int]


def between(schema: Any, piece: Piece) -> Model:
    """A convolution with rough channels, something, and a layer that reads what that makes."""
    graph = Graph(schema)
    rough = graph.conv(graph.input(1, 4, 4, 3), dice(1, 8, 3, 3, 3) * ROUGH, dice(2, 8))
    made = piece(graph, rough)
    shape = graph.shape(made)
    if len(shape) == 4:
        return graph.made(graph.conv(made, dice(3, 5, 1, 1, shape[3]), dice(4, 5)))
    size = int(np.prod(shape[1:])) if shape[0] == 1 else int(np.prod(shape))
    return graph.made(graph.dense(made, dice(3, 5, size), dice(4, 5)))


def plain(name: str, *shape: int, **options: Any) -> Piece:
    return lambda graph, data: graph.op(name, [data], *shape, **options)


def with_numbers(name: str, numbers: Any, *shape: int, **options: Any) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        return graph.op(name, [data, graph.constant(numbers, "i4")], *shape, **options)

    return piece


def with_floats(name: str, values: Any, *shape: int, **options: Any) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        return graph.op(name, [data, graph.constant(values)], *shape, **options)

    return piece


def padv2(value: float) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        sizes = graph.constant([[0, 0], [1, 1], [1, 1], [0, 0]], "i4")
        padded = graph.op("PADV2", [data, sizes, graph.constant([value])], 1, 6, 6, 8)
        return graph.op("MAX_POOL_2D", [padded], 1, 5, 5, 8, padding="VALID")

    return piece


def two(name: str, **options: Any) -> Piece:
    """Something of two convolutions."""

    def piece(graph: Graph, data: int) -> int:
        other = graph.conv(data, dice(5, 8, 1, 1, 8))
        return graph.op(name, [data, other], **options)

    return piece


def residual_with_more_channels(graph: Graph, data: int) -> int:
    """MediaPipe's way: what goes round the convolution gets channels of zeros."""
    other = graph.conv(data, dice(5, 12, 3, 3, 8), dice(6, 12))
    sizes = graph.constant([[0, 0], [0, 0], [0, 0], [0, 4]], "i4")
    padded = graph.op("PAD", [data, sizes], 1, 4, 4, 12)
    return graph.op("ADD", [padded, other], activation="RELU")


def gated(graph: Graph, data: int) -> int:
    """Squeeze and excitation."""
    squeezed = graph.op("MEAN", [data, graph.constant([1, 2], "i4")], 1, 1, 1, 8, keepDims=True)
    gate = graph.op("LOGISTIC", [graph.conv(squeezed, dice(5, 8, 1, 1, 8), dice(6, 8))])
    return graph.op("MUL", [gate, data], 1, 4, 4, 8)


def split(axis: int, *shape: int) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        inputs = [graph.constant(axis, "i4"), data]
        one, other = graph.ops("SPLIT", inputs, [shape, shape], numSplits=2)
        return graph.op("MAXIMUM", [one, other])

    return piece


def unpacked_and_packed(graph: Graph, data: int) -> int:
    parts = graph.ops("UNPACK", [data], [(1, 4, 8)] * 4, axis=1, num=4)
    return graph.op("PACK", parts[::-1], 1, 4, 4, 8, axis=1, valuesCount=4)


def concatenated(axis: int, *shape: int) -> Piece:
    def piece(graph: Graph, data: int) -> int:
        other = graph.conv(data, dice(5, 8, 1, 1, 8))
        return graph.op("CONCATENATION", [data, other], *shape, axis=axis)

    return piece


def strided(begin: list[int], end: list[int], strides: list[int], *shape: int, **masks: int) -> Any:
    def piece(graph: Graph, data: int) -> int:
        numbers = [graph.constant(each, "i4") for each in (begin, end, strides)]
        return graph.op("STRIDED_SLICE", [data, *numbers], *shape, **masks)

    return piece


def sliced(graph: Graph, data: int) -> int:
    numbers = [graph.constant(each, "i4") for each in ([0, 1, 0, 2], [1, 2, -1, 5])]
    return graph.op("SLICE", [data, *numbers], 1, 2, 4, 5)


def blocks(graph: Graph, data: int) -> int:
    block, none = graph.constant([2, 2], "i4"), graph.constant([[0, 0], [0, 0]], "i4")
    small = graph.op("SPACE_TO_BATCH_ND", [data, block, none], 4, 2, 2, 8)
    return graph.op("BATCH_TO_SPACE_ND", [small, block, none], 1, 4, 4, 8)


def transposed_conv(graph: Graph, data: int) -> int:
    inputs = [graph.constant([1, 4, 4, 6], "i4"), graph.constant(dice(5, 6, 3, 3, 8)), data]
    return graph.op("TRANSPOSE_CONV", [*inputs, graph.constant(dice(6, 6))], 1, 4, 4, 6)


CARRYING: dict[str, Piece] = {
    "nothing": lambda _, data: data,
    "RELU": plain("RELU"),
    "ABS": plain("ABS"),
    "NEG": plain("NEG"),
    "LEAKY_RELU": plain("LEAKY_RELU", alpha=0.3),
    "PRELU": with_floats("PRELU", dice(5, 1, 1, 8)),
    "average pooling": plain("AVERAGE_POOL_2D", activation="RELU"),
    "max pooling": plain("MAX_POOL_2D"),
    "PAD": with_numbers("PAD", [[0, 0], [1, 1], [1, 1], [0, 0]], 1, 6, 6, 8),
    "PAD of channels": with_numbers("PAD", [[0, 0], [0, 0], [0, 0], [1, 2]], 1, 4, 4, 11),
    "PADV2 with zeros": padv2(0),
    "PADV2 with the lowest": padv2(-np.inf),
    "MIRROR_PAD": with_numbers("MIRROR_PAD", [[0, 0], [1, 1], [1, 1], [0, 0]], 1, 6, 6, 8),
    "RESIZE_BILINEAR": with_numbers("RESIZE_BILINEAR", [7, 7], 1, 7, 7, 8),
    "RESIZE_NEAREST_NEIGHBOR": with_numbers("RESIZE_NEAREST_NEIGHBOR", [7, 7], 1, 7, 7, 8),
    "MEAN": with_numbers("MEAN", [1, 2], 1, 8),
    "SUM": with_numbers("SUM", [-3], 1, 4, 8),
    "REDUCE_MAX": with_numbers("REDUCE_MAX", [1, 2], 1, 1, 1, 8, keepDims=True),
    "flattening": with_numbers("RESHAPE", [1, 128], 1, 128),
    "EXPAND_DIMS": with_numbers("RESHAPE", [1, 4, 4, 2, 4], 1, 4, 4, 2, 4),
    "TRANSPOSE": with_numbers("TRANSPOSE", [0, 2, 1, 3], 1, 4, 4, 8),
    "SPACE_TO_DEPTH": plain("SPACE_TO_DEPTH", 1, 2, 2, 32, blockSize=2),
    "DEPTH_TO_SPACE": plain("DEPTH_TO_SPACE", 1, 8, 8, 2, blockSize=2),
    "blocks and back": blocks,
    "SLICE": sliced,
    "STRIDED_SLICE of channels": strided([0, 0, 0, 1], [1, 4, 4, 8], [1, 1, 1, 2], 1, 4, 4, 4),
    "STRIDED_SLICE of places": strided(
        [0, 1, 0, 0], [0, 3, 0, 0], [1, 1, 2, 1], 1, 2, 2, 8, beginMask=13, endMask=13
    ),
    "SPLIT of channels": split(-1, 1, 4, 4, 4),
    "SPLIT of places": split(1, 1, 2, 4, 8),
    "UNPACK and PACK": unpacked_and_packed,
    "CONCATENATION of channels": concatenated(3, 1, 4, 4, 16),
    "CONCATENATION of places": concatenated(1, 1, 8, 4, 8),
    "MUL with a constant": with_floats("MUL", dice(5, 8)),
    "MUL with a scalar": with_floats("MUL", 0.7),
    "DIV by a constant": with_floats("DIV", 3.0),
    "MUL with a gate": gated,
    "ADD of a constant": with_floats("ADD", dice(5, 1, 1, 1, 8), activation="RELU"),
    "MAXIMUM with a constant": with_floats("MAXIMUM", dice(5, 8)),
    "ADD": two("ADD", activation="RELU"),
    "SUB": two("SUB"),
    "MINIMUM": two("MINIMUM"),
    "ADD of padded channels": residual_with_more_channels,
    "depthwise": lambda graph, data: graph.conv(data, dice(5, 1, 3, 3, 8), depthwise=True),
    "depthwise with a multiplier": lambda graph, data: graph.conv(data, dice(5, 1, 3, 3, 16)),
    "TRANSPOSE_CONV": transposed_conv,
}
BLOCKING: dict[str, Piece] = {
    "TANH": plain("TANH"),
    "HARD_SWISH": plain("HARD_SWISH"),
    "SOFTMAX": plain("SOFTMAX"),
    "RELU6 without data": plain("RELU6"),
    "PADV2 with ones": padv2(1),
    "MIRROR_PAD of channels": with_numbers(
        "MIRROR_PAD", [[0, 0], [0, 0], [0, 0], [1, 1]], 1, 4, 4, 10
    ),
    "TRANSPOSE of channels": with_numbers("TRANSPOSE", [0, 3, 1, 2], 1, 8, 4, 4),
    "MEAN of channels": with_numbers("MEAN", [3], 1, 4, 4),
    "ADD of a scalar": with_floats("ADD", 0.7),
    "product with itself": lambda graph, data: graph.op("MUL", [data, data]),
    "divisor": lambda graph, data: graph.op("DIV", [graph.constant(dice(5, 1, 4, 4, 8)), data]),
    "ADD of the input": lambda graph, data: graph.op(
        "ADD", [data, graph.input(1, 4, 4, 8)], activation="RELU"
    ),
    "ADD with a fused TANH": two("ADD", activation="TANH"),
    "UNPACK of channels": lambda graph, data: graph.ops(
        "UNPACK", [data], [(1, 4, 4)] * 8, axis=3, num=8
    )[0],
}

"""Small float models of layers, and what passes that keep their function are held to."""

from __future__ import annotations

from typing import Any

import numpy as np
from op_nets import Net

from tfq.model import Model
from tfq.runtime import Runner

_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "SUM": "ReducerOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "CONCATENATION": "ConcatenationOptions",
    "PACK": "PackOptions",
    "UNPACK": "UnpackOptions",
    "SPLIT": "SplitOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "SOFTMAX": "SoftmaxOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}
_DEFAULTS = {
    "CONV_2D": {"strideH": 1, "strideW": 1},
    "DEPTHWISE_CONV_2D": {"strideH": 1, "strideW": 1, "depthMultiplier": 1},
    "AVERAGE_POOL_2D": {"strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2},
    "MAX_POOL_2D": {"strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2},
    "TRANSPOSE_CONV": {"strideH": 1, "strideW": 1},
    "SOFTMAX": {"beta": 1.0},
}


class Graph(Net):
    """A model under construction whose operators are told by their names and their sizes."""

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self.graph.tensors[tensor].shape)

    def op(self, name: str, inputs: list[int], *shape: int, **options: Any) -> int:
        """Add an operator; its output has a shape, by default that of its first input."""
        return self.ops(name, inputs, [shape or self.shape(inputs[0])], **options)[0]

    def ops(
        self, name: str, inputs: list[int], shapes: list[tuple[int, ...]], **options: Any
    ) -> list[int]:
        table = None
        if name in _OPTIONS:
            table = _OPTIONS[name], _DEFAULTS.get(name, {}) | self._fused(options)
        version = 3 if name == "TRANSPOSE_CONV" else 1
        first = self.add(name, inputs, shapes, table, version=version)
        return list(range(first, first + len(shapes)))

    def conv(self, data: int, weights: Any, bias: Any = None, **options: Any) -> int:
        """Add CONV_2D, or DEPTHWISE_CONV_2D where `weights` are 1 x h x w x channels of it."""
        weights = np.asarray(weights, "f4")
        batch, height, width, channels = self.shape(data)
        is_depthwise = weights.shape[0] == 1 and weights.shape[3] != channels
        is_depthwise |= options.pop("depthwise", False)
        name = "DEPTHWISE_CONV_2D" if is_depthwise else "CONV_2D"
        if options.get("padding", "SAME") == "VALID":
            height, width = height - weights.shape[1] + 1, width - weights.shape[2] + 1
        if is_depthwise:
            options["depthMultiplier"] = weights.shape[3] // channels
        made = weights.shape[3] if is_depthwise else weights.shape[0]
        # LiteRT's kernels want a bias.
        inputs = [
            data,
            self.constant(weights),
            self.constant(np.zeros(made) if bias is None else bias),
        ]
        return self.op(name, inputs, batch, height, width, made, **options)

    def dense(self, data: int, weights: Any, bias: Any = None, **options: Any) -> int:
        inputs = [data, self.constant(weights), -1 if bias is None else self.constant(bias)]
        return self.op("FULLY_CONNECTED", inputs, 1, len(weights), **options)

    def _fused(self, options: dict[str, Any]) -> dict[str, Any]:
        """Enumerations by their names."""
        found = dict(options)
        if "activation" in found:
            kinds = self.schema.ActivationFunctionType
            found["fusedActivationFunction"] = getattr(kinds, found.pop("activation"))
        if "padding" in found:
            found["padding"] = getattr(self.schema.Padding, found["padding"])
        return found


def dice(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def results(model: Model, samples: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """Every output of every sample."""
    runner = Runner(model, every_tensor=True)
    return [output for sample in samples for output in runner.run(sample)]


def assert_same(before: Model, after: Model, samples: list[dict[str, np.ndarray]]) -> None:
    """The outputs differ by rounding only: 1e-5 of the largest."""
    for old, new in zip(results(before, samples), results(after, samples), strict=True):
        assert np.isfinite(new).all()
        assert np.abs(new - old).max() <= 1e-5 * np.abs(old).max()

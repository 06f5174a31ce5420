"""What each layer means for quantization: one row a layer, and how users add theirs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras

from tfq.errors import ArgumentError

KINDS = ("computes", "moves", "averages", "blends", "passes", "clips", "fixed", "floats")


class Rule(NamedTuple):
    """What a layer means for quantization.

    Attributes:
        kind: What its kernel does with scales. `"computes"`: the output has a scale of its own;
            `"moves"`: inputs and output have the same one, as the values are the same;
            `"averages"`: likewise, but means are rounded, halves away from 0; `"blends"`: likewise,
            but what lies between values is rounded, halves up; `"passes"`: nothing, in
            inference; `"clips"`: what makes its input does it; `"fixed"`: the kernel prescribes the
            output's scale; `"floats"`: it stays in float.
        weights: By the attribute of each weight that the kernel takes in integers, the axes of its
            output channels.
        four_bits: Whether the kernel takes weights of 4 bits.
        fixed: The operator whose prescription holds, such as `"SOFTMAX"`.
    """

    kind: str = "computes"
    weights: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    four_bits: bool = False
    fixed: str = ""


FLOATS = Rule("floats")
_COMPUTES, _MOVES, _AVERAGES = Rule(), Rule("moves"), Rule("averages")
_BLENDS, _PASSES, _CLIPS = Rule("blends"), Rule("passes"), Rule("clips")
_DENSE = Rule(weights={"kernel": (-1,)}, four_bits=True)
_DEPTHWISE = Rule(weights={"kernel": (-2, -1)})
_TRANSPOSED = Rule(weights={"kernel": (-2,)})

_layers = keras.layers
_RULES: dict[type, Rule] = {
    _layers.Add: _COMPUTES,
    _layers.AveragePooling1D: _AVERAGES,
    _layers.AveragePooling2D: _AVERAGES,
    _layers.Concatenate: _MOVES,
    _layers.Conv1D: _DENSE,
    _layers.Conv2D: _DENSE,
    _layers.Conv2DTranspose: _TRANSPOSED,
    _layers.Cropping1D: _MOVES,
    _layers.Cropping2D: _MOVES,
    _layers.Dense: _DENSE,
    _layers.DepthwiseConv1D: _DEPTHWISE,
    _layers.DepthwiseConv2D: _DEPTHWISE,
    _layers.Dropout: _PASSES,
    _layers.ELU: _COMPUTES,
    _layers.Flatten: _MOVES,
    _layers.GaussianDropout: _PASSES,
    _layers.GaussianNoise: _PASSES,
    _layers.GlobalAveragePooling1D: _COMPUTES,
    _layers.GlobalAveragePooling2D: _COMPUTES,
    _layers.GlobalMaxPooling1D: _MOVES,
    _layers.GlobalMaxPooling2D: _MOVES,
    _layers.Identity: _PASSES,
    _layers.LeakyReLU: _COMPUTES,
    _layers.MaxPooling1D: _MOVES,
    _layers.MaxPooling2D: _MOVES,
    _layers.Maximum: _MOVES,
    _layers.Minimum: _MOVES,
    _layers.Multiply: _COMPUTES,
    _layers.Permute: _MOVES,
    _layers.RepeatVector: _MOVES,
    _layers.Reshape: _MOVES,
    _layers.SpatialDropout1D: _PASSES,
    _layers.SpatialDropout2D: _PASSES,
    _layers.Subtract: _COMPUTES,
    _layers.UpSampling1D: _MOVES,
    _layers.ZeroPadding1D: _MOVES,
    _layers.ZeroPadding2D: _MOVES,
}
# Of `keras.ops` on symbolic tensors, which makes operations that are no layers, by class.
_OPERATIONS: dict[str, Rule] = {
    "Add": _COMPUTES,
    "AveragePool": _AVERAGES,
    "Concatenate": _MOVES,
    "ExpandDims": _MOVES,
    "GetItem": _MOVES,
    "MaxPool": _MOVES,
    "Maximum": _MOVES,
    "Minimum": _MOVES,
    "Multiply": _COMPUTES,
    "Relu": _CLIPS,
    "Relu6": _CLIPS,
    "Reshape": _MOVES,
    "Sigmoid": Rule("fixed", fixed="LOGISTIC"),
    "Softmax": Rule("fixed", fixed="SOFTMAX"),
    "Squeeze": _MOVES,
    "Subtract": _COMPUTES,
    "Tanh": Rule("fixed", fixed="TANH"),
    "Transpose": _MOVES,
}
_ACTIVATIONS: dict[str, Rule] = {
    "elu": _COMPUTES,
    "gelu": _COMPUTES,
    "hard_silu": _COMPUTES,
    "leaky_relu": _COMPUTES,
    "linear": _PASSES,
    "relu": _CLIPS,
    "relu6": _CLIPS,
    "sigmoid": Rule("fixed", fixed="LOGISTIC"),
    "softmax": Rule("fixed", fixed="SOFTMAX"),
    "tanh": Rule("fixed", fixed="TANH"),
}
_registered: dict[type, Rule] = {}


def register(
    layer_class: type,
    *,
    weights: dict[str, int | tuple[int, ...]] | None = None,
    kind: str = "computes",
) -> None:
    """Say how a layer of one's own is quantized.

    Its `call` must become one LiteRT operator, or one and what fuses with it. Subclasses of the
    class are registered on their own.

    Args:
        layer_class: A subclass of `keras.layers.Layer`.
        weights: By the attribute of each weight that is quantized, the axis or axes of its output
            channels.
        kind: `"computes"`, if the output has a scale of its own; `"moves"`, if its values are those
            of the inputs; `"averages"` or `"blends"`, if they lie between them and halves are
            rounded away from 0, or up; `"passes"`, if it does nothing in inference; `"floats"`, if
            it stays in float.

    Raises:
        ArgumentError: If the class is no layer, or the kind unknown.

    Example:
        >>> tfq.qat.register(MyConv, weights={"kernel": -1})
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.layers.Layer)):
        raise ArgumentError(f"layer_class: expected a class of Keras layers, got {layer_class!r}")
    able = [each for each in KINDS if each not in ("clips", "fixed")]
    if kind not in able:
        raise ArgumentError(f"kind: expected one of {', '.join(able)}; got {kind!r}")
    axes = {
        name: (each,) if isinstance(each, int) else tuple(each)
        for name, each in (weights or {}).items()
    }
    _registered[layer_class] = Rule(kind, axes)


def activation_name(function: Any) -> str:
    """Return what Keras calls an activation; empty if it is none of Keras."""
    name = getattr(function, "__name__", "")
    own = getattr(keras.activations, name, None)
    return name if own is function else ""


def rule(layer: Any) -> Rule:
    """Return the row of a layer or operation; `FLOATS` if there is none."""
    if type(layer) in _registered:
        return _registered[type(layer)]
    if not isinstance(layer, keras.layers.Layer):
        return _OPERATIONS.get(type(layer).__name__, FLOATS)
    if isinstance(layer, keras.layers.Activation):
        return _ACTIVATIONS.get(activation_name(layer.activation), FLOATS)
    if type(layer) is keras.layers.ReLU:
        return _relu(layer)
    if type(layer) is keras.layers.Softmax:
        return Rule("fixed", fixed="SOFTMAX")
    if type(layer) is keras.layers.UpSampling2D:
        kinds = {"nearest": _MOVES, "bilinear": _BLENDS}
        return kinds.get(layer.interpolation, FLOATS)
    return _RULES.get(type(layer), FLOATS)


def _relu(layer: Any) -> Rule:
    if layer.threshold != 0:
        return FLOATS
    if layer.negative_slope != 0:
        return _COMPUTES if layer.max_value is None else FLOATS
    return _CLIPS if layer.max_value in (None, 6) else FLOATS

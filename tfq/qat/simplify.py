"""A model as the device will run it: layers that become several kernels are taken apart."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tfq.errors import ArgumentError, one_line
from tfq.passes.scales import Scheme
from tfq.qat.graph import Call, Graph, Value
from tfq.qat.rules import FLOATS, Rule, activation_name, rule

_layers = keras.layers
# Layers that an activation may be built into.
_ACTIVE = (
    _layers.Conv1D,
    _layers.Conv2D,
    _layers.Conv2DTranspose,
    _layers.Dense,
    _layers.DepthwiseConv1D,
    _layers.DepthwiseConv2D,
)
_SEPARABLE = {
    _layers.SeparableConv1D: (_layers.DepthwiseConv1D, _layers.Conv1D),
    _layers.SeparableConv2D: (_layers.DepthwiseConv2D, _layers.Conv2D),
}
_OF_DEPTHWISE = (
    "kernel_size",
    "strides",
    "padding",
    "depth_multiplier",
    "data_format",
    "dilation_rate",
    "depthwise_initializer",
    "depthwise_regularizer",
    "depthwise_constraint",
)
_OF_POINTWISE = ("filters", "use_bias", "bias_initializer", "bias_regularizer", "bias_constraint")
_OF_WEIGHTS = ("initializer", "regularizer", "constraint")
_MERGING = (_layers.Add, _layers.Multiply)


class Simplified:
    """A graph of new layers, with the rule of each.

    Attributes:
        graph: The graph; all its layers are new, with the weights of the old ones.
        rules: The rule of each layer.
        floats: The paths of layers that stay in float because no rule is known.
    """

    def __init__(self, graph: Graph, scheme: Scheme, is_quantized: Callable[[str], bool]) -> None:
        """Take a graph apart.

        Args:
            graph: The model.
            scheme: How it will be quantized.
            is_quantized: Says whether a layer of that path is to be quantized.
        """
        self.rules: dict[Any, Rule] = {}
        self.floats: list[str] = []
        self._is_wide = scheme.activations == "int16"
        self._is_quantized = is_quantized
        self._made: dict[tuple[int, str], Any] = {}
        self._names: set[str] = {*graph.input_names, *graph.output_names}
        self._count = -1
        calls = [made for call in graph.calls for made in self._simplified(call)]
        self.graph = replace(graph, calls=calls)

    def unique(self, name: str) -> str:
        """Return a layer's name that no other layer has."""
        made, number = name, 0
        while made in self._names:
            number += 1
            made = f"{name}_{number}"
        self._names.add(made)
        return made

    def _simplified(self, call: Call) -> list[Call]:
        layer = call.layer
        if not self._is_quantized(call.path):
            return [self._kept(call, FLOATS)]
        if type(layer) in _SEPARABLE:
            return self._separated(call)
        if type(layer) in _ACTIVE:
            return self._without_activation(call)
        if type(layer) in _MERGING and len(call.values) > 2:
            return self._in_pairs(call)
        if type(layer) is _layers.Activation:
            return self._active(call, layer.activation, call.values[0], call.path)
        if type(layer).__name__ == "Silu" and not isinstance(layer, _layers.Layer):
            return self._silu(call, call.values[0], call.output)
        if type(layer) is _layers.BatchNormalization and _is_of_channels(layer, call):
            return [self._kept(call, Rule("norm"))]
        if type(layer) is _layers.Rescaling:
            return self._rescaled(call, layer.scale, layer.offset)
        if type(layer) is _layers.Normalization and not layer.invert and layer.mean is not None:
            deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), keras.config.epsilon())
            return self._rescaled(call, 1 / deviation, -np.asarray(layer.mean) / deviation)
        return [self._kept(call, self._rule(layer, call.path))]

    def _kept(self, call: Call, known: Rule) -> Call:
        """Return the call with a new layer in the place of the old one."""
        return replace(call, layer=self._new(call.layer, "", known, _copying(call.layer)))

    def _new(self, layer: Any, part: str, known: Rule, make: Callable[[str], Any]) -> Any:
        """Make a layer for a part of an old one; once, if the old one is called several times."""
        key = (id(layer), part)
        if key not in self._made:
            name = self.unique(f"{layer.name}_{part}" if part else layer.name)
            self._made[key] = make(name)
            self.rules[self._made[key]] = known
        return self._made[key]

    def _between(self, like: Value) -> Value:
        """Return a new value; numbers below 0 are not the source's."""
        self._count -= 1
        return replace(like, number=self._count)

    def _without_activation(self, call: Call) -> list[Call]:
        layer, known = call.layer, rule(call.layer)
        if known == FLOATS:  # registered so
            return [self._kept(call, known)]
        linear = self._new(layer, "", known, _copying(layer, activation="linear"))
        return self._activated(replace(call, layer=linear), layer.activation, call)

    def _activated(self, linear: Call, function: Any, call: Call) -> list[Call]:
        """Let an activation follow that was built into a layer."""
        if activation_name(function) == "linear":
            return [linear]
        between = self._between(call.output)
        first = replace(linear, outputs={0: between})
        return [first, *self._active(call, function, between, call.path)]

    def _active(self, call: Call, function: Any, given: Value, path: str) -> list[Call]:
        """Return the calls of an activation function, with the output of a call."""
        name = activation_name(function)
        if name == "silu":
            return self._silu(call, given, call.output)
        if name == "hard_sigmoid":
            return self._hard_sigmoid(call, given, call.output)
        if name == "hard_silu" and self._is_wide:  # HARD_SWISH has no kernel of 16 bits
            gate = self._between(call.output)
            made = self._new(call.layer, "product", Rule(), _multiply)
            product = Call(made, ([given, gate],), {}, {0: call.output}, path)
            return [*self._hard_sigmoid(call, given, gate), product]
        known = self._rule(_layers.Activation(function), path)
        made = self._new(
            call.layer, "activation", known, lambda name: _layers.Activation(function, name=name)
        )
        return [Call(made, (given,), {}, {0: call.output}, path)]

    def _hard_sigmoid(self, call: Call, given: Value, output: Value) -> list[Call]:
        """Compute relu6(x + 3) / 6 in pieces, which have kernels."""
        layer, shifted, clipped = call.layer, self._between(output), self._between(output)
        shift = self._new(layer, "shift", Rule(), _rescaling(1.0, 3.0))
        clip = self._new(
            layer, "clip", Rule("clips"), lambda name: _layers.ReLU(max_value=6, name=name)
        )
        share = self._new(layer, "share", Rule(), _rescaling(1 / 6, 0.0))
        return [
            Call(shift, (given,), {}, {0: shifted}, call.path),
            Call(clip, (shifted,), {}, {0: clipped}, call.path),
            Call(share, (clipped,), {}, {0: output}, call.path),
        ]

    def _rule(self, layer: Any, path: str) -> Rule:
        """Return the rule of a layer, and remember it if there is none."""
        known = rule(layer)
        is_elu = type(layer) is _layers.ELU or (
            type(layer) is _layers.Activation and activation_name(layer.activation) == "elu"
        )
        if known == FLOATS or (is_elu and self._is_wide):
            self.floats.append(path)
            return FLOATS
        return known

    def _silu(self, call: Call, given: Value, output: Value) -> list[Call]:
        between = self._between(output)
        known = rule(_layers.Activation("sigmoid"))
        first = self._new(
            call.layer, "sigmoid", known, lambda name: _layers.Activation("sigmoid", name=name)
        )
        second = self._new(call.layer, "product", Rule(), _multiply)
        return [
            Call(first, (given,), {}, {0: between}, call.path),
            Call(second, ([given, between],), {}, {0: output}, call.path),
        ]

    def _separated(self, call: Call) -> list[Call]:
        layer = call.layer
        depthwise_class, pointwise_class = _SEPARABLE[type(layer)]

        def depthwise(name: str) -> Any:
            config = {each: layer.get_config()[each] for each in _OF_DEPTHWISE}
            config.update(name=name, trainable=layer.trainable)
            made = depthwise_class(use_bias=False, **config)
            return _with_weights(made, call.values[0].shape, [layer.depthwise_kernel])

        def pointwise(name: str) -> Any:
            given = layer.get_config()
            config = {each: given[each] for each in _OF_POINTWISE}
            config |= {f"kernel_{each}": given[f"pointwise_{each}"] for each in _OF_WEIGHTS}
            config.update(name=name, trainable=layer.trainable)
            made = pointwise_class(kernel_size=1, **config)
            weights = [layer.pointwise_kernel, *([layer.bias] if layer.use_bias else [])]
            return _with_weights(made, (None, *layer.pointwise_kernel.shape[:-1]), weights)

        between = self._between(call.output)
        first = self._new(layer, "depthwise", rule(depthwise_class(1)), depthwise)
        second = self._new(layer, "pointwise", rule(pointwise_class(1, 1)), pointwise)
        linear = Call(second, (between,), {}, call.outputs, call.path)
        calls = self._activated(linear, layer.activation, call)
        return [replace(call, layer=first, outputs={0: between}), *calls]

    def _in_pairs(self, call: Call) -> list[Call]:
        """Merge two at a time: a kernel takes no more."""
        made = self._new(call.layer, "", rule(call.layer), _copying(call.layer))
        values, calls = call.values, []
        sum_so_far = values[0]
        for number, value in enumerate(values[1:], start=2):
            output = call.output if number == len(values) else self._between(call.output)
            calls.append(Call(made, ([sum_so_far, value],), {}, {0: output}, call.path))
            sum_so_far = output
        return calls

    def _rescaled(self, call: Call, scale: Any, offset: Any) -> list[Call]:
        """Rescale by a convolution with a single weight a channel, which rounds only once."""
        layer, channels = call.layer, call.output.shape[-1] or 1
        scale, offset = (np.ravel(np.asarray(each, np.float32)) for each in (scale, offset))
        if any(each.size not in (1, channels) for each in (scale, offset)):
            self.floats.append(call.path)
            return [self._kept(call, FLOATS)]
        scale, offset = (np.broadcast_to(each, (channels,)) for each in (scale, offset))

        def scaling(name: str) -> Any:
            made = _layers.DepthwiseConv2D(1, trainable=False, name=name)
            return _with_weights(
                made, (None, 1, 1, channels), [scale.reshape(1, 1, channels, 1), offset]
            )

        made = self._new(layer, "", rule(_layers.DepthwiseConv2D(1)), scaling)
        return self.with_rank_4(call, made)

    def normalizing(self, call: Call) -> list[Call]:
        """Normalize what no layer can take up, by a convolution with a single weight a channel.

        Args:
            call: A call of BatchNormalization.
        """
        channels = call.output.shape[-1]

        def ones(name: str) -> Any:
            made = _layers.DepthwiseConv2D(1, use_bias=False, name=name)
            made = _with_weights(made, (None, 1, 1, channels), [np.ones((1, 1, channels, 1))])
            made.trainable = False
            return made

        made = self._new(call.layer, "scale", rule(_layers.DepthwiseConv2D(1)), ones)
        return self.with_rank_4(call, made)

    def with_rank_4(self, call: Call, layer: Any) -> list[Call]:
        """Call a layer that takes images, whatever the rank.

        Args:
            call: A call of another layer, which has one input and one output of the same shape.
            layer: What is called instead.
        """
        (given,), shape = call.values, call.output.shape
        if len(shape) == 4:
            return [Call(layer, (given,), call.kwargs, call.outputs, call.path)]
        sizes = [-1 if size is None else size for size in shape[1:]]
        wide = (*((1,) * (4 - len(shape))), *sizes) if len(shape) < 4 else (-1, 1, sizes[-1])
        values = [self._between(replace(call.output, shape=(None, *wide))) for _ in range(2)]
        before, after = (
            self._new(call.layer, part, Rule("moves"), _reshape(target))
            for part, target in (("before", wide), ("after", tuple(sizes)))
        )
        return [
            Call(before, (given,), {}, {0: values[0]}, call.path),
            Call(layer, (values[0],), call.kwargs, {0: values[1]}, call.path),
            Call(after, (values[1],), {}, call.outputs, call.path),
        ]


def _is_of_channels(norm: Any, call: Call) -> bool:
    return norm.axis in (-1, len(call.output.shape) - 1)


def _copying(layer: Any, **changes: Any) -> Callable[[str], Any]:
    return lambda name: _copied(layer, name=name, **changes)


def _multiply(name: str) -> Any:
    return _layers.Multiply(name=name)


def _rescaling(scale: float, offset: float) -> Callable[[str], Any]:
    return lambda name: _layers.Rescaling(scale, offset, name=name)


def _reshape(shape: tuple[int, ...]) -> Callable[[str], Any]:
    return lambda name: _layers.Reshape(shape, name=name)


def _copied(layer: Any, **changes: Any) -> Any:
    """Return a new layer like an old one, with the same weights."""
    try:
        made = _remade(layer, changes)
    except Exception as error:  # the user's own layers are asked
        raise ArgumentError(
            f"model: {layer.name!r} cannot be made again from its configuration: {one_line(error)}"
        ) from error
    if getattr(layer, "built", False) and getattr(layer, "weights", None):
        if not made.built:
            made.build_from_config(layer.get_build_config() or {})
        made.set_weights(layer.get_weights())
    return made


def _remade(layer: Any, changes: dict[str, Any]) -> Any:
    config = layer.get_config()
    if not isinstance(layer, _layers.Layer):
        # What `keras.ops` makes of symbolic tensors does not always take another name.
        return type(layer).from_config(config)
    # The code of a Lambda layer is here already.
    options = {"safe_mode": False} if isinstance(layer, _layers.Lambda) else {}
    return type(layer).from_config({**config, **changes}, **options)


def _with_weights(layer: Any, input_shape: tuple[int | None, ...], weights: list[Any]) -> Any:
    layer.build(input_shape)
    layer.set_weights([np.asarray(each) for each in weights])
    return layer


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Say whether one of some patterns fits the path of a layer, or its own name."""
    names = (path, path.rpartition("/")[2])
    return any(fnmatch.fnmatchcase(name, each) for each in patterns for name in names)

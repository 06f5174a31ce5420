"""The layer that simulates the quantization of weights, with batch normalization folded in."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfq.passes.scales import Scheme
from tfq.qat import fake
from tfq.qat.exporting import settled

# A gamma below is taken for this: what it multiplies is nothing.
_LEAST_GAMMA = 1e-6


@keras.saving.register_keras_serializable("tfq")
class QuantizedWeights(keras.layers.Layer):  # type: ignore[misc]
    """Calls a layer with its weights fake-quantized, as the device will have them.

    Batch normalization behind the layer is folded into it with the moving statistics, so that the
    weights that are quantized are those of inference. While the statistics move, the outputs are
    then corrected to what those of the batch give (Krishnamoorthi 2018, arXiv:1806.08342, section
    3.2.2), which here are taken of the layer's own outputs, so that it runs once.

    Attributes:
        layer: The layer, without activation.
        axes: By the attribute of each weight, the axes along which its output channels lie.
        scheme: How to quantize.
        bits: Of the weights.
        norm: The BatchNormalization that is folded in; None if there is none.
    """

    def __init__(
        self,
        layer: Any,
        axes: dict[str, list[int]],
        scheme: Scheme | dict[str, Any],
        bits: int = 8,
        norm: Any = None,
        **options: Any,
    ) -> None:
        """Wrap a layer.

        Args:
            layer: The layer.
            axes: By the attribute of each weight, the axes of its output channels.
            scheme: How to quantize, as a `Scheme` or a dictionary of its fields.
            bits: Of the weights.
            norm: The BatchNormalization behind it.
            options: As every layer has them.
        """
        super().__init__(**options)
        self.layer, self.norm, self.bits = layer, norm, bits
        self.axes = {name: tuple(each) for name, each in axes.items()}
        self.scheme = scheme if isinstance(scheme, Scheme) else Scheme(**scheme)

    def build(self, input_shape: Any) -> None:
        """Make the thresholds of weights that are scaled by powers of two."""
        if not self.layer.built:
            self.layer.build(input_shape)
        if self.norm is not None:
            if not self.norm.built:
                made = self.layer.compute_output_spec(keras.KerasTensor(input_shape))
                self.norm.build(made.shape)
            self.frozen = self.add_weight(
                shape=(), initializer="zeros", trainable=False, aggregation="mean", name="frozen"
            )
        # What is trained begins at 0, so that the decay of weights leads back to the start.
        self.starts, self.shifts = {}, {}
        for name in self.axes if self.scheme.power_of_two else ():
            options = {"shape": self._scale_shape(name), "initializer": "zeros"}
            start = self.add_weight(**options, trainable=False, name=f"{name}_start")
            self.starts[name] = start
            self.shifts[name] = self.add_weight(**options, name=f"{name}_shift")
        super().build(input_shape)

    def start(self) -> None:
        """Let thresholds start where conversion without training would have them."""
        import numpy as np

        from tfq.passes.scales import weight_parameters

        for name, variable in self.starts.items():
            weights = np.asarray(self.folded(name))
            scales = np.asarray(self._scales(weights, name)).reshape(-1)
            whole = self.scheme._replace(per_channel=False)
            channels = [weights]
            if scales.size > 1:
                last = np.moveaxis(weights, self.axes[name], range(-len(self.axes[name]), 0))
                channels = list(last.reshape(-1, scales.size).T)
            dtype = f"int{self.bits}"
            chosen = [
                weight_parameters(each, scales[place : place + 1], 0, dtype, whole).scales[0]
                for place, each in enumerate(channels)
            ]
            # In the middle between two powers of two neither is near.
            variable.assign((np.log2(chosen) - 0.5).reshape(variable.shape))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what the layer makes of the inputs with quantized weights."""
        moves = bool(training) and self.norm is not None and self.norm.trainable
        variables = [getattr(self.layer, name) for name in self.axes]
        values = settled(lambda: [self._quantized(name) for name in self.axes])
        own_bias = getattr(self.layer, "bias", None)
        shift = None if self.norm is None else settled(self._folded_bias)
        if own_bias is not None and self.norm is not None:
            variables.append(own_bias)
            values = [*values, tf.zeros_like(shift) if moves else shift]
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            made = self.layer(inputs)
        if moves:
            return self._corrected(made, shift)
        return made if own_bias is not None or shift is None else made + shift

    def _quantized(self, name: str) -> Any:
        weights = self.folded(name)
        if self.scheme.power_of_two:
            scales = fake.next_power_of_two(self.starts[name] + self.shifts[name])
        else:
            scales = tf.stop_gradient(self._scales(weights, name))
        return fake.quantize_weights(weights, scales, self.bits)

    def _scales(self, weights: Any, name: str) -> Any:
        return fake.weight_scales(weights, self._shared_axes(name), self.bits)

    def _shared_axes(self, name: str) -> tuple[int, ...]:
        """Return the axes of a weight along which all have one scale."""
        rank = len(getattr(self.layer, name).shape)
        channels = {axis % rank for axis in self.axes[name]} if self.scheme.per_channel else ()
        return tuple(axis for axis in range(rank) if axis not in channels)

    def _scale_shape(self, name: str) -> tuple[int, ...]:
        shape, shared = getattr(self.layer, name).shape, self._shared_axes(name)
        return tuple(1 if axis in shared else size for axis, size in enumerate(shape))

    def folded(self, name: str) -> Any:
        """Return a weight, times what normalization multiplies its output channels by."""
        weights = tf.convert_to_tensor(getattr(self.layer, name))
        if self.norm is None:
            return weights
        rank = len(weights.shape)
        channels = {axis % rank for axis in self.axes[name]}
        shape = [size if axis in channels else 1 for axis, size in enumerate(weights.shape)]
        return weights * tf.reshape(self._gamma() / self._deviation(), shape)

    def _gamma(self) -> Any:
        gamma = self.norm.gamma if self.norm.scale else tf.ones_like(self.norm.moving_mean)
        return tf.convert_to_tensor(gamma)

    def _beta(self) -> Any:
        beta = self.norm.beta if self.norm.center else tf.zeros_like(self.norm.moving_mean)
        return tf.convert_to_tensor(beta)

    def _deviation(self) -> Any:
        return tf.sqrt(self.norm.moving_variance + self.norm.epsilon)

    def _own_bias(self) -> Any:
        bias = getattr(self.layer, "bias", None)
        return 0.0 if bias is None else tf.convert_to_tensor(bias)

    def _folded_bias(self) -> Any:
        """Return what is added to the outputs with the moving statistics."""
        distance = self._own_bias() - self.norm.moving_mean
        return self._beta() + distance * self._gamma() / self._deviation()

    def _corrected(self, made: Any, shift: Any) -> Any:
        """Return the outputs as the statistics of the batch have them, and take these up."""
        gamma, deviation = self._gamma(), self._deviation()
        is_gone = tf.abs(gamma) < _LEAST_GAMMA
        undo = deviation / tf.where(is_gone, tf.ones_like(gamma), gamma)
        mean, variance = tf.nn.moments(made, list(range(made.shape.rank - 1)))
        variance_before = variance * tf.square(undo)
        self._follow(mean * undo + self._own_bias(), variance_before, is_gone)
        is_frozen = self.frozen > 0
        ratio = deviation / tf.sqrt(variance_before + self.norm.epsilon)
        ratio = tf.where(is_frozen | is_gone, tf.ones_like(ratio), ratio)
        moved = tf.where(is_frozen, shift, self._beta() - mean * ratio)
        return made * ratio + moved

    def _follow(self, mean: Any, variance: Any, is_gone: Any) -> None:
        """Move the statistics of normalization towards those of a batch."""
        share = (1.0 - self.norm.momentum) * (1.0 - self.frozen)
        shares = tf.where(is_gone, tf.zeros_like(mean), share)
        for variable, new in (
            (self.norm.moving_mean, mean),
            (self.norm.moving_variance, variance),
        ):
            variable.assign(variable + shares * (tf.stop_gradient(new) - variable))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        save = keras.saving.serialize_keras_object
        own = {
            "layer": save(self.layer),
            "axes": {name: list(each) for name, each in self.axes.items()},
            "scheme": self.scheme._asdict(),
            "bits": self.bits,
            "norm": None if self.norm is None else save(self.norm),
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> QuantizedWeights:
        """Make the layer of what `get_config` returned."""
        load = keras.saving.deserialize_keras_object
        norm = config["norm"]
        made = {"layer": load(config["layer"]), "norm": None if norm is None else load(norm)}
        return cls(**{**config, **made})

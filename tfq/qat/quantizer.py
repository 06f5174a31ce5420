"""The layer that simulates the quantization of activations."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfq.passes.scales import Scheme
from tfq.qat import fake
from tfq.qat.exporting import is_exporting, settled

# A new batch counts so much, once as many have been seen.
_SHARE = 0.01
# So many batches say where a threshold begins to learn.
_FIRST_BATCHES = 20.0
_MARK_BITS = 16


@keras.saving.register_keras_serializable("tfq")
class ActivationQuantizer(keras.layers.Layer):  # type: ignore[misc]
    """Rounds what it gets to integers, and back, in ranges that it learns.

    While training it follows the ranges of what it sees: with 8 bits their moving averages, with 16
    bits the extremes; with scales that are powers of two, thresholds learn from there. What shares
    a scale on the device shares a quantizer, which then is called at several sites.

    Attributes:
        scheme: How to quantize.
        sites: At how many places of the model it is called.
        ends: The real numbers of the lowest and the highest integer, where a kernel prescribes
            them; else None.
    """

    def __init__(
        self,
        scheme: Scheme | dict[str, Any],
        sites: int = 1,
        ends: tuple[float, float] | None = None,
        **options: Any,
    ) -> None:
        """Know nothing of ranges yet.

        Args:
            scheme: How to quantize, as a `Scheme` or a dictionary of its fields.
            sites: At how many places of the model it is called.
            ends: The ends of the range, where a kernel prescribes them.
            options: As every layer has them.
        """
        super().__init__(**options)
        self.scheme = scheme if isinstance(scheme, Scheme) else Scheme(**scheme)
        self.sites, self.ends = sites, None if ends is None else (ends[0], ends[1])
        self.bits = 16 if self.scheme.activations == "int16" else 8

    def build(self, input_shape: Any = None) -> None:
        """Make the variables: the ranges seen at each site, and how often something was seen."""
        if self.ends is None:
            for name in ("lows", "highs", "seen"):
                setattr(self, name, self._variable(name, (self.sites,)))
            self.frozen = self._variable("frozen", ())
            if self.scheme.power_of_two:
                self.shift = self.add_weight(shape=(), initializer="zeros", name="shift")
        super().build(input_shape)

    def _variable(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            shape=shape, initializer="zeros", trainable=False, aggregation="mean", name=name
        )

    def call(
        self,
        inputs: Any,
        site: int = 0,
        averages: bool = False,
        after_float: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Return the inputs, fake-quantized.

        Args:
            inputs: Floats of any shape.
            site: Where in the model this is, from 0; -1 where the range does not count, as what
                others made is only mixed.
            averages: Whether the inputs are what a kernel of average pooling made.
            after_float: Whether what made the inputs stays in float on the device.
            training: Whether to learn ranges.
        """
        if training and self.trainable and self.ends is None and site >= 0:
            self._observe(inputs, site)
        if is_exporting():
            low, high = settled(self.learned_ends)
            marked = _marked(inputs, low, high) if after_float else inputs
            return fake.fake_quantize(marked, low, high, self.bits)
        low, high = self._range(inputs, bool(training))
        ends = self._ends(low, high)
        if averages and self.bits == 8:
            inputs = fake.rounded_averages(inputs, *ends, self.bits)
        if self.scheme.power_of_two and self.ends is None:
            return fake.trained_quantize(inputs, self._threshold(low, high), self.bits)
        return fake.fake_quantize(inputs, *ends, self.bits)

    def learned_ends(self) -> tuple[Any, Any]:
        """Return the real numbers of the lowest and the highest integer."""
        return self._ends(*self._seen_range())

    def _observe(self, inputs: Any, site: int) -> None:
        """Take up what a batch has."""
        seen = tf.gather(self.seen, site)
        # Without any range there is nothing to freeze.
        moves = tf.where(seen > 0, 1.0 - self.frozen, 1.0)
        here = tf.one_hot(site, self.sites) * moves
        found = tf.stop_gradient(inputs)
        low, high = tf.minimum(tf.reduce_min(found), 0.0), tf.maximum(tf.reduce_max(found), 0.0)
        for variable, new, widest in (
            (self.lows, low, tf.minimum),
            (self.highs, high, tf.maximum),
        ):
            old = tf.gather(variable, site)
            follow = self._followed(old, new, widest(old, new), seen)
            variable.assign(variable + here * (tf.where(seen > 0, follow, new) - old))
        self.seen.assign(self.seen + here)

    def _followed(self, old: Any, new: Any, widest: Any, seen: Any) -> Any:
        """Return where an end of the range goes that was seen before."""
        if self.scheme.power_of_two:
            return tf.where(seen < _FIRST_BATCHES, widest, old)
        if self.bits > 8:
            return widest
        return old + (new - old) * tf.maximum(1.0 / (seen + 1.0), _SHARE)

    def _seen_range(self) -> tuple[Any, Any]:
        if self.ends is not None:
            return tf.constant(self.ends[0]), tf.constant(self.ends[1])
        return tf.reduce_min(self.lows), tf.reduce_max(self.highs)

    def _range(self, inputs: Any, is_training: bool) -> tuple[Any, Any]:
        """Return what was seen at all sites; before anything was, what these inputs have."""
        if is_training or self.ends is not None:
            return self._seen_range()
        found = tf.stop_gradient(inputs)
        return tf.cond(  # type: ignore[no-any-return]
            tf.reduce_max(self.seen) > 0,
            self._seen_range,
            lambda: (
                tf.minimum(tf.reduce_min(found), 0.0),
                tf.maximum(tf.reduce_max(found), 0.0),
            ),
        )

    def _ends(self, low: Any, high: Any) -> tuple[Any, Any]:
        if self.ends is not None:
            return low, high
        if self.scheme.power_of_two:
            return fake.power_of_two_ends(self._threshold(low, high), self.bits)
        if self.scheme.symmetric or self.bits > 8:
            return fake.symmetric_ends(low, high, self.bits)
        return fake.asymmetric_ends(low, high)

    def _threshold(self, low: Any, high: Any) -> Any:
        return fake.log2_threshold(low, high) + self.shift

    def compute_output_spec(self, inputs: Any, *args: Any, **keywords: Any) -> Any:
        """Return what it makes: the same shape and type."""
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        own = {"scheme": self.scheme._asdict(), "sites": self.sites, "ends": self.ends}
        return {**super().get_config(), **own}


def _marked(inputs: Any, low: Any, high: Any) -> Any:
    """Mark in an exported graph that what made these stays in float: see `tfq.passes.simulated`."""
    most = tf.constant(max(-float(tf.get_static_value(low)), float(tf.get_static_value(high))))
    return fake.fake_quantize(inputs, -most, 3.0 * most, _MARK_BITS)

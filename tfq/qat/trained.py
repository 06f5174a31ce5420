"""What conversion asks of a model that simulates quantization."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.passes.scales import Scheme


def is_trained(layer: Any) -> bool:
    """Say whether a layer simulates quantization."""
    from tfq.qat.quantizer import ActivationQuantizer
    from tfq.qat.weighted import QuantizedWeights

    return isinstance(layer, (ActivationQuantizer, QuantizedWeights))


def trained_layers(model: Any) -> Iterator[Any]:
    """Return the layers of a Keras model that simulate quantization, nested ones, too."""
    for layer in getattr(model, "layers", ()):
        if is_trained(layer):
            yield layer
        else:
            yield from trained_layers(layer)


def scheme_of(model: Any) -> Scheme | None:
    """Return the scheme that a Keras model simulates; None if it simulates none."""
    first = next(trained_layers(model), None)
    scheme: Scheme | None = None if first is None else first.scheme
    return scheme


def check_ranges(model: Any) -> None:
    """Check that the ranges of a model are known.

    Args:
        model: A Keras model.

    Raises:
        ConversionError: If nothing was ever seen, or what was seen is not finite.
    """
    from tfq.qat.quantizer import ActivationQuantizer

    for layer in trained_layers(model):
        if not isinstance(layer, ActivationQuantizer) or layer.ends is not None:
            continue
        if not float(layer.seen.numpy().max()) > 0:
            raise ConversionError(
                f"the Keras model has no range at {layer.name!r}: train it first, at least a step"
            )
        low, high = (float(each.numpy()) for each in layer.learned_ends())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ConversionError(
                f"the Keras model: expected a finite range at {layer.name!r}, got {low} to {high}; "
                "its training diverged"
            )

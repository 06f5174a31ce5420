"""Quantization-aware training of Keras 3 models, for the device that a profile describes.

`quantize_model` gives a Keras model that computes as the quantized one will; it is compiled and
trained as any other, saved and loaded, and then converted by `tfq.convert` without calibration
data. Importing this imports Keras and TensorFlow; `import tfq` does not import it.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError, ConversionWarning
from tfq.passes.scales import Scheme
from tfq.qat.freezing import FreezeStatistics, freeze_statistics
from tfq.qat.quantizer import ActivationQuantizer
from tfq.qat.rules import register
from tfq.qat.trained import is_trained
from tfq.qat.weighted import QuantizedWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from tfq.profiles import Profile

__all__ = [
    "ActivationQuantizer",
    "FreezeStatistics",
    "QuantizedWeights",
    "Scheme",
    "freeze_statistics",
    "quantize_model",
    "register",
]


def quantize_model(
    model: keras.Model,
    profile: str | os.PathLike[str] | Profile | None = None,
    *,
    scheme: Scheme | None = None,
    annotate: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
) -> keras.Model:
    """Make a model that computes as its quantized form will, to be trained further.

    Nested models are taken apart, layers that become several operators too; normalization goes
    into the layer before it, and channels are scaled to like ranges where that changes nothing of
    what the model computes. Layers that tfq does not know stay in float, with a warning that names
    them.

    Args:
        model: A functional or Sequential model, built; it is not changed.
        profile: The device, by name or path, whose scheme is simulated.
        scheme: Another scheme, instead of a profile.
        annotate: Patterns of the names of layers that are quantized; by default all are. A layer
            of a nested model is called by its own name or as `model/layer`.
        exclude: Patterns of the names of layers that stay in float.

    Returns:
        A new model, not compiled, with the weights of the old one.

    Raises:
        ArgumentError: The model is a subclass, not built, or simulates quantization already; the
            device computes in float; or a pattern fits no layer.
        ProfileError: The profile is unknown or broken.

    Example:
        >>> trained = tfq.qat.quantize_model(model, profile="artpec8")
        >>> trained.compile("adam", "sparse_categorical_crossentropy")
        >>> trained.fit(images, labels)
        >>> tfq.convert(trained, profile="artpec8").save("model.tflite")
    """
    from tfq.qat.build import built
    from tfq.qat.equalizing import equalize
    from tfq.qat.folding import with_quantized_weights
    from tfq.qat.graph import read
    from tfq.qat.scheme import scheme_for
    from tfq.qat.simplify import Simplified, matches

    chosen = scheme_for(profile, scheme)
    graph = read(model)
    _check(model, graph, annotate, exclude)

    def is_quantized(path: str) -> bool:
        return (annotate is None or matches(path, annotate)) and not matches(path, exclude)

    simplified = Simplified(graph, chosen, is_quantized)
    if simplified.floats:
        names = ", ".join(dict.fromkeys(simplified.floats))
        warnings.warn(
            f"these layers stay in float, as tfq knows no integer kernel of them: {names}; "
            "tfq.qat.register says how a layer is quantized",
            ConversionWarning,
            stacklevel=2,
        )
    ready = with_quantized_weights(simplified, chosen)
    equalize(ready)
    made = built(ready, simplified, chosen, model.name)
    for layer in made.layers:
        if isinstance(layer, QuantizedWeights):
            layer.start()
    return made


def _check(model: Any, graph: Any, annotate: Sequence[str] | None, exclude: Sequence[str]) -> None:
    from tfq.qat.simplify import matches

    if any(is_trained(call.layer) for call in graph.calls):
        raise ArgumentError(f"model: {model.name!r} simulates quantization already")
    for what, patterns in (("annotate", annotate or ()), ("exclude", exclude)):
        if isinstance(patterns, str):
            raise ArgumentError(f"{what}: expected patterns in a list, got {patterns!r}")
        for pattern in patterns:
            if not any(matches(call.path, [pattern]) for call in graph.calls):
                raise ArgumentError(f"{what}: no layer of {model.name!r} fits {pattern!r}")
    half = [call.layer for call in graph.calls if _type(call.layer) not in ("float32", None)]
    if half:
        raise ArgumentError(
            f"model: expected layers that compute in float32, got {half[0].name!r} in "
            f"{_type(half[0])}"
        )


def _type(layer: Any) -> str | None:
    dtype = getattr(layer, "compute_dtype", None)
    return dtype if dtype is not None and "float" in dtype else None

"""What TI's guide asks of a model and its data before they are quantized.

BatchNorm behind every convolution but the last, weight decay against huge weights, 16 bits for the
first and last convolution of a regression, at least 50 frames of calibration data:
github.com/TexasInstruments/edgeai-tidl-tools, docs/tidl_fsg_quantization.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.accuracy.diagnosis.causes import channel_magnitudes
from tfq.accuracy.diagnosis.result import Advice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.model import Model, Operator

LEAST_CALIBRATION = 50

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
_CONVOLUTIONS = _LAYERS[:3]
# The largest of a million normally distributed weights is 5 times their deviation; of 16 times as
# much little is left for the others.
_HUGE = 16.0
# Of fewer weights that says little.
_LEAST_SIZE = 64
# As a share of the layer's largest weight.
_DEAD = 1e-6
_LISTED = 5


def hygiene(
    model: Model, keras_model: Any, calibration_size: int, *, same_data: bool
) -> tuple[Advice, ...]:
    """Look for what makes quantization harder than it need be.

    Args:
        model: The float model.
        keras_model: What it was made of, if that is a Keras model; else None.
        calibration_size: How many samples calibrate.
        same_data: Whether they are those of the evaluation, too.
    """
    found = [*_batch_norms(model, keras_model), *_weights(model)]
    if calibration_size < LEAST_CALIBRATION:
        many = f"{calibration_size} sample{'' if calibration_size == 1 else 's'}"
        text = f"{many} for calibration: use at least {LEAST_CALIBRATION}"
        found.append(Advice("calibration_size", text))
    if same_data:
        text = (
            "calibration and evaluation use the same samples: give others with --calibration_data "
            "to see figures that hold for new data"
        )
        found.append(Advice("same_data", text))
    return tuple(found)


def ends(model: Model) -> tuple[Operator, ...]:
    """Return the first and the last convolution of a model; fewer if it has not two."""
    found = [each for each in model.operators if each.name in _CONVOLUTIONS]
    return (found[0], found[-1]) if len(found) > 1 else tuple(found)


def _batch_norms(model: Model, keras_model: Any) -> Iterator[Advice]:
    if not any(each.name in _CONVOLUTIONS for each in model.operators):
        return
    layers = _keras_layers(keras_model)
    if layers is None:
        text = "whether BatchNorm stood behind the convolutions cannot be seen in a .tflite"
        yield Advice("unseen", text)
        return
    convolutions = [each for each in layers if "Conv" in type(each).__name__]
    # Where the model branches at its end there are several last ones.
    missing = [
        each for each in convolutions if not _has_norm(each) and _is_followed(each, convolutions)
    ]
    if missing:
        have = "has" if len(missing) == 1 else "have"
        text = (
            f"{len(missing)} of {len(convolutions)} convolutions {have} no BatchNorm behind: "
            f"{_listed([each.name for each in missing])}; ranges then differ between channels"
        )
        yield Advice("batch_norm", text, missing[0].name)


def _keras_layers(model: Any) -> list[Any] | None:
    """Return the layers of a functional or sequential model, nested ones unpacked."""
    layers = getattr(model, "layers", None)
    if not layers:
        return None
    found: list[Any] = []
    for layer in layers:
        found += _keras_layers(layer) or [layer]
    return found


def _readers(layer: Any) -> list[Any]:
    """Return the layers that read what a layer makes; Keras 3 and tf_keras name them unlike."""
    nodes = getattr(layer, "_outbound_nodes", None) or ()
    found = [
        getattr(each, "operation", None) or getattr(each, "outbound_layer", None) for each in nodes
    ]
    return [each for each in found if each is not None]


def _has_norm(layer: Any) -> bool:
    return any("Normalization" in type(each).__name__ for each in _readers(layer))


def _is_followed(layer: Any, convolutions: Sequence[Any]) -> bool:
    """Say whether another convolution comes after a layer."""
    known, waiting = set(), _readers(layer)
    wanted = {id(each) for each in convolutions}
    while waiting:
        each = waiting.pop()
        if id(each) in wanted:
            return True
        if id(each) not in known:
            known.add(id(each))
            waiting += _readers(each)
    return False


def _weights(model: Model) -> Iterator[Advice]:
    import numpy as np

    for operator in model.operators:
        weights, axis = ops.weights(operator), ops.channel_axis(operator)
        if operator.name not in _LAYERS or weights is None or axis is None:
            continue
        if not weights.is_constant or weights.dtype != "float32" or 0 in weights.shape:
            continue
        values = weights.numpy()
        name = operator.outputs[0].name
        deviation = float(np.sqrt(np.square(values, dtype=np.float64).mean()))
        largest = float(np.abs(values).max())
        if values.size >= _LEAST_SIZE and largest > _HUGE * deviation > 0:
            text = (
                f"its largest weight ({largest:.3g}) is {largest / deviation:.0f} times the root "
                "mean square: clip_weights, or train with a weight decay such as 1e-4"
            )
            yield Advice("huge_weights", text, name)
        dead = int(np.count_nonzero(channel_magnitudes(values, axis) <= _DEAD * largest))
        if dead:
            text = f"{dead} of {values.shape[axis]} output channels have no weights: prune them"
            yield Advice("dead_channels", text, name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more

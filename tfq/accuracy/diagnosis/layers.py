"""The layers that err most, why, and how much each costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tfq.accuracy.diagnosis.evidence import Evidence, Place
from tfq.accuracy.diagnosis.judge import some
from tfq.accuracy.diagnosis.layer_causes import layer_causes
from tfq.accuracy.diagnosis.model_causes import model_causes
from tfq.accuracy.diagnosis.result import Cause, Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.accuracy.layers import LayerError
    from tfq.convert.calibration import Samples
    from tfq.model import Model

MOST_SAMPLES = 32
"""Noise is a mean over thousands of values of a layer: few samples tell it."""

MOST_LAYERS = 5
"""So many are named; the first few are mostly the reason."""

# They hand on what they get.
_MOVERS = (
    "RESHAPE",
    "SQUEEZE",
    "EXPAND_DIMS",
    "TRANSPOSE",
    "PAD",
    "QUANTIZE",
    "DEQUANTIZE",
    "CAST",
    "STRIDED_SLICE",
    "SLICE",
    "SPLIT",
    "GATHER",
    "MAX_POOL_2D",
    "PACK",
    "UNPACK",
)


class Inside(NamedTuple):
    """What is wrong inside a quantized model.

    Attributes:
        layers: Those that err most, the one that costs most first.
        causes: About the whole.
        errors: By the index of each operator that was compared, the SQNR of its output in dB.
    """

    layers: tuple[Layer, ...]
    causes: tuple[Cause, ...]
    errors: tuple[tuple[int, float], ...]


def look_inside(
    real: Model,
    integer: Model,
    samples: Samples,
    alone: Callable[[str], float | None] | None = None,
) -> Inside:
    """Compare a quantized model with its float model, layer by layer.

    Args:
        real: The float model.
        integer: The same, quantized.
        samples: Evaluation data; at most 32 are run.
        alone: Says what the SQNR of the outputs is if only the layer of this name has 8 bits, None
            if that cannot be made; None: not measured.

    Raises:
        InvalidModelError: If a model does not run.
        CalibrationDataError: If an activation of the float model is not finite.
    """
    from tfq.accuracy.comparison import Reference
    from tfq.accuracy.layers import layer_errors

    feeds = list(Reference(real, some(samples, MOST_SAMPLES)).feeds)
    measured = layer_errors(real, integer, feeds)
    evidence = Evidence(real, integer, feeds)
    worst = sorted(filter(_is_own, measured.layers), key=_own_error)[:MOST_LAYERS]
    layers = [_layer(each, evidence, alone) for each in evidence.places(worst)]
    # A layer with a large error need not matter at the end.
    layers.sort(key=lambda each: math.inf if each.alone is None else each.alone)
    errors = sorted((each.operator, each.sqnr) for each in measured.layers)
    return Inside(tuple(layers), model_causes(evidence), tuple(errors))


def _is_own(error: LayerError) -> bool:
    return error.op not in _MOVERS and _own_error(error) < math.inf


def _own_error(error: LayerError) -> float:
    return error.sqnr if error.isolated is None else error.isolated


def _layer(place: Place, evidence: Evidence, alone: Callable[[str], float | None] | None) -> Layer:
    error = place.error
    return Layer(
        error.operator,
        error.op,
        error.name,
        place.key,
        error.sqnr,
        error.isolated,
        alone(place.key) if alone is not None and place.key is not None else None,
        layer_causes(place, evidence),
    )

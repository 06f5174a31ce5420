"""The layers that err most, why, and how much each costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.diagnosis.causes import layer_causes, model_causes
from tfq.accuracy.diagnosis.evidence import Evidence, Place
from tfq.accuracy.diagnosis.judge import Judge, some
from tfq.accuracy.diagnosis.remedies import pattern
from tfq.accuracy.diagnosis.result import Cause, Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.accuracy.layers import LayerError
    from tfq.convert.calibration import Samples
    from tfq.convert.workbench import Workbench
    from tfq.model import Model
    from tfq.profiles import Profile

MOST_SAMPLES = 32
"""Noise is a mean over thousands of values of a layer: few samples tell it."""

MOST_LAYERS = 5
"""So many are named; the first few are mostly the reason."""

_MOST_WORST = 3
# Decibels of the outputs: ten such layers together leave 20.
_HARMLESS = 30.0
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


class Alone:
    """Says what the outputs are like if a single layer has 8 bits."""

    def __init__(
        self, bench: Workbench, granularity: str, device: Profile | None, samples: Samples
    ) -> None:
        """Take note of how to convert and on what to run.

        Args:
            bench: Converts; it may leave operators in float.
            granularity: Of the 8-bit model's weights.
            device: Whose scheme these have; None for any.
            samples: Evaluation data; at most 32 are run.
        """
        from tfq.passes.ranges import activation_keys

        model = bench.float_model
        self._bench, self._judge = bench, Judge(model, some(samples, MOST_SAMPLES), None)
        self._options: dict[str, Any] = {"granularity": granularity, "profile": device}
        keys = activation_keys(model.subgraphs[0])
        made = [each.outputs[0] for each in model.operators if each.outputs]
        self._keys = [keys[each] for each in made if each in keys and each.dtype == "float32"]

    def sqnr(self, key: str) -> float | None:
        """Return the SQNR of the worst output, in dB; None if the model cannot be made.

        Args:
            key: What `--passes` calls the layer.
        """
        rest = dict.fromkeys(f"float:{pattern(each)}" for each in self._keys if each != key)

        def make() -> Model:
            passes = ["minmax", *rest]
            return self._bench.convert(mode="full_integer", passes=passes, **self._options)

        return self._judge.judge(key, "", make).evaluation.worst


def look_inside(
    real: Model,
    integer: Model,
    samples: Samples,
    alone: Alone | None = None,
) -> Inside:
    """Compare a quantized model with its float model, layer by layer.

    Args:
        real: The float model.
        integer: The same, quantized.
        samples: Evaluation data; at most 32 are run.
        alone: Says what each of the worst layers costs; None: not measured.

    Raises:
        InvalidModelError: If a model does not run.
        CalibrationDataError: If an activation of the float model is not finite.
    """
    from tfq.accuracy.comparison import Reference
    from tfq.accuracy.layers import layer_errors

    feeds = list(Reference(real, some(samples, MOST_SAMPLES)).feeds)
    measured = layer_errors(real, integer, feeds)
    evidence = Evidence(real, integer, feeds)
    erring = sorted(filter(_is_own, measured.layers), key=_own_error)[:MOST_LAYERS]
    layers = [_layer(each, evidence, alone) for each in evidence.places(erring)]
    # A layer with a large error need not matter at the end.
    layers.sort(key=lambda each: math.inf if each.alone is None else each.alone)
    errors = sorted((each.operator, each.sqnr) for each in measured.layers)
    return Inside(tuple(layers), model_causes(evidence), tuple(errors))


def worst(layers: Sequence[Layer]) -> list[str]:
    """Return what `--passes` calls the layers that cost most, at most three.

    Args:
        layers: Of `look_inside`.
    """
    costly = [each for each in layers if each.alone is None or each.alone < _HARMLESS]
    return [each.key for each in costly if each.key is not None][:_MOST_WORST]


def _is_own(error: LayerError) -> bool:
    return error.op not in _MOVERS and _own_error(error) < math.inf


def _own_error(error: LayerError) -> float:
    return error.sqnr if error.isolated is None else error.isolated


def _layer(place: Place, evidence: Evidence, alone: Alone | None) -> Layer:
    error = place.error
    return Layer(
        operator=error.operator,
        op=error.op,
        name=error.name,
        key=place.key,
        sqnr=error.sqnr,
        isolated=error.isolated,
        alone=alone.sqnr(place.key) if alone is not None and place.key is not None else None,
        causes=layer_causes(place, evidence),
    )

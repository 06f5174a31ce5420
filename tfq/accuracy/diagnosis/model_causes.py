"""Causes that are not one layer's: what calibration saw, and what was left in float."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.accuracy.diagnosis.changed_inputs import extents
from tfq.accuracy.diagnosis.evidence import represented, share_outside
from tfq.accuracy.diagnosis.layer_causes import SPREAD
from tfq.accuracy.diagnosis.result import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.accuracy.diagnosis.evidence import Evidence
    from tfq.convert.calibration import Samples
    from tfq.model import Model

_OUTSIDE = 0.01
_BETWEEN = ("QUANTIZE", "DEQUANTIZE", "CAST")


def model_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """Find what is wrong with a quantized model as a whole.

    Args:
        evidence: What is known of it.
    """
    return (*_input_range(evidence), *_floats(evidence.integer))


def calibration_causes(calibration: Samples, evaluation: Samples) -> tuple[Cause, ...]:
    """Compare what was calibrated with what is evaluated, input by input.

    Args:
        calibration: Other samples than the evaluation's.
        evaluation: Read with the same inputs.
    """
    return tuple(_unlike(calibration, evaluation))


def _input_range(evidence: Evidence) -> Iterator[Cause]:
    for name, tensor, seen in evidence.inputs():
        ends = represented(tensor)
        if ends is None or not seen.samples:
            continue
        low, high, step = ends
        share = share_outside(seen, low - step, high + step)
        reach = f"input {name!r} holds {low:.4g}..{high:.4g} in steps of {step:.3g}, the data are "
        reach += f"{seen.low:.4g}..{seen.high:.4g}"
        if share >= _OUTSIDE:
            text = f"{reach}: {share:.1%} of their values are cut off"
            yield Cause("input_range", text, "calibrate with data prepared as in use")
        elif tensor.dtype != "int16" and SPREAD * (seen.high - seen.low) <= high - low:
            used = (seen.high - seen.low) / step
            text = f"{reach}: they use {used:.0f} of its 255 steps"
            yield Cause("input_range", text, "calibrate with data prepared as in use")


def _floats(model: Model) -> Iterator[Cause]:
    found = [
        each.name
        for each in model.operators
        if each.compute == "float" and each.name not in _BETWEEN
    ]
    if found:
        names = ", ".join(sorted(set(found)))
        text = f"{len(found)} of {len(model.operators)} operators compute in float: {names}"
        yield Cause("float_operator", text, "it does not cost accuracy, but see tfq lint")


def _unlike(calibration: Samples, evaluation: Samples) -> Iterator[Cause]:
    known, given = extents(calibration), extents(evaluation)
    for name, now in given.items():
        then = known.get(name)
        if then is None:
            continue
        low, high = min(then.low, 0.0), max(then.high, 0.0)
        column = evaluation.columns[name]
        size = sum(each.size for each in column)
        margin = 0.05 * (high - low)
        outside = sum(
            int(((each < low - margin) | (each > high + margin)).sum()) for each in column
        )
        reach = f"input {name!r} was calibrated on {then.low:.4g}..{then.high:.4g}, the evaluation "
        reach += f"data are {now.low:.4g}..{now.high:.4g}"
        if outside >= _OUTSIDE * size:
            text = f"{reach}: {outside / size:.1%} of their values are beyond"
        elif SPREAD * (max(now.high, 0.0) - min(now.low, 0.0)) <= high - low:
            text = f"{reach}: they use little of it"
        else:
            continue
        yield Cause("unlike_calibration", text, "calibrate with data as the device will see them")

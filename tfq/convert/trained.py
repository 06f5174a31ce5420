"""Conversion of models that simulate quantization: as they were trained, without calibration."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfq.convert import tracing
from tfq.convert.check import LISTED
from tfq.convert.choice import Choice, check_runs
from tfq.convert.plan import Plan
from tfq.convert.record import Applied
from tfq.convert.request import complete
from tfq.convert.sources import GraphSource
from tfq.errors import ArgumentError, ConversionWarning
from tfq.passes.float_io import float_io
from tfq.passes.integer_io import integer_io
from tfq.passes.quantize import quantize
from tfq.passes.scales import Scheme
from tfq.passes.simulated import departures, simulated

if TYPE_CHECKING:
    from tfq.convert.makers import Maker
    from tfq.convert.opening import Opened
    from tfq.convert.request import Request
    from tfq.profiles import Profile

LEVEL = "trained"
"""What stands for a level of accuracy where training has decided."""

_MODES = {"int8": "full_integer", "int16": "int16x8"}


def adapted(
    request: Request, opened: Opened, profile: Profile | None, options: Mapping[str, Any]
) -> Request:
    """Ask for what a model was trained for, if it was trained to be quantized.

    Args:
        request: What is asked.
        opened: The model and its data.
        profile: The device; None if none is named.
        options: What of the request the user has said, by the arguments of `complete`.

    Returns:
        The request for that scheme; the same one for any other model.

    Raises:
        ArgumentError: If something else is asked for.
    """
    source = opened.source
    if not isinstance(source, GraphSource):
        return request
    plan = Plan(LEVEL, symmetric=request.plan.symmetric, power_of_two=request.plan.power_of_two)
    if source.scheme is None:
        needs = request.mode.needs_calibration and opened.samples is None
        if needs and tracing.simulates_quantization(source, opened.inputs):
            return replace(request, plan=plan)
        return request
    scheme = source.scheme
    own: dict[str, Any] = {
        "mode": _MODES[scheme.activations],
        "granularity": "per_channel" if scheme.per_channel else "per_tensor",
        "accuracy": None,
        "passes": None,
        "weight_bits": scheme.weight_bits,
    }
    for name, value in own.items():
        # What the user leaves open is None, and 8 bits.
        if options[name] not in (None, "none", 8, value):
            raise ArgumentError(
                f"{name}: this model was trained for {value or 'its own ranges'}, "
                f"got {options[name]!r}"
            )
    plan = plan._replace(symmetric=scheme.symmetric, power_of_two=scheme.power_of_two)
    return replace(complete(profile, **{**options, **own}), plan=plan)


def choice(making: Maker) -> Choice:
    """Quantize a model in the ranges that it was trained for.

    Args:
        making: Makes the float model, which simulates quantization.

    Raises:
        ConversionError: If it cannot be quantized, or what comes out does not run.
    """
    request = making.request
    scheme = Scheme(
        "int16" if request.mode.name == "int16x8" else "int8",
        per_channel=request.granularity == "per_channel",
        symmetric=request.plan.symmetric,
        power_of_two=request.plan.power_of_two,
        weight_bits=request.weight_bits,
    )
    found = simulated(making.float_model, scheme)
    model, changes = quantize(found.model, found.spans, scheme, found.types)
    _warn_of(departures(found, model))
    if request.input_type == request.output_type == "float32":
        model, _ = float_io(model)
    else:
        model, _ = integer_io(model, [request.input_type], [request.output_type])
    check_runs(model, (), "tfq")
    return Choice(model, Applied(LEVEL, ("trained_ranges",), changes=(changes,)))


def _warn_of(departures: list[str]) -> None:
    """Say where the device will not compute what training simulated."""
    if departures:
        more = f" and {len(departures) - LISTED} more" if len(departures) > LISTED else ""
        warnings.warn(
            "the device computes with other scales than the model was trained with: "
            f"{'; '.join(departures[:LISTED])}{more}",
            ConversionWarning,
            stacklevel=6,
        )

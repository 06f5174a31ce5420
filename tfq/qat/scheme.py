"""The scheme of a device: what training simulates, and conversion then uses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tfq.errors import ArgumentError
from tfq.passes.scales import Scheme
from tfq.profiles import resolve

if TYPE_CHECKING:
    from tfq.profiles import Profile

_ACTIVATIONS = ("int8", "int16")
_WEIGHT_BITS = (4, 8)


def scheme_for(
    profile: str | os.PathLike[str] | Profile | None, scheme: Scheme | None = None
) -> Scheme:
    """Return the scheme in which a device computes.

    Args:
        profile: A device, by name or path; None with a scheme.
        scheme: Another scheme than the device's own; None for that.

    Raises:
        ArgumentError: If neither or both are given, the device needs no quantization, or there is
            no such scheme.
        ProfileError: If the profile is unknown or broken.
    """
    if (profile is None) == (scheme is None):
        raise ArgumentError("profile, scheme: expected one of both; got both or none")
    if scheme is not None:
        return _checked(scheme)
    device = resolve(profile)
    wanted = device.quantization
    if wanted.compute == "float":
        raise ArgumentError(f"profile: {device.name} computes in float, expected one with integers")
    granularity = wanted.granularity.required or device.convert.granularity or "per_channel"
    return Scheme(
        "int16" if device.convert.mode == "int16x8" else "int8",
        per_channel=granularity == "per_channel",
        symmetric="activations" in wanted.symmetric,
        power_of_two=bool(wanted.power_of_two),
    )


def _checked(scheme: Scheme) -> Scheme:
    if not isinstance(scheme, Scheme):
        raise ArgumentError(f"scheme: expected a tfq.qat.Scheme, got {type(scheme).__name__}")
    if scheme.activations not in _ACTIVATIONS:
        raise ArgumentError(f"scheme: expected int8 or int16, got {scheme.activations!r}")
    if scheme.weight_bits not in _WEIGHT_BITS:
        raise ArgumentError(f"scheme: expected weights of 4 or 8 bits, got {scheme.weight_bits!r}")
    if scheme.weight_bits == 4 and scheme.activations == "int16":
        raise ArgumentError("scheme: expected activations int8 beside weights of 4 bits, got int16")
    return scheme

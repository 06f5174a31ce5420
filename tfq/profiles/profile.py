"""A device profile, as an object that cannot be changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Named tuples rather than dataclasses: importing those would double what a small command imports.


class Source(NamedTuple):
    """Where a profile's facts stand.

    Attributes:
        url: The address.
        read: The month in which it was read, such as `"2026-11"`.
    """

    url: str
    read: str


class Granularity(NamedTuple):
    """How many scales a weight tensor may have on the device.

    Attributes:
        allowed: What runs at all; empty if no source says.
        required: Anything else is a finding; None if nothing is required.
        recommended: Anything else is a hint; None if nothing is recommended.
        why: The reason, half a sentence; may be empty.
    """

    allowed: tuple[str, ...] = ()
    required: str | None = None
    recommended: str | None = None
    why: str = ""


class Requirements(NamedTuple):
    """What the device asks of a model's types. An empty tuple is: no source says.

    Attributes:
        compute: In what every op must compute: `"integer"`, `"float"` or `"any"`.
        activations: Types of activations that it takes.
        weights: Types of weights that it takes.
        granularity: How many scales a weight tensor may have.
        inputs: Types of the model's quantized inputs.
        outputs: Types of the model's quantized outputs.
    """

    compute: str
    activations: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    granularity: Granularity = Granularity()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Conversion(NamedTuple):
    """What `tfq.convert` chooses for the device where nobody says otherwise.

    Attributes:
        mode: The conversion's mode, such as `"full_integer"`.
        granularity: `"per_tensor"`, `"per_channel"`, or None where the mode has no choice.
        input_type: The type of the inputs, or None for the mode's own.
        output_type: The type of the outputs, or None for the mode's own.
    """

    mode: str
    granularity: str | None = None
    input_type: str | None = None
    output_type: str | None = None


class Profile(NamedTuple):
    """What one device takes, as its own documentation says.

    Attributes:
        name: What `--profile` takes.
        title: The device's name for people.
        vendor: Who makes it.
        sources: Where the facts stand.
        quantization: What it asks of types.
        convert: What `tfq.convert` chooses for it.
        severity: By rule id, the severity where it differs from the rule's own.
        hints: Advice, a sentence each.
        path: The file it was read from.
    """

    name: str
    title: str
    vendor: str
    sources: tuple[Source, ...]
    quantization: Requirements
    convert: Conversion
    severity: Mapping[str, str]
    hints: tuple[str, ...]
    path: str


def from_json(data: Mapping[str, Any], path: str) -> Profile:
    """Make a profile of data that meets `schemas/profile.schema.json`.

    Args:
        data: The JSON object.
        path: The file that it comes from.

    Returns:
        The profile.
    """
    quantization = dict(_frozen(data["quantization"]))
    quantization["granularity"] = Granularity(**quantization.get("granularity", {}))
    return Profile(
        name=data["name"],
        title=data["title"],
        vendor=data["vendor"],
        sources=tuple(Source(**source) for source in data["sources"]),
        quantization=Requirements(**quantization),
        convert=Conversion(**data["convert"]),
        severity=MappingProxyType(dict(data.get("severity", {}))),
        hints=tuple(data.get("hints", ())),
        path=path,
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value

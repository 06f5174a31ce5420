"""A device profile, as an object that cannot be changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.profiles import constraint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfq.profiles.constraint import Constraint

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
        symmetric: What must have its zero point in the middle: "weights", "activations".
        power_of_two: What must have powers of two as scales, likewise.
        inputs: Types of the model's quantized inputs.
        outputs: Types of the model's quantized outputs.
    """

    compute: str
    activations: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    granularity: Granularity = Granularity()
    symmetric: tuple[str, ...] = ()
    power_of_two: tuple[str, ...] = ()
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


class Misfit(NamedTuple):
    """What becomes of an operator that the device does not take.

    Attributes:
        target: `"cpu"`: it runs there; `"rejected"`: the device or its compiler refuses the model.
        ends_accelerator: Whether all that needs its outputs stays on the CPU too.
        why: Half a sentence; may be empty.
    """

    target: str = "cpu"
    ends_accelerator: bool = False
    why: str = ""


class Shapes(NamedTuple):
    """What the device asks of a model's shapes.

    Attributes:
        static: Whether all dimensions must be known before the model runs.
        batch: The batch size that it takes; None if no source says.
        rank: The most dimensions that an activation may have; None if no source says.
    """

    static: bool = False
    batch: int | None = None
    rank: int | None = None


class Memory(NamedTuple):
    """What the device has room for, in bytes; None if no source says.

    Attributes:
        weights: For weights; a larger model runs, but slower.
        activations: For activations that live at the same time.
        why: What happens beyond that, half a sentence; may be empty.
    """

    weights: int | None = None
    activations: int | None = None
    why: str = ""


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
        engine: What runs the operators that fit: `"accelerator"`, or `"cpu"` where there is none.
        operators: By the name of each operator that the device takes, its constraints. Empty: no
            source says, and every operator counts as taken.
        every_operator: Constraints on all operators.
        misfit: What becomes of the others.
        shapes: What it asks of shapes.
        memory: What it has room for.
        advice: Constraints that only cost speed or accuracy where they are broken.
        verify: The vendor's own tool that says where operators run, such as `"tflite_micro"` or
            `"vela:ethos-u55-256"`; empty if there is none.
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
    engine: str = "accelerator"
    operators: Mapping[str, tuple[Constraint, ...]] = MappingProxyType({})
    every_operator: tuple[Constraint, ...] = ()
    misfit: Misfit = Misfit()
    shapes: Shapes = Shapes()
    memory: Memory = Memory()
    advice: tuple[Constraint, ...] = ()
    verify: str = ""


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
        engine=data.get("engine", "accelerator"),
        operators=MappingProxyType(
            {name: _constraints(rows) for name, rows in data.get("operators", {}).items()}
        ),
        every_operator=_constraints(data.get("every_operator", ())),
        misfit=Misfit(**data.get("misfit", {})),
        shapes=Shapes(**data.get("shapes", {})),
        memory=Memory(**data.get("memory", {})),
        advice=_constraints(data.get("advice", ())),
        verify=data.get("verify", ""),
    )


def _constraints(rows: Iterable[Mapping[str, Any]]) -> tuple[Constraint, ...]:
    return tuple([constraint.from_json(row) for row in rows])


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value

"""The ways to convert a model that a sweep goes through."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.convert.request import Request
    from tfq.profiles import Profile


class Way(NamedTuple):
    """One way to convert, in the words of `tfq.convert`.

    Attributes:
        name: Of the row, and of its file without `.tflite`.
        mode: As there, and so the rest; None is the mode's or the profile's own.
        granularity: As there.
        accuracy: As there.
        passes: As there.
        weight_bits: As there.
        profile: The device that says the rest.
    """

    name: str
    mode: str | None
    granularity: str | None = None
    accuracy: str | None = None
    passes: str | None = None
    weight_bits: int = 8
    profile: Profile | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `Workbench.convert` takes."""
        options = self._asdict()
        del options["name"]
        return options

    @property
    def request(self) -> Request:
        """The complete request, for what is said of the row.

        Raises:
            tfq.ArgumentError: If the profile contradicts itself.
        """
        from tfq.convert.request import complete

        return complete(**self.options)


FLOAT = "float32"
POWER_OF_TWO = "equalize,search,round_weights,power_of_two"
"""What `tfq.convert` does for a device that asks for powers of two: "standard", and those."""

# What has mode, granularity and bits in common stands together: it is made from one another.
WAYS = (
    Way(FLOAT, "float32"),
    Way("float16", "float16"),
    Way("dynamic_range.per_channel", "dynamic_range", "per_channel"),
    Way("dynamic_range.per_tensor", "dynamic_range", "per_tensor"),
    Way("dynamic_range.per_channel.int4", "dynamic_range", "per_channel", weight_bits=4),
    Way("weight_only.per_channel", "weight_only", "per_channel"),
    Way("weight_only.per_tensor", "weight_only", "per_tensor"),
    Way("full_integer.per_channel.none", "full_integer", "per_channel", "none"),
    Way("full_integer.per_channel.standard", "full_integer", "per_channel", "standard"),
    Way("full_integer.per_channel.best", "full_integer", "per_channel", "best"),
    Way("full_integer.per_tensor.none", "full_integer", "per_tensor", "none"),
    Way("full_integer.per_tensor.standard", "full_integer", "per_tensor", "standard"),
    Way("full_integer.per_tensor.best", "full_integer", "per_tensor", "best"),
    Way("full_integer.per_tensor.power_of_two", "full_integer", "per_tensor", passes=POWER_OF_TWO),
    Way("full_integer.per_channel.int4", "full_integer", "per_channel", "standard", weight_bits=4),
    Way("int16x8.per_channel", "int16x8", "per_channel", "standard"),
    Way("int16x8.per_tensor", "int16x8", "per_tensor", "standard"),
)


def chosen(profiles: Iterable[Profile], patterns: Sequence[str] = ()) -> tuple[Way, ...]:
    """Choose the ways of a sweep.

    Args:
        profiles: The devices. One for which `tfq.convert` would do what no other row does gets a
            row of its own, `profile.NAME`.
        patterns: Of the names of rows, as `fnmatch` takes them; empty for all.

    Returns:
        The ways, in the order of the table.

    Raises:
        tfq.ArgumentError: If a pattern fits no name.
    """
    known = {_substance(way.request) for way in WAYS}
    ways = list(WAYS)
    for profile in profiles:
        own = Way(f"profile.{profile.name}", None, profile=profile)
        substance = _substance(own.request)
        if substance not in known:
            known.add(substance)
            ways.append(own)
    for pattern in patterns:
        if not any(fnmatchcase(way.name, pattern) for way in ways):
            names = ", ".join(way.name for way in ways)
            raise ArgumentError(f"modes: expected patterns of {names}; got {pattern!r}")
    return tuple(
        way for way in ways if not patterns or any(fnmatchcase(way.name, each) for each in patterns)
    )


def _substance(request: Request) -> tuple[object, ...]:
    """What comes out depends on: not by which word it was asked for."""
    return (
        request.mode.name,
        request.granularity,
        request.input_type,
        request.output_type,
        request.plan._replace(level=""),
        request.weight_bits,
    )

"""Device profiles, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.profiles import Granularity, Profile

UNKNOWN = "unknown"


def list_text(profiles: Sequence[Profile]) -> str:
    """One line a profile.

    Args:
        profiles: What to list.

    Returns:
        A table, without a line break at the end.
    """
    header = ["name", "device", "compute", "granularity", "inputs and outputs"]
    rows = [
        [
            each.name,
            each.title,
            each.quantization.compute,
            _granularity(each.quantization.granularity),
            _types(each.quantization.inputs),
        ]
        for each in profiles
    ]
    return table(header, rows)


def profile_text(profile: Profile) -> str:
    """One profile in full.

    Args:
        profile: What to print.

    Returns:
        The lines, without a line break at the end.
    """
    return "\n".join(printable(line) for line in _lines(profile))


def _lines(profile: Profile) -> Iterator[str]:
    wants, convert = profile.quantization, profile.convert
    yield f"{profile.name}: {profile.title}, {profile.vendor}"
    yield f"  compute       {wants.compute}"
    yield f"  activations   {_types(wants.activations)}"
    yield f"  weights       {_types(wants.weights)}"
    why = f" ({wants.granularity.why})" if wants.granularity.why else ""
    yield f"  granularity   {_granularity(wants.granularity)}{why}"
    yield f"  inputs        {_types(wants.inputs)}"
    yield f"  outputs       {_types(wants.outputs)}"
    choices = [convert.mode, convert.granularity, convert.input_type, convert.output_type]
    yield f"  tfq convert   {', '.join(choice for choice in choices if choice)}"
    for rule, severity in profile.severity.items():
        yield f"  severity      {rule}: {severity}"
    for title, lines in (
        ("hints", profile.hints),
        ("sources", [f"{source.url} (read {source.read})" for source in profile.sources]),
    ):
        if lines:
            yield f"  {title}"
            yield from (f"    {line}" for line in lines)


def _types(types: Sequence[str]) -> str:
    return " or ".join(types) or UNKNOWN


def _granularity(granularity: Granularity) -> str:
    if granularity.required:
        return f"{granularity.required} required"
    if granularity.recommended:
        return f"{granularity.recommended} recommended"
    return _types(granularity.allowed)

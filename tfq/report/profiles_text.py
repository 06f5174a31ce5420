"""Device profiles, for people."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.profiles import Constraint, Granularity, Profile, Shapes
    from tfq.profiles.constraint import Tests

UNKNOWN = "unknown"
INDENT = "    "
# Lists of operators that are longer stand on lines of their own.
LONGEST_NAME = 30


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
    yield f"{profile.name}: {profile.title}, {profile.vendor}"
    yield from (f"  {name:<13} {value}" for name, value in _properties(profile))
    yield from _operators(profile)
    if profile.advice:
        yield "  advice: runs, but slower or less accurately"
        yield from _table([(_scope(each), [each]) for each in profile.advice])
    for title, lines in (
        ("hints", profile.hints),
        ("sources", [f"{source.url} (read {source.read})" for source in profile.sources]),
    ):
        if lines:
            yield f"  {title}"
            yield from (f"    {line}" for line in lines)


def _properties(profile: Profile) -> Iterator[tuple[str, str]]:
    wants, convert = profile.quantization, profile.convert
    yield "compute", wants.compute
    yield "activations", _types(wants.activations)
    yield "weights", _types(wants.weights)
    yield "granularity", _granularity(wants.granularity) + _because(wants.granularity.why)
    if wants.symmetric:
        yield "symmetric", ", ".join(wants.symmetric)
    if wants.power_of_two:
        yield "powers of two", f"scales of {', '.join(wants.power_of_two)}"
    yield "inputs", _types(wants.inputs)
    yield "outputs", _types(wants.outputs)
    if shapes := _shapes(profile.shapes):
        yield "shapes", shapes
    memory = profile.memory
    for what, size in (("weights", memory.weights), ("activations", memory.activations)):
        if size is not None:
            yield "memory", f"{size:,} bytes of {what}{_because(memory.why)}"
    choices = [convert.mode, convert.granularity, convert.input_type, convert.output_type]
    yield "tfq convert", ", ".join(choice for choice in choices if choice)
    for rule, severity in profile.severity.items():
        yield "severity", f"{rule}: {severity}"


def _operators(profile: Profile) -> Iterator[str]:
    misfit = profile.misfit
    fate = {"cpu": "others run on the CPU", "rejected": "others are refused"}[misfit.target]
    if misfit.ends_accelerator:
        fate += ", and so does all that needs their outputs"
    known = "" if profile.operators else f"{UNKNOWN}, all count as taken; "
    yield f"  operators: {known}{fate}{_because(misfit.why)}"
    free = [name for name, rows in profile.operators.items() if not rows]
    yield from wrap(", ".join(free), 100, initial_indent=INDENT, subsequent_indent=INDENT)
    yield from _table([(name, rows) for name, rows in profile.operators.items() if rows])
    yield from _table([(_scope(each), [each]) for each in profile.every_operator])


def _table(rows: Sequence[tuple[str, Sequence[Constraint]]]) -> Iterator[str]:
    """The constraints, each on a line of its own, beside the operators that they are about."""
    width = max([len(name) for name, _ in rows if len(name) <= LONGEST_NAME], default=0)
    for name, constraints in rows:
        lines = [line for each in constraints for line in _constraint(each)]
        if len(name) > width:
            yield from wrap(name, 100, initial_indent=INDENT, subsequent_indent=INDENT)
            name = ""
        for line in lines:
            yield f"{INDENT}{name:<{width}}  {line}"
            name = ""


def _constraint(constraint: Constraint) -> Iterator[str]:
    when = f"if {_tests(constraint.when)}: " if constraint.when else ""
    why = _because(constraint.why)
    if not constraint.any:
        yield f"{when}{_tests(constraint.require)}{why}"
        return
    groups = [_tests((*constraint.require, *group)) for group in constraint.any]
    for at, group in enumerate(groups):
        word = "or" if at else f"{when}either"
        yield f"{word} {group}{why if at == len(groups) - 1 else ''}"


def _tests(tests: Tests) -> str:
    """Such as `kernel height at most 7, strides equal: yes`."""
    words = []
    for name, test in tests:
        colon = ":" if isinstance(test.value, bool) else ""
        words.append(f"{name.replace('_', ' ')}{colon} {test.wanted}")
    return ", ".join(words)


def _scope(constraint: Constraint) -> str:
    names = ", ".join(constraint.operators) or "all"
    return f"{names} but {', '.join(constraint.exceptions)}" if constraint.exceptions else names


def _shapes(shapes: Shapes) -> str:
    parts = ["static"] if shapes.static else []
    parts += [f"batch {shapes.batch}"] if shapes.batch is not None else []
    parts += [f"at most {shapes.rank} dimensions"] if shapes.rank is not None else []
    return ", ".join(parts)


def _because(why: str) -> str:
    return f" ({why})" if why else ""


def _types(types: Sequence[str]) -> str:
    return " or ".join(types) or UNKNOWN


def _granularity(granularity: Granularity) -> str:
    if granularity.required:
        return f"{granularity.required} required"
    if granularity.recommended:
        return f"{granularity.recommended} recommended"
    return _types(granularity.allowed)

"""Constraints on operators: rows of a profile, and the loop over them.

A constraint is a condition in the words of `tfq.ops.facts`:

    {"when": {"stride_height": 2}, "require": {"kernel_height": {"max": 7}}, "why": "…"}

Each test of `require` must hold; of `any`, a list of such objects, all tests of one. Tests of
`when` say to which operators the constraint applies. A fact that the file does not tell breaks
nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.ops.facts import FACTS, fact, kind
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tfq.model import Operator

    Tests = tuple[tuple[str, "Test"], ...]

KINDS: dict[str, type | tuple[type, ...]] = {"number": (int, float), "text": str, "bool": bool}
EQUALITIES = ("is", "is_not", "in", "not_in")


class Test(NamedTuple):
    """One comparison.

    Attributes:
        comparison: A key of `COMPARISONS`.
        value: What the fact is compared with.
    """

    comparison: str
    value: Any

    @property
    def wanted(self) -> str:
        """What must be there, such as `at most 7`."""
        return COMPARISONS[self.comparison][1].format(_shown(self.value))

    def holds(self, found: object) -> bool | None:
        """Compare a fact, or each of its values; None if there is nothing to compare."""
        if found is None:
            return None
        compare = COMPARISONS[self.comparison][0]
        if isinstance(found, tuple):
            return all(compare(each, self.value) for each in found)
        return compare(found, self.value)


class Constraint(NamedTuple):
    """What an operator must be like for the device to take it.

    Attributes:
        require: (fact, test) pairs that must hold.
        any: Groups of such pairs, of which one must hold as a whole; empty for none.
        when: Pairs that must hold for the constraint to apply at all.
        operators: To which operators it applies; empty: to all.
        exceptions: To which it does not.
        why: The reason, half a sentence; may be empty.
    """

    require: Tests = ()
    any: tuple[Tests, ...] = ()
    when: Tests = ()
    operators: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    why: str = ""

    def concerns(self, name: str) -> bool:
        """Say whether the constraint is about operators of that name."""
        return (not self.operators or name in self.operators) and name not in self.exceptions

    def broken_by(self, op: Operator) -> str | None:
        """Say how an operator breaks the constraint.

        Args:
            op: Any operator.

        Returns:
            Half a sentence with the value, the limit and the reason; None if it meets it.
        """
        if not self.concerns(op.name):
            return None
        if any(test.holds(fact(op, name)) is not True for name, test in self.when):
            return None
        faults = list(islice(_broken(op, self.require), 1)) or self._no_group_holds(op)
        if not faults:
            return None
        wanted: dict[str, dict[str, None]] = {}
        for found, expected in faults:
            wanted.setdefault(found, {})[expected] = None
        broken = "; ".join(f"{found}, expected {' or '.join(wanted[found])}" for found in wanted)
        return f"{broken} ({self.why})" if self.why else broken

    def _no_group_holds(self, op: Operator) -> list[tuple[str, str]]:
        """The first fault of each group; nothing if a group has none."""
        faults = [next(_broken(op, group), None) for group in self.any]
        return [] if None in faults else [fault for fault in faults if fault is not None]


def _broken(op: Operator, tests: Tests) -> Iterator[tuple[str, str]]:
    """What is found, and what is expected in its place, for each test that does not hold."""
    for name, test in tests:
        found = fact(op, name)
        if test.holds(found) is False:
            shown = ", ".join(_shown(each) for each in dict.fromkeys(_values(found)))
            yield f"{name.replace('_', ' ')} is {shown}", test.wanted


def from_json(data: Mapping[str, Any]) -> Constraint:
    """Make a constraint of a JSON object that meets the schema."""
    return Constraint(
        require=_tests(data.get("require", {})),
        any=tuple([_tests(group) for group in data.get("any", ())]),
        when=_tests(data.get("when", {})),
        operators=tuple(data.get("operators", ())),
        exceptions=tuple(data.get("except", ())),
        why=data.get("why", ""),
    )


def faults(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what a constraint's JSON object says that the schema cannot refuse.

    Args:
        data: The object, which meets the schema.

    Yields:
        The place in the object, such as `.require.padding.is`, and the fault.
    """
    groups = [("require", data.get("require", {})), ("when", data.get("when", {}))]
    groups += [(f"any[{at}]", group) for at, group in enumerate(data.get("any", ()))]
    for place, group in groups:
        for name, wanted in group.items():
            if name not in FACTS:
                expected = "expected facts of operators (see docs/profiles.md)"
                yield f".{place}", f"{expected}, got {name!r}{did_you_mean(name, FACTS)}"
                continue
            for comparison, value in _comparisons(wanted):
                where = f".{place}.{name}" + (f".{comparison}" if wanted is not value else "")
                if fault := _mismatch(name, comparison, value):
                    yield where, fault
    if not data.get("require") and not data.get("any"):
        yield "", "expected something under 'require' or 'any', got nothing"


def _mismatch(name: str, comparison: str, value: Any) -> str:
    """Say why a fact cannot be compared like this; empty if it can."""
    wanted = kind(name)
    if wanted != "number" and comparison not in EQUALITIES:
        return f"expected one of {', '.join(EQUALITIES)} for a {wanted}, got {comparison!r}"
    values = value if isinstance(value, list) else [value]
    for each in values:
        if not isinstance(each, KINDS[wanted]) or isinstance(each, bool) != (wanted == "bool"):
            return f"expected a {wanted}, got {each!r}"
    if comparison in ("multiple_of", "no_multiple_of") and value == 0:
        return "expected a number other than 0, got 0"
    return ""


def _comparisons(wanted: Any) -> Iterable[tuple[str, Any]]:
    return wanted.items() if isinstance(wanted, dict) else [("is", wanted)]


def _tests(data: Mapping[str, Any]) -> Tests:
    pairs = []
    for name, wanted in data.items():
        pairs += [(name, Test(*comparison)) for comparison in _comparisons(wanted)]
    return tuple(pairs)


def _values(found: object) -> tuple[object, ...]:
    return found if isinstance(found, tuple) else (found,)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# Comparison → (the comparison, how a message says what is wanted).
COMPARISONS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "is": (lambda found, value: found == value, "{}"),
    "is_not": (lambda found, value: found != value, "anything but {}"),
    "in": (lambda found, value: found in value, "one of {}"),
    "not_in": (lambda found, value: found not in value, "none of {}"),
    "min": (lambda found, value: found >= value, "at least {}"),
    "max": (lambda found, value: found <= value, "at most {}"),
    "above": (lambda found, value: found > value, "more than {}"),
    "below": (lambda found, value: found < value, "less than {}"),
    "multiple_of": (lambda found, value: found % value == 0, "a multiple of {}"),
    "no_multiple_of": (lambda found, value: found % value != 0, "no multiple of {}"),
}

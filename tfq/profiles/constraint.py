"""Constraints on operators: rows of a profile, and the loop over them.

A constraint is a condition in the words of `tfq.ops.facts`:

    {"when": {"stride_height": 2}, "require": {"kernel_height": {"max": 7}}, "why": "…"}

Each test of `require` must hold; of `any`, a list of such objects, all tests of one. Tests of
`when` say to which operators the constraint applies. A fact that the file does not tell breaks
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.ops.facts import FACTS, fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tfq.model import Operator

    Tests = tuple[tuple[str, "Test"], ...]


class Test(NamedTuple):
    """One comparison.

    Attributes:
        comparison: A key of `COMPARISONS`.
        value: What the fact is compared with.
    """

    comparison: str
    value: Any

    def holds(self, found: object) -> bool | None:
        """Compare a fact, or each of its values; None if there is nothing to compare."""
        if found is None:
            return None
        compare = COMPARISONS[self.comparison][0]
        values = found if isinstance(found, tuple) else (found,)
        return all(compare(each, self.value) for each in values)


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

    def broken_by(self, op: Operator) -> str | None:
        """Say how an operator breaks the constraint.

        Args:
            op: Any operator.

        Returns:
            Half a sentence with the value, the limit and the reason; None if it meets it.
        """
        if (self.operators and op.name not in self.operators) or op.name in self.exceptions:
            return None
        if any(test.holds(fact(op, name)) is not True for name, test in self.when):
            return None
        broken = next(_broken(op, self.require), None)
        if broken is None and self.any:
            broken = self._no_group_holds(op)
        if broken is None:
            return None
        return f"{broken} ({self.why})" if self.why else broken

    def _no_group_holds(self, op: Operator) -> str | None:
        faults = [next(_broken(op, group), None) for group in self.any]
        if None in faults:
            return None
        return " and ".join(dict.fromkeys(fault for fault in faults if fault))


def _broken(op: Operator, tests: Tests) -> Iterator[str]:
    for name, test in tests:
        found = fact(op, name)
        if test.holds(found) is False:
            shown = ", ".join(_shown(each) for each in dict.fromkeys(_values(found)))
            wanted = COMPARISONS[test.comparison][1].format(_shown(test.value))
            yield f"{name.replace('_', ' ')} is {shown}, expected {wanted}"


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


def unknown_facts(data: Mapping[str, Any]) -> Iterator[str]:
    """Return the words of a constraint's JSON object that are no facts."""
    groups = [data.get("require", {}), data.get("when", {}), *data.get("any", ())]
    for group in groups:
        yield from (name for name in group if name not in FACTS)


def _tests(data: Mapping[str, Any]) -> Tests:
    pairs = []
    for name, wanted in data.items():
        tests = wanted.items() if isinstance(wanted, dict) else [("is", wanted)]
        pairs += [(name, Test(comparison, value)) for comparison, value in tests]
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

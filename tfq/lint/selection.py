"""Which rules run and how bad what they find is, as command line, config file or program say."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from tfq import errors
from tfq.lint import rules
from tfq.lint.finding import SEVERITIES
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tfq.lint.rule import Rule

    Rules = Mapping[str, Rule]

NOTHING: Mapping[str, str] = MappingProxyType({})
# What is read as a digit of an id.
LOOKALIKES = str.maketrans("OoIl", "0011")


class Layer(NamedTuple):
    """What one source says. A selector is a rule's id, or the beginning of several.

    Attributes:
        where: What stands before the name of an argument in an error, such as `"--"`.
        select: Selectors of the rules that run; empty for all.
        ignore: Selectors of rules that do not. Of two that match, the longer one counts; of two
            alike, this one.
        severity: By selector, `"error"`, `"warning"` or `"hint"`; again the longest counts.
    """

    where: str = ""
    select: Collection[str] = ()
    ignore: Collection[str] = ()
    severity: Mapping[str, str] = NOTHING


class Plan(NamedTuple):
    """What is to be done.

    Attributes:
        rules: The ids of the rules that run, in order.
        severity: By rule id, the severity where a layer says one.
    """

    rules: tuple[str, ...]
    severity: Mapping[str, str]


def resolve(layers: Sequence[Layer]) -> Plan:
    """Put layers together: for each rule the first one that says something about it counts.

    A layer with `select` says something about every rule.

    Args:
        layers: What the sources say, the strongest first.

    Returns:
        The plan.

    Raises:
        tfq.errors.ArgumentError: If a selector matches no rule (the message names the nearest
            one), a severity is unknown, or no rule is left.
    """
    known = rules.all_rules()
    severity: dict[str, str] = {}
    for layer in reversed(layers):
        _check(layer, known)
        # The longest last, so that it replaces what the shorter ones said.
        for selector in sorted(layer.severity, key=len):
            matched = [identity for identity in known if identity.startswith(selector)]
            severity |= dict.fromkeys(matched, layer.severity[selector])
    chosen = tuple(identity for identity in known if _is_chosen(identity, layers))
    if not chosen:
        raise errors.ArgumentError(
            "expected a rule to check, got none that select and ignore leave"
        )
    return Plan(chosen, severity)


def nearest_rule(word: str, known: Rules) -> str:
    """The end of an error's sentence about a rule that does not exist.

    Args:
        word: What the user wrote.
        known: The rules by their ids.

    Returns:
        Such as `"; did you mean Q101?"`; empty if nothing is near.
    """
    # Of digits, spelling says nothing: Q108 is nearer to Q107 than to Q801.
    if found := re.fullmatch(r"[A-Za-z]?([0-9]{1,3})", word.translate(LOOKALIKES)):
        return f"; did you mean {_nearest_number(found[1], known)}?"
    if near := did_you_mean(word, known):
        return near
    # Whoever wrote a rule's name learns its id.
    near_name = did_you_mean(word, [rule.name for rule in known.values()])
    ids = [rule.id for rule in known.values() if near_name.endswith(f" {rule.name}?")]
    return f"; did you mean {ids[0]}?" if ids else ""


def _nearest_number(digits: str, known: Rules) -> str:
    """The id that begins alike; of several the one whose number is nearest."""
    padded = digits.ljust(3, "0")

    def distance(identity: str) -> tuple[int, int]:
        number = identity[1:]
        alike = next((at for at in range(3) if number[at] != padded[at]), 3)
        return -alike, abs(int(number) - int(padded))

    return min(known, key=distance)


def _is_chosen(identity: str, layers: Sequence[Layer]) -> bool:
    for layer in layers:
        selected = _longest(layer.select, identity)
        ignored = _longest(layer.ignore, identity)
        if layer.select or ignored:
            return selected > ignored
    return True


def _longest(selectors: Collection[str], identity: str) -> int:
    return max((len(each) for each in selectors if identity.startswith(each)), default=0)


def _check(layer: Layer, known: Rules) -> None:
    for name in ("select", "ignore", "severity"):
        selectors = getattr(layer, name)
        if isinstance(selectors, str):
            raise errors.ArgumentError(f"{name}: expected a list of rule ids, got {selectors!r}")
        for selector in selectors:
            if not selector or not any(each.startswith(selector) for each in known):
                raise errors.ArgumentError(
                    f"{layer.where}{name}: expected a rule's id or the beginning of one, as "
                    f"`tfq rule` lists them, got {selector!r}{nearest_rule(selector, known)}"
                )
    for selector, severity in layer.severity.items():
        if severity not in SEVERITIES:
            raise errors.ArgumentError(
                f"{layer.where}severity: {selector}: expected one of {', '.join(SEVERITIES)}, "
                f"got {severity!r}{did_you_mean(severity, SEVERITIES)}"
            )

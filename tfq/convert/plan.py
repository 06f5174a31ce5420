"""What is done for a model's accuracy: `--accuracy` and `--passes`, as a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfq.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.profiles import Profile

LEVELS = {
    "none": "",
    "standard": "equalize,search,round_weights",
    "best": "equalize,absorb_bias,search,round_weights,correct_bias",
}
"""By the name of a level, the passes that it stands for."""

SEARCHED = ("minmax", "moving_average", "percentile:99.999", "percentile:99.99", "mse", "entropy")
"""What `search` tries: ways to choose ranges, each for the whole model."""

_FLOAT_PASSES = ("equalize", "absorb_bias")
_RANGES = ("minmax", "moving_average", "percentile", "mse", "entropy")
_TYPES = {"int16": "int16", "float": "float32"}
_NAMES = (
    *_FLOAT_PASSES,
    "clip_weights",
    *_RANGES,
    "search",
    "symmetric",
    "power_of_two",
    *_TYPES,
    "round_weights",
    "correct_bias",
)
_WITH_SAMPLES = ("search", "round_weights", "correct_bias")
_MOST_ITERATIONS = 1000


class Elsewhere(NamedTuple):
    """Operators whose activations have another type than the mode's.

    Attributes:
        dtype: `"int16"` or `"float32"`.
        pattern: Of their names; None if they are chosen.
        share: Of the model's MACs that may be chosen for it, from 0 to 1.
    """

    dtype: str
    pattern: str | None
    share: float = 0.0

    def __str__(self) -> str:
        """Return it as `--passes` takes it."""
        name = next(name for name, dtype in _TYPES.items() if dtype == self.dtype)
        return f"{name}:{f'{100 * self.share:g}%' if self.pattern is None else self.pattern}"


class Plan(NamedTuple):
    """What is done for accuracy, in the order in which it is done.

    Attributes:
        level: `"none"`, `"standard"` or `"best"`; `"passes"` if they were named one by one.
        float_passes: Passes over the float model.
        ranges: How ranges are chosen: a method of `tfq.passes.ranges`, or `"search"`.
        overrides: Other methods for activations, by a pattern of their names.
        symmetric: Whether activations have their zero point in the middle.
        power_of_two: Whether all scales are powers of two, and all zero points in the middle.
        clip_weights: Whether weights are clipped.
        elsewhere: Operators of another type.
        round_weights: Whether weights are rounded with regard to what they are multiplied by.
        correct_bias: How often biases are corrected; 0 for not, None for the pass's own number.
    """

    level: str
    float_passes: tuple[str, ...] = ()
    ranges: str = "minmax"
    overrides: tuple[tuple[str, str], ...] = ()
    symmetric: bool = False
    power_of_two: bool = False
    clip_weights: bool = False
    elsewhere: tuple[Elsewhere, ...] = ()
    round_weights: bool = False
    correct_bias: int | None = 0

    def needing_samples(self) -> list[str]:
        """Return the words of the plan for which ranges from a file are not enough."""
        named = [term for term in self.terms() if term.partition(":")[0] in _WITH_SAMPLES]
        return named + [str(each) for each in self.elsewhere if each.pattern is None]

    def without_samples(self) -> Plan:
        """Return what is left of a level where there are ranges, but no samples to compare on."""
        if self.level != "standard":
            return self
        return self._replace(ranges="minmax", round_weights=False)

    def terms(self) -> tuple[str, ...]:
        """Return the plan as `--passes` takes it."""
        flags = ("clip_weights", "symmetric", "power_of_two")
        found = [*self.float_passes, self.ranges]
        found += [f"{method}@{pattern}" for pattern, method in self.overrides]
        found += [name for name in flags if getattr(self, name)]
        found += [str(each) for each in self.elsewhere]
        found += ["round_weights"] * self.round_weights
        if self.correct_bias != 0:
            count = self.correct_bias
            found.append("correct_bias" if count is None else f"correct_bias:{count}")
        return tuple(found)

    def for_device(self, profile: Profile | None) -> Plan:
        """Return the plan with the scheme that a device asks of activations."""
        if profile is None or self.level == "none":
            return self
        wanted = profile.quantization
        return self._replace(
            symmetric=self.symmetric or "activations" in wanted.symmetric,
            power_of_two=self.power_of_two or bool(wanted.power_of_two),
        )


NO_PLAN = Plan("none")


def make(accuracy: str | None, passes: str | Sequence[str] | None, default: str) -> Plan:
    """Make a plan of what a user typed.

    Args:
        accuracy: A level; None for the default.
        passes: Terms such as `"percentile:99.99"`, or one text of them with commas; None for the
            level's own.
        default: The level where neither is given.

    Raises:
        ArgumentError: If a word is unknown, or both are given.
    """
    if passes is None:
        level = default if accuracy is None else accuracy
        if level not in LEVELS:
            raise ArgumentError(f"accuracy: expected one of {', '.join(LEVELS)}; got {level!r}")
        return _parsed(level, LEVELS[level].split(","))
    if accuracy is not None:
        raise ArgumentError("accuracy, passes: expected one of both; got both")
    terms = passes.split(",") if isinstance(passes, str) else passes
    if not isinstance(terms, (list, tuple)) or not all(isinstance(each, str) for each in terms):
        raise ArgumentError(f"passes: expected words, or a text of them; got {passes!r}")
    return _parsed("passes", terms)


def _parsed(level: str, terms: Iterable[str]) -> Plan:
    plan, methods = Plan(level), []
    words = [word for word in (each.strip() for each in terms) if word]
    twice = next((word for word in words if words.count(word) > 1), None)
    if twice is not None:
        raise ArgumentError(f"passes: expected each once, got {twice!r} twice")
    for term in words:
        name, _, argument = term.partition(":")
        base, _, pattern = term.partition("@")
        if base.partition(":")[0] in _RANGES and pattern:
            plan = plan._replace(overrides=(*plan.overrides, (pattern, base)))
        elif base.partition(":")[0] in _RANGES or term == "search":
            methods.append(term)
        elif name in _TYPES and argument:
            each = _elsewhere(_TYPES[name], argument)
            plan = plan._replace(elsewhere=(*plan.elsewhere, each))
        elif name == "correct_bias":
            plan = plan._replace(correct_bias=_count(term, argument) if argument else None)
        elif argument or term not in _NAMES or term in _TYPES:
            raise ArgumentError(_unknown(term, name))
        else:
            plan = _with_word(plan, term)
    if len(methods) > 1:
        raise ArgumentError(f"passes: expected one way to choose ranges, got {', '.join(methods)}")
    _check_methods([*methods, *(method for _, method in plan.overrides)])
    return plan._replace(ranges=methods[0]) if methods else plan


def _with_word(plan: Plan, word: str) -> Plan:
    if word == "round_weights":
        return plan._replace(round_weights=True)
    if word == "clip_weights":
        return plan._replace(clip_weights=True)
    if word == "power_of_two":
        return plan._replace(power_of_two=True)
    if word == "symmetric":
        return plan._replace(symmetric=True)
    return plan._replace(float_passes=(*plan.float_passes, word))


def _check_methods(methods: Iterable[str]) -> None:
    """Refuse `percentile:banana` before anything slow begins."""
    from tfq.passes.ranges import Ranges

    for method in methods:
        if method != "search":
            Ranges("").spans(method)


def _unknown(term: str, name: str) -> str:
    from tfq.profiles.nearest import did_you_mean

    if name in _TYPES:
        return f"passes: expected {name}:PATTERN of layers or {name}:10% of MACs, got {term!r}"
    if name in _NAMES:
        return f"passes: {name} takes no argument, got {term!r}"
    return f"passes: expected some of {', '.join(_NAMES)}; got {term!r}{did_you_mean(name, _NAMES)}"


def _elsewhere(dtype: str, argument: str) -> Elsewhere:
    if not argument.endswith("%"):
        return Elsewhere(dtype, argument)
    try:
        share = float(argument[:-1]) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ArgumentError(
            f"passes: expected a share of MACs above 0 up to 100 %, got {argument!r}"
        )
    return Elsewhere(dtype, None, share)


def _count(term: str, argument: str) -> int:
    count = int(argument) if argument.isdecimal() else 0
    if not 1 <= count <= _MOST_ITERATIONS:
        raise ArgumentError(f"passes: expected correct_bias:ITERATIONS, got {term!r}")
    return count

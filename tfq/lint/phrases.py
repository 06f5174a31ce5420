"""What several formats say alike: findings grouped by their cause, and a line of placement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tfq.lint import rules
from tfq.lint.finding import SEVERITIES, place, quoted, shortened
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.lint.finding import Finding
    from tfq.lint.report import Report
    from tfq.lint.rule import Rule

# Of a longer group, the first so many: whoever needs them all reads the JSON.
MOST_LISTED = 10
MOST_RANGES = 20
# From so many lines on, those that differ only in names and in what varies are one.
LEAST_ALIKE = 3
# Of the numbers in a message, those that differ from tensor to tensor for one and the same cause.
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
VARYING = re.compile(
    rf"(?<=\bwith ){NUMBER}(?= scales)|(?<=\bzero point ){NUMBER}|(?<=\bthe scale ){NUMBER}"
    rf"|(?<= is ){NUMBER}(?=, expected)",
    re.ASCII,
)


class Group(NamedTuple):
    """The findings of one rule in one model.

    Attributes:
        severity: Of all of them.
        rule: The rule.
        findings: In order.
    """

    severity: str
    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def operators(self) -> str:
        """Their operators by name, most frequent first: `5 CONV_2D, 1 ADD`; may be empty."""
        names = [each.operator.name for each in self.findings if each.operator is not None]
        return _counts(names)

    @property
    def lines(self) -> list[str]:
        """A printable line for all that say the same; of many lines the first."""
        lines = [printable(line) for line in _lines(self.findings)]
        more = len(lines) - MOST_LISTED
        ending = [f"and {more} more; --format=json lists all"] if more > 0 else []
        return lines[:MOST_LISTED] + ending

    @property
    def fix(self) -> str:
        """What `tfq retarget` can do: `Fix: tfq retarget`."""
        repaired = sum(each.fix is not None for each in self.findings)
        if not repaired:
            return "Fix: none without the source model"
        some = f", for {repaired} of {len(self.findings)}" if repaired < len(self.findings) else ""
        return f"Fix: tfq retarget{some}"

    @property
    def instead(self) -> str:
        """What to do, a line of Markdown; empty if the rule does not say."""
        text = self.rule.section("Use instead").partition("\n\n")[0]
        return f"Use instead: {' '.join(text.split())}" if text else ""


def groups(report: Report) -> list[Group]:
    """Group a report's findings.

    Args:
        report: Any report.

    Returns:
        A group for each rule that has findings, the worst first, then by id.
    """
    found: dict[tuple[int, str], list[Finding]] = {}
    for finding in report.findings:
        key = (SEVERITIES.index(finding.severity), finding.rule)
        found.setdefault(key, []).append(finding)
    known = rules.all_rules()
    return [
        Group(SEVERITIES[severity], known[identity], tuple(found[severity, identity]))
        for severity, identity in sorted(found)
    ]


def placement_line(report: Report) -> str:
    """Say where the operators run.

    Args:
        report: Any report.

    Returns:
        One printable line, such as `accelerator: 68 of 72 ops (94 %), 99 % of MACs, 1 partition, 2
        transfers; cpu: 4 ARG_MAX`; empty if the profile does not say which operators the device
        takes. Shares are rounded down: only all is 100 %.
    """
    if not report.profile.operators:
        return ""
    placement, profile = report.placement, report.profile
    operators = placement.operators
    if profile.engine == "cpu":
        outside = [each for each in operators if each.reason]
        parts = [f"cpu: {len(operators) - len(outside)} of {len(operators)} ops"]
    else:
        outside = [each for each in operators if each.target == "cpu"]
        parts = [
            f"accelerator: {placement.on_accelerator} of {len(operators)} ops "
            f"({int(placement.share * 100)} %)"
        ]
        if placement.on_accelerator:
            parts += [f"{int(placement.macs_share * 100)} % of MACs"] if placement.macs else []
            parts += [_plural(placement.partitions, "partition")]
            parts += [_plural(placement.transfers, "transfer")]
    # Where the device rejects an operator, no CPU takes it over.
    where = {"cpu": "cpu"}.get(profile.misfit.target, "rejected")
    names = _counts([each.operator.name for each in outside])
    return ", ".join(parts) + (f"; {where}: {names}" if names else "")


def stale_note(report: Report) -> str:
    """Say that a baseline is out of date; empty if it is not."""
    if not report.stale:
        return ""
    gone = _plural(report.stale, "finding")
    return f"note: {gone} of the baseline not found any more; --write_baseline renews it"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def causes(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Put findings together that say the same of operators of one subgraph.

    Args:
        findings: Of one rule.

    Returns:
        The findings, in order, those together that differ only in names and in what varies.
    """
    alike: dict[tuple[int, tuple[str, ...]], list[Finding]] = {}
    for finding in findings:
        subgraph, what = -1, [finding.message]
        if finding.operator is not None:
            subgraph = finding.operator.subgraph.index
            what = VARYING.split(_unnamed(finding))
        alike.setdefault((subgraph, tuple(what)), []).append(finding)
    return list(map(tuple, alike.values()))


def cause_text(findings: Sequence[Finding]) -> str:
    """Say what findings of one cause have in common.

    Args:
        findings: One item of what `causes` returns.

    Returns:
        The message without the names of operators and tensors; all of it if there is but one.
    """
    if len(findings) == 1 or findings[0].operator is None:
        return printable(findings[0].message)
    return printable(_summed([_unnamed(each) for each in findings]).lstrip(" :"))


def _lines(findings: Sequence[Finding]) -> list[str]:
    """A line a finding; those of one subgraph that say alike of several operators share one."""
    return [line for group in causes(findings) for line in _shared(group)]


def _shared(group: Sequence[Finding]) -> list[str]:
    """One line for findings that differ only in names and in what varies, if that is shorter."""
    operators = [finding.operator for finding in group if finding.operator is not None]
    said = [
        finding.message.removeprefix(place(op))
        for finding, op in zip(group, operators, strict=False)
    ]
    if len(set(said)) == 1 and len(said) > 1:
        what = said[0]
    elif len(said) >= LEAST_ALIKE:
        what = _summed([_unnamed(finding) for finding in group])
    else:
        return [finding.message for finding in group]
    subgraph = operators[0].subgraph.index
    where = f"subgraph {subgraph} " if subgraph > 0 else ""
    indices = dict.fromkeys(op.index for op in operators)
    return [f"{where}ops {_ranges([*indices])}{what}"]


def _unnamed(finding: Finding) -> str:
    """What a finding says, without the names of its operator and its tensor."""
    what = finding.message
    if finding.operator is not None:
        what = what.removeprefix(place(finding.operator))
    return what if finding.tensor is None else what.replace(f" {quoted(finding.tensor)}", "", 1)


def _summed(said: list[str]) -> str:
    """One sentence for those that are alike but for what varies: `with 10 to 96 scales`."""
    values = zip(*(VARYING.findall(each) for each in said), strict=True)
    spans = iter([_span(set(each)) for each in values])
    return VARYING.sub(lambda _: next(spans), said[0])


def _span(values: set[str]) -> str:
    ordered = sorted(values, key=lambda value: float(value.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _ranges(indices: list[int]) -> str:
    """Ascending numbers, neighbours as a range: `0-3, 7`."""
    ranges: list[tuple[int, int]] = []
    for index in indices:
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], index)
        else:
            ranges.append((index, index))
    shown = [str(low) if low == high else f"{low}-{high}" for low, high in ranges[:MOST_RANGES]]
    return ", ".join([*shown, *(["…"] if len(ranges) > MOST_RANGES else [])])


def _counts(names: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count} {printable(shortened(name))}" for name, count in ordered[:MOST_LISTED]]
    return ", ".join([*shown, *(["…"] if len(ordered) > MOST_LISTED else [])])

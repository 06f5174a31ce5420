"""For people: the verdict first, then the findings grouped by their cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.lint import rules
from tfq.lint.finding import SEVERITIES, place
from tfq.terminal import paint, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.finding import Finding
    from tfq.lint.formats import Unreadable
    from tfq.lint.report import Report

# Of a longer group, the first so many: whoever needs them all reads the JSON.
MOST_LISTED = 10
MOST_RANGES = 20


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`; the errors of unreadable files are on stderr, here they only count."""
    blocks = ["\n".join(_report(report, colour)) for report in reports]
    if len(reports) + len(unreadable) > 1:
        blocks.append(_total(reports, unreadable))
    # A blank line only where there is something to separate.
    separator = "\n\n" if any(report.findings for report in reports) else "\n"
    return separator.join(blocks)


def _total(reports: Sequence[Report], unreadable: Sequence[Unreadable]) -> str:
    passed = sum(report.ok for report in reports)
    total = f"{len(reports) + len(unreadable)} models: {passed} pass, {len(reports) - passed} fail"
    return total + (f", {len(unreadable)} unreadable" if unreadable else "")


def _report(report: Report, colour: bool) -> Iterator[str]:
    head, verdict, tail = report.summary.rpartition(report.verdict.upper())
    yield printable(head) + paint(verdict, report.verdict, colour) + tail
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    for severity, rule in sorted(groups, key=lambda key: (SEVERITIES.index(key[0]), key[1])):
        yield from _group(severity, rule, groups[severity, rule], colour)


def _group(severity: str, identity: str, findings: list[Finding], colour: bool) -> Iterator[str]:
    rule = rules.all_rules()[identity]
    yield ""
    head = f"{paint(severity, severity, colour)} {paint(identity, 'bold', colour)} {rule.title}"
    yield f"  {head}{_counts(findings)}"
    lines = _lines(findings)
    yield from (f"    {printable(line)}" for line in lines[:MOST_LISTED])
    if len(lines) > MOST_LISTED:
        yield f"    and {len(lines) - MOST_LISTED} more; --format=json lists all"
    instead = rule.section("Use instead").partition("\n\n")[0]
    if instead:
        yield f"    Use instead: {' '.join(instead.split())}"


def _lines(findings: list[Finding]) -> list[str]:
    """A line a finding; those of one subgraph that say the same of several operators share one."""
    alike: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        subgraph, what = -1, finding.message
        if finding.operator is not None:
            subgraph = finding.operator.subgraph.index
            what = what.removeprefix(place(finding.operator))
        alike.setdefault((subgraph, what), []).append(finding)
    lines = []
    for (subgraph, what), group in alike.items():
        indices = [finding.operator.index for finding in group if finding.operator is not None]
        where = f"subgraph {subgraph} " if subgraph > 0 else ""
        one_by_one = [finding.message for finding in group]
        lines += one_by_one if len(indices) < 2 else [f"{where}ops {_ranges(indices)}{what}"]
    return lines


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


def _counts(findings: list[Finding]) -> str:
    """The operators of a group by name, most frequent first: `: 5 CONV_2D, 1 ADD`."""
    counts: dict[str, int] = {}
    for finding in findings:
        if finding.operator is not None:
            counts[finding.operator.name] = counts.get(finding.operator.name, 0) + 1
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ": " + ", ".join(f"{count} {printable(name)}" for name, count in ordered)

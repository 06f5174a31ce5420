"""For people: the verdict first, then the findings grouped by their cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.lint.phrases import groups, placement_line, stale_note
from tfq.terminal import paint, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.formats import Unreadable
    from tfq.lint.phrases import Group
    from tfq.lint.report import Report


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`; the errors of unreadable files are on stderr, here they only count."""
    blocks = ["\n".join(_report(report, colour)) for report in reports]
    if len(reports) + len(unreadable) > 1:
        blocks.append(total(reports, unreadable))
    # A blank line only where there is something to separate.
    separator = "\n\n" if any(report.findings for report in reports) else "\n"
    return separator.join(blocks)


def total(reports: Sequence[Report], unreadable: Sequence[Unreadable]) -> str:
    """Sum up several models: `4 models: 1 pass, 1 fail, 2 unreadable`."""
    passed = sum(report.ok for report in reports)
    total = f"{len(reports) + len(unreadable)} models: {passed} pass, {len(reports) - passed} fail"
    return total + (f", {len(unreadable)} unreadable" if unreadable else "")


def _report(report: Report, colour: bool) -> Iterator[str]:
    head = printable(f"{report.name}: {report.profile.name}: ")
    verdict = paint(report.verdict.upper(), report.verdict, colour)
    yield f"{head}{verdict}, {report.counts}"
    yield from (f"  {line}" for line in (placement_line(report), stale_note(report)) if line)
    for group in groups(report):
        yield from _group(group, colour)


def _group(group: Group, colour: bool) -> Iterator[str]:
    severity = paint(group.severity, group.severity, colour)
    identity = paint(group.rule.id, "bold", colour)
    operators = f": {group.operators}" if group.operators else ""
    yield ""
    yield f"  {severity} {identity} {group.rule.title}{operators}"
    yield from (f"    {line}" for line in [*group.lines, group.instead, group.fix] if line)

"""For CI systems: JUnit XML, a suite for each model, a test case for each rule.

Rules rather than findings: their names stay, so that a CI system can show since when one fails. A
case fails where the rule found errors; warnings and hints are its output, as in the verdict.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tfq.lint import rules
from tfq.lint.phrases import groups, placement_line, stale_note
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.formats import Unreadable
    from tfq.lint.phrases import Group
    from tfq.lint.report import Report


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`."""
    del colour
    suites = [line for report in reports for line in _suite(report)]
    suites += [line for each in unreadable for line in _unreadable(each)]
    tests = sum(_tests(report) for report in reports) + len(unreadable)
    failures = sum(_failures(report) for report in reports)
    totals = _attributes(name="tfq lint", tests=tests, failures=failures, errors=len(unreadable))
    head = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{totals}>"]
    return "\n".join([*head, *suites, "</testsuites>"])


def _suite(report: Report) -> Iterator[str]:
    counts = {"tests": _tests(report), "failures": _failures(report), "errors": 0, "skipped": 0}
    yield f"  <testsuite{_attributes(name=report.name, **counts)}>"
    yield from _properties(report)
    found = {group.rule.id: group for group in groups(report)}
    for identity, rule in rules.all_rules().items():
        if identity in report.unchecked:
            continue
        case = _attributes(classname=report.name, name=f"{identity} {rule.name}")
        if identity in found:
            yield f"    <testcase{case}>"
            yield from _outcome(found[identity])
            yield "    </testcase>"
        else:
            yield f"    <testcase{case}/>"
    yield "  </testsuite>"


def _properties(report: Report) -> Iterator[str]:
    properties = {
        "profile": report.profile.name,
        "verdict": report.summary,
        "placement": placement_line(report),
        "baseline": stale_note(report),
    }
    yield "    <properties>"
    for name, value in properties.items():
        if value:
            yield f"      <property{_attributes(name=name, value=value)}/>"
    yield "    </properties>"


def _outcome(group: Group) -> Iterator[str]:
    operators = f": {group.operators}" if group.operators else ""
    title = f"{group.rule.title}{operators}"
    text = _text("\n".join(filter(None, [*group.lines, group.instead])))
    if group.severity == "error":
        yield f"      <failure{_attributes(message=title, type='error')}>{text}</failure>"
    else:
        head = _text(f"{group.severity}: {title}")
        yield f"      <system-out>{head}\n{text}</system-out>"


def _unreadable(file: Unreadable) -> Iterator[str]:
    counts = {"tests": 1, "failures": 0, "errors": 1, "skipped": 0}
    yield f"  <testsuite{_attributes(name=file.path, **counts)}>"
    yield f"    <testcase{_attributes(classname=file.path, name='readable')}>"
    yield f"      <error{_attributes(message=file.message, type='unreadable')}/>"
    yield "    </testcase>"
    yield "  </testsuite>"


def _tests(report: Report) -> int:
    return len(rules.all_rules()) - len(report.unchecked)


def _failures(report: Report) -> int:
    return len({each.rule for each in report.findings if each.severity == "error"})


def _attributes(**values: object) -> str:
    # Escaped as on a terminal first: XML has no way to write most control characters.
    return "".join(f' {name}="{escape(printable(str(each)))}"' for name, each in values.items())


def _text(text: str) -> str:
    return "\n".join(escape(printable(line)) for line in text.split("\n"))

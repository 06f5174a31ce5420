"""For the log of GitHub Actions: annotations, one for each rule that a model breaks.

GitHub shows ten errors and ten warnings of a step, so that what has one cause is one annotation.
The escapes are those of its toolkit:
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.lint.phrases import groups, placement_line, stale_note
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.formats import Unreadable
    from tfq.lint.phrases import Group
    from tfq.lint.report import Report

COMMANDS = {"error": "error", "warning": "warning", "hint": "notice"}
IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
IN_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`."""
    del colour
    lines = [line for report in reports for line in _report(report)]
    lines += [
        _annotation("error", each.path, "unreadable model", each.message) for each in unreadable
    ]
    return "\n".join(lines)


def _report(report: Report) -> Iterator[str]:
    for line in (report.summary, placement_line(report)):
        if line:
            # Not at the start of a line, nor with the older mark anywhere: it would be a command.
            yield f"tfq lint: {printable(line)}".replace("##[", "## [")
    if note := stale_note(report):
        yield _annotation("notice", report.name, "baseline", note)
    for group in groups(report):
        yield _group(report, group)


def _group(report: Report, group: Group) -> str:
    operators = f": {group.operators}" if group.operators else ""
    title = f"{group.rule.id} {group.rule.title}{operators}"
    message = "\n".join(filter(None, [*group.lines, group.instead]))
    return _annotation(COMMANDS[group.severity], report.name, title, message)


def _annotation(command: str, file: str, title: str, message: str) -> str:
    """Write one command; line breaks of a message stay, other control characters do not."""
    place = printable(file).translate(IN_PROPERTY)
    head = f"::{command} file={place},title={printable(title).translate(IN_PROPERTY)}"
    body = "\n".join(map(printable, message.split("\n")))
    return f"{head}::{body.translate(IN_MESSAGE)}"

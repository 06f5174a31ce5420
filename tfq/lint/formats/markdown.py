"""For a pull request: a table of verdicts, then what was found, folded away model by model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfq import errors
from tfq.lint.phrases import groups, placement_line, stale_note
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.formats import Unreadable
    from tfq.lint.phrases import Group
    from tfq.lint.report import Report

# A comment on GitHub holds 65,536 characters.
MOST_CHARACTERS = 60_000
# What a code span shows as it is, also in a table.
PLAIN = re.compile(r"[^`|\\\s](?:[^`|\\]*[^`|\\\s])?")
COLUMNS = ("model", "profile", "verdict", "errors", "warnings", "hints")
RULERS = ("---", "---", "---", "---:", "---:", "---:")


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`."""
    del colour
    good = not unreadable and all(report.ok for report in reports)
    blocks = [f"### tfq lint: {'PASS' if good else 'FAIL'}", _table(reports, unreadable)]
    notes = [(report.name, stale_note(report)) for report in reports]
    blocks += [code(errors.one_line(each.message)) for each in unreadable]
    blocks += [f"{code(name)}: {note}" for name, note in notes if note]
    length = sum(map(len, blocks))
    folded = [_details(report) for report in reports if report.findings]
    for at, block in enumerate(folded):
        length += len(block)
        if length > MOST_CHARACTERS:
            blocks.append(f"{len(folded) - at} more with findings; `--format=json` lists all")
            break
        blocks.append(block)
    return "\n\n".join(blocks)


def code(text: str) -> str:
    """Show any text as it is: no Markdown, HTML, mention or link comes of it.

    Args:
        text: Such as a tensor's name from a file that nobody trusts.

    Returns:
        A code span, also inside a table; or the same in HTML, where a code span cannot say it.
    """
    shown = printable(text)
    return f"`{shown}`" if PLAIN.fullmatch(shown) else _html_code(shown)


def _html_code(text: str) -> str:
    # Numbers for all that may mean something to Markdown or HTML.
    escaped = (each if each.isalnum() or each in " ./-" else f"&#{ord(each)};" for each in text)
    return f"<code>{''.join(escaped)}</code>"


def _table(reports: Sequence[Report], unreadable: Sequence[Unreadable]) -> str:
    rows = [COLUMNS, RULERS, *(_row(report) for report in reports)]
    rows += [(code(each.path), "", "**unreadable**", "", "", "") for each in unreadable]
    shares = ["accelerator", "---", *map(_share, reports), *("" for _ in unreadable)]
    if any(shares[2:]):
        rows = [(*row, share) for row, share in zip(rows, shares, strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(report: Report) -> tuple[str, ...]:
    verdict = "PASS" if report.ok else "**FAIL**"
    verdict += f", {len(report.accepted)} in the baseline" if report.accepted else ""
    counts = [str(report.count(severity)) for severity in ("error", "warning", "hint")]
    return (code(report.name), code(report.profile.name), verdict, *counts)


def _share(report: Report) -> str:
    if not report.profile.operators or report.profile.engine != "accelerator":
        return ""
    placement = report.placement
    return f"{placement.on_accelerator} of {len(placement.operators)} ops"


def _details(report: Report) -> str:
    # Markdown is not read between <details> and the blank line.
    summary = f"<summary>{_html_code(printable(report.name))}: {report.counts}</summary>"
    parts = [f"<details>{summary}"]
    if line := placement_line(report):
        parts.append(code(line))
    parts += ["\n".join(_group(group)) for group in groups(report)]
    return "\n\n".join([*parts, "</details>"])


def _group(group: Group) -> Iterator[str]:
    operators = f": {code(group.operators)}" if group.operators else ""
    yield f"**{group.severity} {group.rule.id}** {group.rule.title}{operators}"
    yield ""
    yield from (f"- {code(line)}" for line in group.lines)
    if group.instead:
        yield f"- {group.instead}"

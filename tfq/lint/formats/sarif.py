"""For code scanning: SARIF 2.1.0, the OASIS standard for what analysers find.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tfq.lint import rules
from tfq.lint.baseline import fingerprint
from tfq.lint.finding import shortened
from tfq.lint.phrases import placement_line, stale_note
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.lint.finding import Finding
    from tfq.lint.formats import Unreadable
    from tfq.lint.report import Report
    from tfq.lint.rule import Rule
    from tfq.model import Operator, Tensor

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {"error": "error", "warning": "warning", "hint": "note"}
# The root of the repository, as GitHub and others call it; paths are relative to it.
ROOT = "%SRCROOT%"


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`."""
    del colour
    places = {identity: place for place, identity in enumerate(rules.all_rules())}
    run: dict[str, Any] = {
        "tool": {"driver": _driver()},
        "invocations": [_invocation(reports, unreadable)],
        "results": [
            _result(report, finding, places) for report in reports for finding in report.findings
        ],
    }
    profiles = {report.profile.name for report in reports}
    if len(profiles) == 1:
        # Runs for several devices stay apart where they are uploaded.
        run["automationDetails"] = {"id": f"tfq/{printable(profiles.pop())}/"}
    content = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2, allow_nan=False)


@lru_cache(maxsize=1)
def _driver() -> dict[str, Any]:
    from importlib import metadata

    descriptions = [_rule(rule) for rule in rules.all_rules().values()]
    return {"name": "tfq", "version": metadata.version("tfq"), "rules": descriptions}


def _rule(rule: Rule) -> dict[str, Any]:
    text = rule.documentation or rule.title
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.section("What it does") or rule.title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"fix": rule.fix},
    }


def _invocation(reports: Sequence[Report], unreadable: Sequence[Unreadable]) -> dict[str, Any]:
    notifications = [_notification("error", each.path, each.message) for each in unreadable]
    for report in reports:
        lines = filter(None, [placement_line(report), stale_note(report)])
        notifications += [_notification("note", report.name, line) for line in lines]
    return {
        "executionSuccessful": not unreadable,
        "toolExecutionNotifications": notifications,
    }


def _notification(level: str, path: str, message: str) -> dict[str, Any]:
    return {
        "level": level,
        "message": _message(message),
        "locations": [{"physicalLocation": _physical(path)}],
    }


def _result(report: Report, finding: Finding, places: dict[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _physical(report.name)}
    if logical := list(_logical(finding)):
        location["logicalLocations"] = logical
    return {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "level": LEVELS[finding.severity],
        "message": _message(finding.message),
        "locations": [location],
        # The key by which GitHub tells an old alert from a new one; a model has no lines.
        "partialFingerprints": {"primaryLocationLineHash": fingerprint(finding)},
    }


def _message(text: str) -> dict[str, str]:
    # "[a](b)" would be a link, whoever named the tensor.
    return {"text": printable(text).replace("](", "] (")}


def _physical(path: str) -> dict[str, Any]:
    from urllib.parse import quote

    relative = os.path.relpath(path or os.curdir)
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        absolute = os.path.abspath(path)  # noqa: PTH100
        return {"artifactLocation": {"uri": "file://" + quote(os.fsencode(absolute))}}
    uri = quote(os.fsencode(relative).replace(os.fsencode(os.sep), b"/"))
    return {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}}


def _logical(finding: Finding) -> Iterator[dict[str, str]]:
    for thing, kind in ((finding.operator, "operator"), (finding.tensor, "tensor")):
        if thing is not None:
            name = _name(thing, "op" if kind == "operator" else "tensor")
            where = f"subgraph {thing.subgraph.index} › {name}"
            yield {"name": name, "fullyQualifiedName": where, "kind": kind}


def _name(thing: Operator | Tensor, word: str) -> str:
    return printable(f"{word} {thing.index} {shortened(thing.name)}".rstrip())

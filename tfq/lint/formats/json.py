"""For programs: one JSON object, as `schemas/lint.schema.json` describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tfq.lint import rules
from tfq.lint.finding import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.lint.finding import Finding
    from tfq.lint.formats import Unreadable
    from tfq.lint.report import Report


def render(reports: Sequence[Report], unreadable: Sequence[Unreadable], *, colour: bool) -> str:
    """See `Format.render`."""
    del colour
    content = {
        "reports": [_report(report) for report in reports],
        "unreadable": [{"model": each.path, "error": each.message} for each in unreadable],
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _report(report: Report) -> dict[str, Any]:
    return {
        "model": report.name,
        "profile": report.profile.name,
        "verdict": report.verdict,
        "counts": {severity: report.count(severity) for severity in SEVERITIES},
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    operator, tensor = finding.operator, finding.tensor
    place = operator or tensor
    return {
        "rule": finding.rule,
        "name": rules.all_rules()[finding.rule].name,
        "severity": finding.severity,
        "message": finding.message,
        "subgraph": place.subgraph.index if place else None,
        "operator": {"index": operator.index, "name": operator.name} if operator else None,
        "tensor": {"index": tensor.index, "name": tensor.name} if tensor else None,
    }

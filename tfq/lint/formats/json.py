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
    from tfq.lint.placement import Placed
    from tfq.lint.report import Report
    from tfq.model import Operator, Tensor


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
        "baseline": {"accepted": len(report.accepted), "stale": report.stale},
        "placement": _placement(report),
        "findings": [_finding(finding) for finding in report.findings],
    }


def _placement(report: Report) -> dict[str, Any] | None:
    if not report.profile.operators:
        return None
    placement = report.placement
    return {
        "fits": placement.fits,
        "on_accelerator": placement.on_accelerator,
        "share": placement.share,
        "macs_on_accelerator": placement.macs_on_accelerator,
        "macs": placement.macs,
        "macs_share": placement.macs_share,
        "partitions": placement.partitions,
        "transfers": placement.transfers,
        "operators": [_placed(each) for each in placement.operators],
    }


def _placed(placed: Placed) -> dict[str, Any]:
    return {
        "subgraph": placed.operator.subgraph.index,
        "operator": _named(placed.operator),
        "target": placed.target,
        "reason": placed.reason,
        "partition": placed.partition,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    operator, tensor = finding.operator, finding.tensor
    place = operator or tensor
    return {
        "rule": finding.rule,
        "name": rules.all_rules()[finding.rule].name,
        "severity": finding.severity,
        "message": finding.message,
        "fix": finding.fix,
        "subgraph": place.subgraph.index if place else None,
        "operator": _named(operator) if operator else None,
        "tensor": _named(tensor) if tensor else None,
    }


def _named(thing: Operator | Tensor) -> dict[str, Any]:
    return {"index": thing.index, "name": thing.name}

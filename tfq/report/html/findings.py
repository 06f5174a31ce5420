"""What the linter says of a model for one device, grouped by cause, and where operators run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.lint import lint
from tfq.lint.finding import place
from tfq.lint.phrases import cause_text, causes, groups
from tfq.report.rules_text import rule_text

if TYPE_CHECKING:
    from tfq.lint import Finding, Report
    from tfq.lint.phrases import Group
    from tfq.lint.placement import Placed
    from tfq.model import Model
    from tfq.profiles import Profile

# Of one cause; a page of megabytes helps nobody.
MOST_FINDINGS = 2_000


def profile_data(model: Model, profile: Profile) -> dict[str, Any]:
    """Check a model for a device.

    Args:
        model: Any model.
        profile: The device's profile.

    Returns:
        The verdict, the findings by cause, and the placement of the first subgraph's operators,
        which is empty if the profile does not say which operators the device takes.
    """
    report = lint(model, profile)
    placement = report.placement
    known = bool(profile.operators)
    accelerated = known and profile.engine == "accelerator"
    return {
        "name": profile.name,
        "title": profile.title,
        "verdict": report.verdict,
        "counts": report.counts,
        "groups": [each for group in groups(report) for each in _causes(group)],
        "accelerator_share": placement.share if accelerated else None,
        "placement": _placement(report) if known else [],
    }


def _causes(group: Group) -> list[dict[str, Any]]:
    return [
        {
            "rule": group.rule.id,
            "title": group.rule.title,
            "severity": group.severity,
            "cause": cause_text(findings),
            "text": rule_text(group.rule),
            "fix": group.fix,
            "findings": [_finding(each) for each in findings[:MOST_FINDINGS]],
            "count": len(findings),
        }
        for findings in causes(group.findings)
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding; the page has only the places of the first subgraph."""
    operator, tensor = finding.operator, finding.tensor
    return {
        "message": finding.message,
        "operator": operator.index if operator and operator.subgraph.index == 0 else None,
        "tensor": tensor.index if tensor and tensor.subgraph.index == 0 else None,
        "severity": finding.severity,
    }


def _placement(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "operator": each.operator.index,
            "target": each.target,
            "reason": _reason(each) or None,
            "partition": each.partition,
        }
        for each in report.placement.operators
        if each.operator.subgraph.index == 0
    ]


def _reason(placed: Placed) -> str:
    if placed.ended_by is None:
        return placed.reason
    return f"after {place(placed.ended_by)}, which ended the accelerated part"

"""What the linter says of a model for one device, grouped by cause, and where operators run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.lint import lint
from tfq.lint.finding import place, quoted
from tfq.lint.phrases import cause_text, causes, groups
from tfq.report.rules_text import rule_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.lint import Finding, Report
    from tfq.lint.phrases import Group
    from tfq.lint.placement import Placed
    from tfq.model import Model
    from tfq.profiles import Profile
    from tfq.report.html.places import Places

# Of one rule, the most frequent; all others together are one.
MOST_CAUSES = 20
# Of one cause; a page of megabytes helps nobody.
MOST_FINDINGS = 2_000


def profile_data(model: Model, profile: Profile, places: Places) -> dict[str, Any]:
    """Check a model for a device.

    Args:
        model: Any model.
        profile: The device's profile.
        places: The numbers of its operators and tensors.

    Returns:
        The verdict, the findings by cause, and by operator the placement, which is empty if the
        profile does not say which operators the device takes.
    """
    report = lint(model, profile)
    known = bool(profile.operators)
    accelerated = known and profile.engine == "accelerator"
    return {
        "name": profile.name,
        "title": profile.title,
        "verdict": report.verdict,
        "counts": report.counts,
        "groups": [each for group in groups(report) for each in _causes(group, places)],
        "accelerator_share": report.placement.share if accelerated else None,
        "placement": _placement(report, places) if known else [],
    }


def _causes(group: Group, places: Places) -> list[dict[str, Any]]:
    return [
        {
            "rule": group.rule.id,
            "title": group.rule.title,
            "severity": group.severity,
            "cause": cause,
            "text": rule_text(group.rule),
            "fix": group.fix,
            "findings": [_finding(each, places) for each in findings[:MOST_FINDINGS]],
            "count": len(findings),
        }
        for cause, findings in _by_cause(group)
    ]


def _by_cause(group: Group) -> list[tuple[str, Sequence[Finding]]]:
    """Findings that say the same, the most frequent first."""
    found = sorted(causes(group.findings), key=len, reverse=True)
    named: list[tuple[str, Sequence[Finding]]] = [
        (cause_text(each), each) for each in found[:MOST_CAUSES]
    ]
    rest = found[MOST_CAUSES:]
    if not rest:
        return named
    return [*named, (f"{len(rest):,} other causes", [each for part in rest for each in part])]


def _finding(finding: Finding, places: Places) -> list[Any]:
    """What it says, its operator and its tensor.

    It says it without the operator that it begins with, and in two parts around its tensor's name:
    so what many findings say is the same.
    """
    operator, tensor, said = finding.operator, finding.tensor, finding.message
    if operator is not None:
        said = said.removeprefix(f"{place(operator)}: ")
    parts = [said] if tensor is None else said.split(quoted(tensor), 1)
    return [parts, places.operator(operator), places.tensor(tensor)]


def _placement(report: Report, places: Places) -> list[list[Any]]:
    """Of each operator, in the order of their numbers: target, partition and reason."""
    found = {places.operator(each.operator): each for each in report.placement.operators}
    return [
        [each.target, each.partition, _reason(each) or None] for _, each in sorted(found.items())
    ]


def _reason(placed: Placed) -> str:
    if placed.ended_by is None:
        return placed.reason
    return f"after {place(placed.ended_by)}, which ended the accelerated part"

"""The loop over the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import errors, profiles
from tfq.lint import rules, selection
from tfq.lint.finding import Finding
from tfq.lint.report import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping

    from tfq.lint.baseline import Baseline
    from tfq.lint.selection import Plan
    from tfq.model import Model
    from tfq.profiles import Profile


def lint(
    model: Model | str | os.PathLike[str] | bytes,
    profile: Profile | str | os.PathLike[str],
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    severity: Mapping[str, str] = selection.NOTHING,
    baseline: Baseline | str | os.PathLike[str] | None = None,
) -> Report:
    """Check a model against a device's profile.

    Config files are the command line's business: a program gets what it asks for.

    Args:
        model: A model, or what `tfq.load` takes: the path or the bytes of a `.tflite` file.
        profile: A profile, or what `tfq.profiles.load` takes: a name or the path of a file.
        select: The rules to check, by their ids or the beginnings of ids, such as `["Q1", "Q201"]`;
            empty for all.
        ignore: The rules not to check, likewise. Where both match, the longer one counts.
        severity: By rule, `"error"`, `"warning"` or `"hint"`, in place of what the profile, or else
            the rule itself, says: `{"Q201": "warning"}`.
        baseline: Findings that are known and accepted: a file that `--write_baseline` wrote.

    Returns:
        The report. Whether the model passes is `report.ok`.

    Raises:
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
        tfq.errors.ArgumentError: If there is no such rule or severity, or the baseline is broken.
    """
    plan = selection.resolve([selection.Layer("", select, ignore, severity)])
    if not isinstance(profile, profiles.Profile):
        profile = profiles.load(profile)
    _check_ids(profile)
    from tfq.model import Model, load

    if not isinstance(model, Model):
        model = load(model)
    findings = tuple(_findings(model, profile, plan))
    report = Report(
        model, profile, findings, unchecked=frozenset(rules.all_rules()) - {*plan.rules}
    )
    return report if baseline is None else _without_accepted(report, baseline)


def _findings(model: Model, profile: Profile, plan: Plan) -> Iterator[Finding]:
    for identity in plan.rules:
        rule = rules.all_rules()[identity]
        severity = plan.severity.get(identity) or profile.severity.get(identity, rule.severity)
        for hit in rule.check(model, profile):
            fix = rule.fix if hit.fixable else None
            yield Finding(identity, severity, hit.message, hit.operator, hit.tensor, fix)


def _without_accepted(report: Report, baseline: Baseline | str | os.PathLike[str]) -> Report:
    from tfq.lint.baseline import Baseline, divide, load

    known = baseline if isinstance(baseline, Baseline) else load(baseline)
    found = divide(known, report)
    return Report(
        report.model,
        report.profile,
        found.findings,
        unchecked=report.unchecked,
        accepted=found.accepted,
        stale=found.stale,
    )


def _check_ids(profile: Profile) -> None:
    known = rules.all_rules()
    for identity in profile.severity:
        if identity not in known:
            raise errors.ProfileError(
                f"{profile.path}: $.severity: expected the ids of rules, as `tfq rule` lists "
                f"them, got {identity!r}{selection.nearest_rule(identity, known)}"
            )

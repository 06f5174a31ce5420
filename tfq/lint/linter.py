"""The loop over the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import errors, profiles
from tfq.lint import rules
from tfq.lint.finding import Finding
from tfq.lint.report import Report
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from tfq.model import Model
    from tfq.profiles import Profile


def lint(
    model: Model | str | os.PathLike[str] | bytes, profile: Profile | str | os.PathLike[str]
) -> Report:
    """Check a model against a device's profile.

    Args:
        model: A model, or what `tfq.load` takes: the path or the bytes of a `.tflite` file.
        profile: A profile, or what `tfq.profiles.load` takes: a name or the path of a file.

    Returns:
        The report. Whether the model passes is `report.ok`.

    Raises:
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
    """
    if not isinstance(profile, profiles.Profile):
        profile = profiles.load(profile)
    _check_ids(profile)
    from tfq.model import Model, load

    if not isinstance(model, Model):
        model = load(model)
    return Report(model, profile, tuple(_findings(model, profile)))


def _findings(model: Model, profile: Profile) -> Iterator[Finding]:
    for rule in rules.all_rules().values():
        severity = profile.severity.get(rule.id, rule.severity)
        for hit in rule.check(model, profile):
            yield Finding(rule.id, severity, *hit)


def _check_ids(profile: Profile) -> None:
    known = rules.all_rules()
    for identity in profile.severity:
        if identity not in known:
            raise errors.ProfileError(
                f"{profile.path}: $.severity: expected rule ids ({', '.join(known)}), "
                f"got {identity!r}{did_you_mean(identity, known)}"
            )

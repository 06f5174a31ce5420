"""The answer of the linter for one model and one profile."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tfq import errors
from tfq.lint.finding import SEVERITIES, Finding, at_least

if TYPE_CHECKING:
    from tfq.lint.placement import Placement
    from tfq.model import Model
    from tfq.profiles import Profile


class FindingsError(errors.Error):
    """A model does not meet its profile; `report` says why.

    Attributes:
        report: The report whose `raise_for_findings` raised this.
    """

    def __init__(self, report: Report, message: str) -> None:
        """Keep `report` for the one who catches this."""
        super().__init__(message)
        self.report = report


class Report:
    """What the linter found.

    Attributes:
        model: The model that was checked.
        profile: The device's profile.
        findings: One `Finding` after the other, by rule, then by place; without the accepted ones.
        name: What to call the model: the path it was read from, or "model".
        unchecked: The ids of the rules that were not to be checked.
        accepted: The findings that the baseline knows.
        stale: How many findings the baseline knows that are no longer there.
    """

    def __init__(
        self,
        model: Model,
        profile: Profile,
        findings: tuple[Finding, ...],
        name: str | None = None,
        *,
        unchecked: frozenset[str] = frozenset(),
        accepted: tuple[Finding, ...] = (),
        stale: int = 0,
    ) -> None:
        """Put together what `tfq.lint.lint` found."""
        self.name = name or model.path or "model"
        self.model = model
        self.profile = profile
        self.findings = findings
        self.unchecked = unchecked
        self.accepted = accepted
        self.stale = stale

    def __repr__(self) -> str:
        """Show the summary."""
        return f"<Report {self.summary}>"

    @cached_property
    def placement(self) -> Placement:
        """Where each operator runs, found when it is first asked for."""
        from tfq.lint.placement import place

        return place(self.model, self.profile)

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return self.count("error") == 0

    @property
    def verdict(self) -> str:
        """`"pass"` or `"fail"`."""
        return "pass" if self.ok else "fail"

    @property
    def summary(self) -> str:
        """One line, such as `digits.tflite: artpec8: FAIL, 9 errors, 0 warnings`."""
        return f"{self.name}: {self.profile.name}: {self.verdict.upper()}, {self.counts}"

    @property
    def counts(self) -> str:
        """How many findings there are, such as `9 errors, 0 warnings, 1 hint`."""
        counts = [_counted(self.count(severity), severity) for severity in ("error", "warning")]
        hints = self.count("hint")
        counts += [_counted(hints, "hint")] if hints else []
        counts += [f"{len(self.accepted)} in the baseline"] if self.accepted else []
        return ", ".join(counts)

    def count(self, severity: str) -> int:
        """Count the findings of one severity.

        Args:
            severity: `"error"`, `"warning"` or `"hint"`.

        Returns:
            Their number.
        """
        return sum(finding.severity == severity for finding in self.findings)

    def at_least(self, severity: str) -> tuple[Finding, ...]:
        """The findings that are as bad as `severity`, or worse.

        Args:
            severity: `"error"`, `"warning"` or `"hint"`.

        Returns:
            Those findings, in order.

        Raises:
            tfq.errors.ArgumentError: If there is no such severity.
        """
        if severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise errors.ArgumentError(f"severity: expected one of {known}, got {severity!r}")
        return tuple(finding for finding in self.findings if at_least(finding.severity, severity))

    def raise_for_findings(self, severity: str = "error") -> None:
        """Raise if the model does not meet the profile; a program's shortest gate.

        Args:
            severity: The mildest severity that counts.

        Raises:
            FindingsError: If there is a finding of that severity, or worse. The message is the
                summary and the first of those findings.
            tfq.errors.ArgumentError: If there is no such severity.
        """
        bad = self.at_least(severity)
        if bad:
            raise FindingsError(self, f"{self.summary}; {bad[0].rule}: {bad[0].message}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

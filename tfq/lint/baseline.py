"""What is known and accepted: a file of findings that the linter no longer reports.

An entry says the rule, by a digest also the operator and the tensor, by their names, and how often
that is accepted. Indices and what was measured do not count, so that an entry outlives another
order of operators and a new training.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import errors
from tfq.format import at_once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.lint.finding import Finding
    from tfq.lint.report import Report

MOST_BYTES = 1 << 26
DIGITS = 16


class Entry(NamedTuple):
    """What is accepted of one kind.

    Attributes:
        rule: The id of the rule.
        times: How often.
    """

    rule: str
    times: int


class Baseline(NamedTuple):
    """What is accepted of several models.

    Attributes:
        path: The file; the models' names are relative to its directory.
        entries: By the names of model and profile, by fingerprint.
    """

    path: str
    entries: dict[tuple[str, str], dict[str, Entry]]


class Division(NamedTuple):
    """What a baseline makes of findings.

    Attributes:
        findings: What it does not know.
        accepted: What it knows.
        stale: How many findings it knows that are no longer there.
    """

    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    stale: int


def fingerprint(finding: Finding) -> str:
    """Identify a finding, whatever the order of the operators and the values of the scales.

    Args:
        finding: Any finding.

    Returns:
        The first 16 hexadecimal digits of a SHA-256 over the rule and the names of operator and
        tensor. Several findings may share it: a baseline counts them.
    """
    import hashlib

    operator, tensor = finding.operator, finding.tensor
    if operator is not None and tensor is None:
        # An operator has no name of its own; that of what it makes tells it from others.
        tensor = next(iter(operator.outputs), None)
    parts = (
        finding.rule,
        operator.name if operator is not None else "",
        tensor.name if tensor is not None else "",
    )
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:DIGITS]


def load(path: str | os.PathLike[str]) -> Baseline:
    """Read a baseline.

    Args:
        path: A file that `--write_baseline` wrote.

    Returns:
        The baseline.

    Raises:
        tfq.errors.ArgumentError: If the file cannot be read, is not JSON, or breaks
            `schemas/baseline.schema.json`.
    """
    from tfq.profiles import validate
    from tfq.schemas import load as load_schema

    name = os.fspath(path)
    data = _read(name)
    violation = next(validate.violations(data, load_schema("baseline.schema")), None)
    if violation is not None:
        raise errors.ArgumentError(f"{name}: {violation.path}: {violation.message}")
    entries: dict[tuple[str, str], dict[str, Entry]] = {}
    for model in data["models"]:
        of_model = entries.setdefault((model["model"], model["profile"]), {})
        for row in model["accepted"]:
            before = of_model.get(row["fingerprint"], Entry(row["rule"], 0))
            of_model[row["fingerprint"]] = Entry(row["rule"], before.times + row["count"])
    return Baseline(name, entries)


def divide(baseline: Baseline, report: Report) -> Division:
    """Divide what a report found into what is accepted and what is not.

    Args:
        baseline: What is accepted.
        report: What was found, of everything that was checked.

    Returns:
        The division. An entry of a rule that was not checked is not stale.
    """
    known = baseline.entries.get((_key(report, baseline.path), report.profile.name), {})
    left = {each: entry.times for each, entry in known.items()}
    findings: list[Finding] = []
    accepted: list[Finding] = []
    for finding in report.findings if known else ():
        identity = fingerprint(finding)
        is_known = left.get(identity, 0) > 0
        if is_known:
            left[identity] -= 1
        (accepted if is_known else findings).append(finding)
    gone = (count for each, count in left.items() if known[each].rule not in report.unchecked)
    return Division(tuple(findings) if known else report.findings, tuple(accepted), sum(gone))


def baseline_text(reports: Iterable[Report], path: str) -> str:
    """Write down all findings as accepted.

    Args:
        reports: What was found.
        path: Where the text will stand.

    Returns:
        JSON as `schemas/baseline.schema.json` describes it, with a line break at the end.
    """
    import json

    models = [
        {
            "model": _key(report, path),
            "profile": report.profile.name,
            "accepted": _rows(report.findings),
        }
        for report in reports
    ]
    return json.dumps({"version": 1, "models": models}, indent=2, allow_nan=False) + "\n"


def _rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for finding in findings:
        identity = fingerprint(finding)
        row = {"rule": finding.rule, "message": finding.message, "count": 0}
        rows.setdefault(identity, {**row, "fingerprint": identity})["count"] += 1
    return list(rows.values())


def _key(report: Report, path: str) -> str:
    """The model's name in a baseline at `path`."""
    if report.model.path is None:
        return report.name
    # Links of directories are followed, those of files not: a model may be a link into a store.
    directory, name = os.path.split(os.path.abspath(report.model.path))  # noqa: PTH100
    model = os.path.join(os.path.realpath(directory), name)  # noqa: PTH118
    start = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    return os.path.relpath(model, os.path.realpath(start)).replace(os.sep, "/")


def _read(path: str) -> Any:
    import json

    try:
        with open(path, "rb", opener=at_once) as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise errors.ArgumentError(
            f"{path}: expected a baseline, got no such file; --write_baseline makes one"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.ArgumentError(f"{path}: expected a baseline, got: {reason}") from None
    if len(raw) > MOST_BYTES:
        raise errors.ArgumentError(f"{path}: expected a baseline, got more than {MOST_BYTES} bytes")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except RecursionError:
        raise errors.ArgumentError(f"{path}: expected JSON, got too many levels") from None
    except UnicodeDecodeError:
        raise errors.ArgumentError(f"{path}: expected JSON in UTF-8, got other bytes") from None
    except ValueError as error:
        raise errors.ArgumentError(f"{path}: expected JSON, got: {error}") from None

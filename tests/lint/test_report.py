from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import conv

import tfq
from tfq import profiles
from tfq.lint import FindingsError, lint
from tfq.model import Model

Build = Callable[..., Model]


def test_a_report_counts_and_sums_up(build: Build) -> None:
    report = lint(build(conv(scales=4)), "artpec8", select=["Q20"])
    assert (report.ok, report.verdict) == (False, "fail")
    assert [report.count(each) for each in ("error", "warning", "hint")] == [1, 0, 0]
    assert report.summary == f"{report.model.path}: artpec8: FAIL, 1 error, 0 warnings"


def test_hints_do_not_fail(build: Build) -> None:
    report = lint(build(conv()), "artpec7", select=["Q20"])
    assert report.ok
    assert report.summary.endswith("artpec7: PASS, 0 errors, 0 warnings, 1 hint")
    report.raise_for_findings()
    with pytest.raises(FindingsError, match="Q202"):
        report.raise_for_findings("hint")


def test_raise_for_findings_carries_the_report(build: Build) -> None:
    report = lint(build(conv(scales=4)), "artpec8", select=["Q20"])
    with pytest.raises(tfq.Error, match="FAIL, 1 error, 0 warnings; Q201: op 0") as caught:
        report.raise_for_findings()
    assert caught.value.report is report


def test_an_unknown_severity(build: Build) -> None:
    report = lint(build(conv()), "cpu")
    with pytest.raises(tfq.ArgumentError, match="expected one of error, warning, hint, got 'bad'"):
        report.raise_for_findings("bad")


def test_findings_cannot_be_changed(build: Build) -> None:
    finding = lint(build(conv(scales=4)), "artpec8", select=["Q20"]).findings[0]
    with pytest.raises(AttributeError):
        finding.message = "fine"


def test_models_and_profiles_come_as_paths_or_objects(build: Build) -> None:
    model = build(conv(scales=4))
    profile = profiles.load("artpec8")
    assert model.path is not None
    for given in (model, model.path, Path(model.path), model.bytes):
        assert lint(given, profile, select=["Q20"]).count("error") == 1


def test_a_profile_sets_severities(build: Build, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "extends": "artpec8", "severity": {"Q201": "warning"}}')
    report = lint(build(conv(scales=4)), path, select=["Q20"])
    assert (report.ok, report.count("warning")) == (True, 1)


def test_a_severity_for_no_rule_is_an_error(build: Build, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "extends": "artpec8", "severity": {"Q2O1": "warning"}}')
    with pytest.raises(tfq.ProfileError, match=r"\$\.severity.*'Q2O1'; did you mean Q201\?"):
        lint(build(conv()), path)

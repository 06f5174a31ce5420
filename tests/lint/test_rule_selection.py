from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphs import conv

import tfq
from tfq.lint import lint
from tfq.lint.rules import all_rules
from tfq.lint.selection import Layer, nearest_rule, resolve
from tfq.model import Model

Build = Callable[..., Model]


def rules(report: tfq.Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def test_only_what_is_selected_is_checked(shared_models: Path) -> None:
    model = shared_models / "micro/hello_world_float.tflite"
    assert rules(lint(model, "artpec8")) >= {"Q101", "Q102", "Q103"}
    assert rules(lint(model, "artpec8", select=["Q102"])) == {"Q102"}
    assert rules(lint(model, "artpec8", select=["Q10"], ignore=["Q101"])) == {"Q102", "Q103"}


def test_the_longer_selector_counts_and_of_two_alike_the_one_that_ignores() -> None:
    assert resolve([Layer(select=["Q101"], ignore=["Q1"])]).rules == ("Q101",)
    assert "Q101" not in resolve([Layer(select=["Q1"], ignore=["Q101"])]).rules
    assert resolve([Layer(select=["Q101", "Q102"], ignore=["Q101"])]).rules == ("Q102",)


def test_a_stronger_source_wins_whatever_the_length() -> None:
    file = Layer(select=["Q101", "Q201"], ignore=["Q102"], severity={"Q101": "hint"})
    assert resolve([file]).rules == ("Q101", "Q201")
    assert resolve([Layer(ignore=["Q1"]), file]).rules == ("Q201",)
    assert resolve([Layer(select=["Q102"]), file]).rules == ("Q102",)
    assert resolve([Layer(severity={"Q1": "warning"}), file]).severity["Q101"] == "warning"


def test_without_a_word_all_rules_are_checked() -> None:
    assert resolve([Layer(), Layer()]).rules == tuple(all_rules())


def test_a_severity_wins_over_that_of_the_profile(build: Build, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "extends": "artpec8", "severity": {"Q201": "warning"}}')
    model = build(conv(scales=4))
    assert lint(model, "artpec8", select=["Q20"]).findings[0].severity == "error"
    assert lint(model, path, select=["Q20"]).findings[0].severity == "warning"
    assert (
        lint(model, path, select=["Q20"], severity={"Q201": "hint"}).findings[0].severity == "hint"
    )
    levels = {"Q2": "warning", "Q201": "hint"}
    assert lint(model, path, select=["Q20"], severity=levels).findings[0].severity == "hint"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"select": ["Q2O1"]}, r"^select: .*'Q2O1'; did you mean Q201\?"),
        ({"select": ["q101"]}, r"did you mean Q101\?"),
        ({"ignore": ["float-op"]}, r"^ignore: .*did you mean Q101\?"),
        ({"ignore": ["flaot-op"]}, r"did you mean Q101\?"),
        ({"ignore": ["Q109"]}, r"did you mean Q10\d\?"),
        ({"select": [""]}, r"got ''"),
        ({"select": "Q101"}, "select: expected a list of rule ids, got 'Q101'"),
        ({"severity": {"Q201": "warn"}}, r"severity: Q201: .*'warn'; did you mean warning\?"),
        ({"severity": {"X": "hint"}}, "^severity: .*'X'"),
        ({"ignore": ["Q"]}, "expected a rule to check, got none"),
    ],
)
def test_what_matches_no_rule_is_an_error_that_names_the_nearest(
    build: Build, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(tfq.ArgumentError, match=message) as caught:
        lint(build(conv()), "artpec8", **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("Q108", "Q101"),
        ("Q21", "Q201"),
        ("Q999", "Q301"),
        ("103", "Q101"),
        ("Q1001", "Q101"),
        ("already_quantised", "Q301"),
    ],
)
def test_the_nearest_rule_begins_alike_or_has_the_nearest_number(word: str, nearest: str) -> None:
    known = {identity: all_rules()[identity] for identity in ("Q101", "Q201", "Q301")}
    assert nearest_rule(word, known) == f"; did you mean {nearest}?"


def test_far_from_all_rules_there_is_no_nearest() -> None:
    assert nearest_rule("bananas", all_rules()) == ""

from __future__ import annotations

from typing import Any

import pytest

from tfq.cli import main
from tfq.lint.rules import all_rules


def test_the_list_has_a_line_for_each(capsys: Any) -> None:
    assert main(["rule"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "name", "severity", "finding"]
    assert [line.split()[:3] for line in lines] == [
        [rule.id, rule.name, rule.severity] for rule in all_rules().values()
    ]


@pytest.mark.parametrize("identity", all_rules())
def test_one_rule_is_printed_with_its_documentation(identity: str, capsys: Any) -> None:
    assert main(["rule", identity]) == 0
    out = capsys.readouterr().out
    rule = all_rules()[identity]
    assert out.startswith(f"# {identity} {rule.name}\n\n{rule.title}.\n\nSeverity: {rule.severity}")
    assert out.index("## What it does") < out.index("## References")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Q2O1", "expected the id of a rule, got 'Q2O1'; did you mean Q201?"),
        ("q101", "did you mean Q101?"),
        ("float-op", "did you mean Q101?"),
        ("per-chanel-weights", "did you mean Q201?"),
        ("Q29", "did you mean Q2"),
        ("bananas", "got 'bananas'; tfq rule lists them"),
    ],
)
def test_an_unknown_rule_gets_the_nearest(word: str, message: str, capsys: Any) -> None:
    assert main(["rule", word]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_one_rule_at_a_time(capsys: Any) -> None:
    assert main(["rule", "Q101", "Q102"]) == 2
    assert capsys.readouterr().err == "tfq: error: expected one rule, got 2\n"

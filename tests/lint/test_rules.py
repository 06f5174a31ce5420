from __future__ import annotations

import re

import pytest

from tfq.lint import SEVERITIES
from tfq.lint.rule import HEADINGS, Rule
from tfq.lint.rules import all_rules


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.id)
class TestEveryRule:
    def test_is_documented_under_the_same_headings(self, rule: Rule) -> None:
        assert re.findall("^## (.+)$", rule.documentation, re.MULTILINE) == list(HEADINGS)
        assert all(rule.section(heading) for heading in HEADINGS)

    def test_has_a_title_an_id_a_name_and_a_severity(self, rule: Rule) -> None:
        assert re.fullmatch(r"[A-Z][^.\n]+[^.\s]", rule.title)
        assert re.fullmatch(r"Q\d{3}", rule.id)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
        assert rule.severity in SEVERITIES


def test_rules_are_in_the_order_of_their_ids_and_names_differ() -> None:
    rules = all_rules()
    assert list(rules) == sorted(rules)
    assert len({rule.name for rule in rules.values()}) == len(rules)

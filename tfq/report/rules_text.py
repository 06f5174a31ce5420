"""The linter's rules, for people: a table, one in full, and the pages of docs/rules/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.report.table import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.lint.rule import Rule

INDEX = "README.md"


def list_text(rules: Iterable[Rule]) -> str:
    """One line a rule.

    Args:
        rules: What to list.

    Returns:
        A table, without a line break at the end.
    """
    rows = [[each.id, each.name, each.severity, each.title] for each in rules]
    return table(["id", "name", "severity", "finding"], rows, widest=80)


def rule_text(rule: Rule) -> str:
    """One rule in full.

    Args:
        rule: What to print.

    Returns:
        Markdown, without a line break at the end.
    """
    title, _, rest = rule.documentation.partition("\n")
    severity = f"Severity: {rule.severity}, unless a profile or a config file says otherwise."
    return f"# {rule.id} {rule.name}\n\n{title}\n\n{severity}\n{rest}"


def pages(rules: Iterable[Rule]) -> dict[str, str]:
    """The documentation as files.

    Args:
        rules: All rules.

    Returns:
        By file name the Markdown: a page for each rule, and an index.
    """
    found = list(rules)
    made = {f"{each.id}.md": f"{rule_text(each)}\n" for each in found}
    rows = "".join(
        f"| [{each.id}]({each.id}.md) | {each.name} | {each.severity} | {_cell(each.title)} |\n"
        for each in found
    )
    head = (
        "# The rules of `tfq lint`\n\n"
        "`tfq rule` prints this list, `tfq rule Q101` one page. The severities are the rules'\n"
        "own; profiles, config files and `--severity` change them ([lint.md](../lint.md)).\n\n"
        "| id | name | severity | finding |\n| --- | --- | --- | --- |\n"
    )
    return {**made, INDEX: head + rows}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

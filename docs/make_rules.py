"""Writes docs/rules/ from the rules' own documentation; a test says when it is due."""

from __future__ import annotations

from pathlib import Path

from tfq.lint.rules import all_rules
from tfq.report.rules_text import pages

RULES = Path(__file__).parent / "rules"


def main() -> None:
    """Write every page, and remove those of rules that are gone."""
    made = pages(all_rules().values())
    RULES.mkdir(exist_ok=True)
    for page in RULES.glob("*.md"):
        if page.name not in made:
            page.unlink()
    for name, text in made.items():
        (RULES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

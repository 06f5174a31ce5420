from __future__ import annotations

import re
from pathlib import Path

from tfq.lint.rules import all_rules
from tfq.report.rules_text import INDEX, pages

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_pages_of_the_rules_are_up_to_date() -> None:
    written = {page.name: page.read_text("utf-8") for page in (DOCS / "rules").iterdir()}
    assert written == pages(all_rules().values()), "run: python docs/make_rules.py"


def test_the_index_links_to_every_page() -> None:
    made = pages(all_rules().values())
    links = re.findall(r"\]\(([^)]+)\)", made[INDEX])
    assert set(links) == {*made, "../lint.md"} - {INDEX}
    assert all((DOCS / "rules" / link).exists() for link in links)

"""Writes the table of facts in docs/profiles.md; a test says when it is due."""

from __future__ import annotations

from pathlib import Path

from tfq.ops.facts import FACTS, describe, kind

PAGE = Path(__file__).parent / "profiles.md"
START, END = "<!-- facts: written by docs/make_facts.py -->\n", "<!-- end of facts -->\n"


def table() -> str:
    """Return the table, a row a fact."""
    rows = [f"| `{name}` | {kind(name)} | {describe(name)} |\n" for name in sorted(FACTS)]
    return "".join(["| fact | is a | what it is |\n", "| --- | --- | --- |\n", *rows])


def page(text: str) -> str:
    """Return the page with the table in its place.

    Args:
        text: The page as it stands.
    """
    before, _, rest = text.partition(START)
    return before + START + table() + END + rest.partition(END)[2]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

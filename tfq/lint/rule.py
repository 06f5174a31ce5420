"""What a rule is: an id, a name, a severity, and a documented function that checks a model.

The function's docstring *is* the rule's documentation: a first line that says the finding, then
always the same headings: What it does, Why is this bad?, Example, Use instead, Fix safety,
References.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfq.lint.finding import Hit
    from tfq.model import Model
    from tfq.profiles import Profile

    Check = Callable[[Model, Profile], Iterator[Hit]]

HEADINGS = (
    "What it does",
    "Why is this bad?",
    "Example",
    "Use instead",
    "Fix safety",
    "References",
)


class Rule(NamedTuple):
    """One rule of the linter.

    Attributes:
        id: What users select and grep, such as `"Q101"`; never given to another rule.
        name: The same for people, such as `"float-op"`.
        severity: `"error"`, `"warning"` or `"hint"`, unless a profile says otherwise.
        check: Takes a model and a profile, yields what it finds.
        fix: The pass of `tfq retarget` that repairs what it finds; None if none does.
    """

    id: str
    name: str
    severity: str
    check: Check
    fix: str | None = None

    @property
    def documentation(self) -> str:
        """The whole documentation, as Markdown; empty if Python runs without docstrings."""
        # Not inspect.cleandoc: importing inspect takes as long as reading a model.
        from textwrap import dedent

        first, _, rest = (self.check.__doc__ or "").partition("\n")
        return f"{first}\n{dedent(rest)}".strip()

    @property
    def title(self) -> str:
        """The documentation's first line, without the full stop; else the name."""
        return self.documentation.partition("\n")[0].removesuffix(".") or self.name

    def section(self, heading: str) -> str:
        """The text under one heading of the documentation.

        Args:
            heading: One of `HEADINGS`.

        Returns:
            The Markdown between that heading and the next one; empty if there is none.
        """
        _, _, rest = self.documentation.partition(f"## {heading}\n")
        return rest.partition("\n## ")[0].strip()


def rule(
    id: str,  # noqa: A002
    name: str,
    *,
    severity: str,
    fix: str | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of the documented function below.

    Args:
        id: The rule's id.
        name: The rule's name.
        severity: Its severity, unless a profile says otherwise.
        fix: The pass that repairs what it finds.

    Returns:
        The decorator.
    """

    def make(check: Check) -> Rule:
        return Rule(id, name, severity, check, fix)

    return make

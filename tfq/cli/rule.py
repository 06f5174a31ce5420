"""Lists the rules of the linter, or prints the documentation of one: tfq rule Q101."""

from __future__ import annotations

from absl import flags

from tfq import errors
from tfq.lint.rules import all_rules
from tfq.lint.selection import nearest_rule
from tfq.report.rules_text import list_text, rule_text

FLAGS = flags.FlagValues()
USAGE = "[ID]"


def run(arguments: list[str]) -> int:
    """Print all rules in a table, or one in full.

    Args:
        arguments: Nothing, or a rule's id.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If there is more than one id, or no such rule.
    """
    if len(arguments) > 1:
        raise errors.ArgumentError(f"expected one rule, got {len(arguments)}")
    known = all_rules()
    if not arguments:
        print(list_text(known.values()))
        return 0
    (identity,) = arguments
    if identity not in known:
        nearest = nearest_rule(identity, known) or "; tfq rule lists them"
        raise errors.ArgumentError(f"expected the id of a rule, got {identity!r}{nearest}")
    print(rule_text(known[identity]))
    return 0

"""What a rule says about one place of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tfq.model import Operator, Tensor

# From the worst to the mildest.
SEVERITIES = ("error", "warning", "hint")
# Of a tensor's or an operator's name in a message; the objects themselves have all of it.
MOST_NAME = 60


class Hit(NamedTuple):
    """What a rule's check yields: a finding that does not yet know its rule and severity.

    Attributes:
        message: One sentence that names the place, says what was found and what is wanted.
        operator: The operator it is about, or None.
        tensor: The tensor it is about, or None.
        fixable: Whether the rule's pass, if it has one, can repair it here.
    """

    message: str
    operator: Operator | None = None
    tensor: Tensor | None = None
    fixable: bool = True


class Finding(NamedTuple):
    """One thing about a model that its device does not like.

    Attributes:
        rule: The rule's id, such as `"Q101"`.
        severity: `"error"`, `"warning"` or `"hint"`.
        message: One sentence that names the place, says what was found and what is wanted.
        operator: The operator it is about, or None.
        tensor: The tensor it is about, or None.
        fix: The pass of `tfq retarget` that repairs it, or None.
    """

    rule: str
    severity: str
    message: str
    operator: Operator | None = None
    tensor: Tensor | None = None
    fix: str | None = None


def at_least(severity: str, least: str) -> bool:
    """Whether `severity` is as bad as `least`, or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)


def shortened(name: str) -> str:
    """A name without its middle if it is long: converters join names until some fill a page."""
    half = MOST_NAME // 2
    return name if len(name) <= MOST_NAME else f"{name[:half]}…{name[-half:]}"


def quoted(tensor: Tensor) -> str:
    """Name a tensor in a message."""
    return repr(shortened(tensor.name)) if tensor.name else f"tensor {tensor.index}"


def place(operator: Operator) -> str:
    """Name an operator in a message: `op 3 CONV_2D`, with the subgraph unless it is the first."""
    subgraph = operator.subgraph.index
    where = f"subgraph {subgraph} " if subgraph else ""
    # A custom operator's name is the file's own.
    return f"{where}op {operator.index} {shortened(operator.name)}"

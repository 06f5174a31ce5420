"""What can be said of one operator in a word and a number: its stride, its rank, its fused ReLU.

Device profiles state their constraints in these words (see `schemas/profile.schema.json`), so that
a device is data and no code. A fact is a number, a text or a bool; a tuple, where it holds for each
of several tensors; or None, where the operator has no such thing or the file does not tell.
"""

from __future__ import annotations

from tfq.errors import Error
from tfq.ops.facts import (
    arrangement,
    constants,
    feature_maps,
    kernels,
    options,
    parameters,
    quantities,
    shapes,
    surroundings,
    types,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfq.model import Operator

FACTS: Mapping[str, Callable[[Operator], object]] = {
    **shapes.FACTS,
    **kernels.FACTS,
    **types.FACTS,
    **quantities.FACTS,
    **options.FACTS,
    **constants.FACTS,
    **surroundings.FACTS,
    **feature_maps.FACTS,
    **arrangement.FACTS,
    **parameters.FACTS,
}


def fact(op: Operator, name: str) -> object:
    """Return one fact of an operator.

    Args:
        op: Any operator.
        name: A key of `FACTS`.

    Returns:
        The fact; None where the operator has no such thing or the file does not tell.
    """
    # Constraints ask for the same facts again and again; an operator never changes.
    known: dict[str, object] = vars(op).setdefault("_facts", {})
    if name not in known:
        known[name] = _found(op, name)
    return known[name]


def _found(op: Operator, name: str) -> object:
    try:
        return FACTS[name](op)
    except (Error, ArithmeticError, LookupError, ValueError):
        # A constant in a file that is not there, or a shape, axis or number of zero points that no
        # kernel would take: that is the business of other rules, and no fact.
        return None


def kind(name: str) -> str:
    """Return what a fact is: `"number"`, `"text"` or `"bool"`, as its function is annotated."""
    returned = str(FACTS[name].__annotations__["return"])
    return next(
        (kind for word, kind in (("bool", "bool"), ("str", "text")) if word in returned), "number"
    )


def describe(name: str) -> str:
    """Return what a fact is, in a sentence: the first line of its function's docstring."""
    return (FACTS[name].__doc__ or "").partition("\n")[0]

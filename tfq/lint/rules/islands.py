"""What Q101 says of the float island of an operator: where it begins, and what causes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import shortened
from tfq.lint.rules.redundancy import cancelled_by

if TYPE_CHECKING:
    from tfq.model import Model, Operator
    from tfq.ops import Island
    from tfq.profiles import Profile

EDGES = frozenset({"DEQUANTIZE", "QUANTIZE"})
MOST_NAMED = 3


def descriptions(model: Model, profile: Profile) -> dict[Operator, str]:
    """Describe the float islands inside a model in integers.

    Args:
        model: Any model.
        profile: The device's profile.

    Returns:
        By operator, the end of its finding's sentence, the same for all of one island. Operators
        of a model, or branch, that is in floats from its input on have none.
    """
    described: dict[Operator, str] = {}
    for island in ops.islands(model):
        entered = [
            tensor.producer
            for tensor in island.entries
            if tensor.producer is not None and tensor.producer.name == "DEQUANTIZE"
        ]
        if not entered or len(entered) != len(island.entries):
            continue
        text = f", in a float island {_extent(island, entered)}; {_cause(island, profile)}"
        described |= dict.fromkeys(island.operators, text)
    return described


def _extent(island: Island, entered: list[Operator]) -> str:
    first = min(entered, key=_index)
    count = len(island.operators)
    return f"of {count} ops, entered at op {first.index} DEQUANTIZE"


def _cause(island: Island, profile: Profile) -> str:
    inner = [each for each in island.operators if each.name not in EDGES]
    if not inner:
        if any(cancelled_by(each) is not None for each in island.operators):
            return "its QUANTIZE gives back what its DEQUANTIZE took: both can go"
        return "it only changes the scale: one QUANTIZE from integers to integers does that"
    lacking = [each for each in inner if profile.operators and each.name not in profile.operators]
    if lacking:
        return f"{profile.name} has no {_names(lacking)}"
    return f"it is there for {_names(inner)}"


def _names(operators: list[Operator]) -> str:
    first: dict[str, int] = {}
    for each in operators:
        first.setdefault(each.name, each.index)
    shown = [f"{shortened(name)} (op {index})" for name, index in list(first.items())[:MOST_NAMED]]
    return ", ".join([*shown, *(["…"] if len(first) > MOST_NAMED else [])])


def _index(operator: Operator) -> int:
    return operator.index

"""Where floats enter and leave a model that computes in integers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Subgraph


def entries(model: Model) -> tuple[Subgraph, ...]:
    """Return the subgraphs that a caller runs: the first, and those of signatures.

    Args:
        model: Any model.
    """
    called = {signature.subgraph for signature in model.signatures}
    return tuple(
        [subgraph for subgraph in model.subgraphs if subgraph.index == 0 or subgraph in called]
    )


def boundary(model: Model) -> frozenset[Operator]:
    """Return the QUANTIZE of the model's own inputs and the DEQUANTIZE of its own outputs.

    Args:
        model: Any model.
    """
    found = set()
    for subgraph in entries(model):
        inputs, outputs = set(subgraph.inputs), set(subgraph.outputs)
        for operator in subgraph.operators:
            quantizes = operator.name == "QUANTIZE" and inputs.issuperset(operator.inputs)
            dequantizes = operator.name == "DEQUANTIZE" and outputs.issuperset(operator.outputs)
            if quantizes or dequantizes:
                found.add(operator)
    return frozenset(found)

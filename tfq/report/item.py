"""One operator or tensor in full, as plain data; `schemas/inspect.schema.json` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.errors import Error
from tfq.model import Operator
from tfq.report.inspection import operator_data, tensor_data
from tfq.report.kinds import kinds
from tfq.report.values import values_data

if TYPE_CHECKING:
    from tfq.model import Tensor


def item_data(item: Operator | Tensor) -> dict[str, Any]:
    """Describe one operator or tensor.

    Args:
        item: Any operator or tensor.

    Returns:
        What `inspection` says of it, and its subgraph; for a tensor also `values`: its range and
        histogram, None if it is not constant or cannot be read.
    """
    place = {"model": item.subgraph.model.name, "subgraph": item.subgraph.index}
    if isinstance(item, Operator):
        return {**place, "operator": operator_data(item)}
    try:
        values = values_data(item)
    except Error:
        values = None
    return {
        **place,
        "tensor": tensor_data(item, kinds(item.subgraph)[item.index]),
        "values": values,
    }

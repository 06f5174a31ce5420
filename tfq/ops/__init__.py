"""What operators mean: which inputs are weights and bias, MACs, in which numbers they compute.

One table, `table.OPERATIONS`, says it; the functions here apply it to an operator of a model. They
know nothing of bytes, and look at an operator only through what `tfq.model.Operator` shows.
"""

from __future__ import annotations

from tfq.ops.boundaries import boundary, entries
from tfq.ops.computing import compute, integer_share
from tfq.ops.constants import stored, unpacked_constants, unpacks_constant
from tfq.ops.counting import macs
from tfq.ops.roles import all_biases, all_weights, bias, channel_axis, weights
from tfq.ops.table import OPERATIONS, Operation, operation

__all__ = [
    "OPERATIONS",
    "Operation",
    "all_biases",
    "all_weights",
    "bias",
    "boundary",
    "channel_axis",
    "compute",
    "entries",
    "integer_share",
    "macs",
    "operation",
    "stored",
    "unpacked_constants",
    "unpacks_constant",
    "weights",
]

"""Passes: a model in, a model out, and what changed.

Each takes a quantized model and is safe to run alone; what it cannot change it leaves, and says so.
None needs the model that the file was converted from.
"""

from __future__ import annotations

from tfq.passes.bias_scales import bias_scales
from tfq.passes.byte_types import byte_types
from tfq.passes.cancelling_pairs import cancelling_pairs
from tfq.passes.changes import Change, Changes, Cost, Kept
from tfq.passes.float_io import float_io
from tfq.passes.integer_io import integer_io
from tfq.passes.per_tensor import per_tensor
from tfq.passes.power_of_two import power_of_two
from tfq.passes.symmetric_activations import symmetric_activations
from tfq.passes.symmetric_weights import symmetric_weights
from tfq.passes.weight_only import weight_only

__all__ = [
    "Change",
    "Changes",
    "Cost",
    "Kept",
    "bias_scales",
    "byte_types",
    "cancelling_pairs",
    "float_io",
    "integer_io",
    "per_tensor",
    "power_of_two",
    "symmetric_activations",
    "symmetric_weights",
    "weight_only",
]

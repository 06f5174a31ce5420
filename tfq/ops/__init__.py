"""What operators mean: weights and bias, MACs, memory, scales, in which numbers they compute.

One table, `table.OPERATIONS`, says it; the functions here apply it to operators and models. They
know nothing of bytes, and look at a model only through what `tfq.model` shows.
"""

from __future__ import annotations

from tfq.ops.boundaries import boundary, entries
from tfq.ops.computing import compute, integer_share
from tfq.ops.constants import stored, unpacked_constants, unpacks_constant
from tfq.ops.counting import macs, parameters, total_parameters
from tfq.ops.dtypes import DTYPES, FLOATS, QUANTIZED, Dtype, bits
from tfq.ops.floats import Island, islands
from tfq.ops.memory import Peak, called_subgraphs, live_activations, peak_activations, weight_bytes
from tfq.ops.roles import all_biases, all_weights, bias, channel_axis, weights
from tfq.ops.scales import fixed_quantization, lacking_scales, shared_scale
from tfq.ops.table import OPERATIONS, FixedQuantization, Operation, operation

__all__ = [
    "DTYPES",
    "FLOATS",
    "OPERATIONS",
    "QUANTIZED",
    "Dtype",
    "FixedQuantization",
    "Island",
    "Operation",
    "Peak",
    "all_biases",
    "all_weights",
    "bias",
    "bits",
    "boundary",
    "called_subgraphs",
    "channel_axis",
    "compute",
    "entries",
    "fixed_quantization",
    "integer_share",
    "islands",
    "lacking_scales",
    "live_activations",
    "macs",
    "operation",
    "parameters",
    "peak_activations",
    "shared_scale",
    "stored",
    "total_parameters",
    "unpacked_constants",
    "unpacks_constant",
    "weight_bytes",
    "weights",
]

"""What the numbers of constants look like: histograms, and the ranges of channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.errors import Error
from tfq.passes.parameters import dequantized, parameters, real_values

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np

    from tfq.model import Subgraph, Tensor

    Array: TypeAlias = np.ndarray[Any, Any]

BINS = 32
MOST_LISTED = 16
MOST_CHANNELS = 256
# So many values of a tensor are looked at, and of all tensors of a model.
MOST_VALUES = 1 << 20
MOST_IN_ALL = 1 << 26
# Small and sparse values are unpacked all at once, before some are chosen.
MOST_UNPACKED = 1 << 24


def constants_data(subgraph: Subgraph) -> dict[int, dict[str, Any]]:
    """Look at the constants of a subgraph, evenly spread values of large ones.

    Args:
        subgraph: Any subgraph.

    Returns:
        By the index of each constant of numbers that can be read, its `values` if they are few,
        else their `histogram`; and `channel_ranges` if it is the weights of an operator.
    """
    constants = [each for each in subgraph.tensors if _is_readable(each)]
    most = min(MOST_VALUES, MOST_IN_ALL // max(len(constants), 1))
    axes = _channel_axes(subgraph)
    found = {}
    for tensor in constants:
        axis = axes.get(tensor.index)
        values = _some(tensor, axis, most)
        if values is not None:
            shown = _histogram if math.prod(tensor.shape) > MOST_LISTED else _listed
            found[tensor.index] = shown(values) | _channel_ranges(values, axis)
    return found


def _listed(values: Array) -> dict[str, Any]:
    return {"values": values.ravel().tolist()}


def _is_readable(tensor: Tensor) -> bool:
    """Whether it is a constant of numbers, in this file."""
    if tensor.is_external or not tensor.is_constant or tensor.dtype in ("bool", "string"):
        return False
    packed = tensor.is_sparse or (ops.bits(tensor.dtype) or 8) < 8
    return not packed or math.prod(tensor.shape) <= MOST_UNPACKED


def _channel_axes(subgraph: Subgraph) -> dict[int, int]:
    """Where the output channels of weights lie, by the index of what the file stores."""
    found: dict[int, int] = {}
    for operator in subgraph.operators:
        axis, weights = ops.channel_axis(operator), operator.weights
        if axis is not None and weights is not None:
            found.setdefault(ops.stored(weights).index, axis)
    return found


def _some(tensor: Tensor, axis: int | None, most: int) -> Array | None:
    """Real values of a constant, of each channel if they have an axis; None if unreadable."""
    import numpy as np

    try:
        stored = tensor.numpy()
    except Error:
        return None
    if stored.dtype.kind not in "iuf" and "float" not in stored.dtype.name:
        return None
    known = parameters(tensor)
    if known is None and tensor.quantization is not None:
        # Blocks are unpacked all at once, and what is not understood is no number.
        return real_values(tensor) if stored.size <= most else None
    chosen, place = _thinned(stored, axis, most)
    if known is None:
        # A signalling NaN of 16 bits is no reason to warn.
        with np.errstate(invalid="ignore"):
            return chosen.astype(np.float64)
    if len(known.scales) > 1:
        step = place[known.axis]
        known = known._replace(scales=known.scales[::step], zero_points=known.zero_points[::step])
    return dequantized(chosen, known)


def _thinned(values: Array, axis: int | None, most: int) -> tuple[Array, list[int]]:
    """Every so many values, where there are more than `most`; and the step along each axis."""
    steps = [1] * values.ndim
    while values.size > most:
        # Channels are the last to go.
        longest = max(
            range(values.ndim),
            key=lambda each: (values.shape[each] > 1, each != axis, values.shape[each]),
        )
        step = min(math.ceil(values.size / most), values.shape[longest])
        steps[longest] *= step
        values = values[(slice(None),) * longest + (slice(None, None, step),)]
    return values, steps


def _histogram(values: Array) -> dict[str, Any]:
    """How many values lie in each of `BINS` bins of the same width, without those not finite."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if not finite.size:
        return {}
    low, high = float(finite.min()), float(finite.max())
    if not math.isfinite(high - low):
        return {}
    edges = np.linspace(low, high, BINS + 1)
    if not (edges[:-1] < edges[1:]).all():
        # Too near to each other to tell apart.
        return {"histogram": {"low": low, "high": high, "counts": [int(finite.size)]}}
    counts, _ = np.histogram(finite, bins=BINS, range=(low, high))
    return {"histogram": {"low": low, "high": high, "counts": counts.tolist()}}


def _channel_ranges(values: Array, axis: int | None) -> dict[str, Any]:
    """The smallest and the largest value of each channel; of very many, some of the channels."""
    import numpy as np

    if axis is None or axis >= values.ndim or not values.size:
        return {}
    finite = np.isfinite(values)
    others = tuple(each for each in range(values.ndim) if each != axis)
    lows = np.where(finite, values, np.inf).min(axis=others)
    highs = np.where(finite, values, -np.inf).max(axis=others)
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        return {}
    widest = np.maximum(np.abs(lows), np.abs(highs))
    median = float(np.median(widest))
    spread = float(widest.max()) / median if median else math.inf
    step = math.ceil(lows.size / MOST_CHANNELS)
    found = {
        "axis": axis,
        "step": step,
        "lows": lows[::step].tolist(),
        "highs": highs[::step].tolist(),
        "spread": spread if math.isfinite(spread) else None,
    }
    return {"channel_ranges": found}

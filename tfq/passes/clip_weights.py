"""Weight clipping: a few large weights give way to finer steps for all the others."""

from __future__ import annotations

from tfq import ops
from tfq.passes.carrying import is_float_constant
from tfq.passes.changes import Change, Changes, cost, tensor_place
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import largest
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Model, Tensor

    Array = np.ndarray[Any, Any]

_CANDIDATES = 100
# Below, more is lost by clipping than any weights gain by steps five times finer.
_SMALLEST_SHARE = 0.2


def clip_weights(model: Model, per_channel: bool) -> tuple[Model, Changes]:
    """Clip weights where that makes the squared error of their 8-bit integers smallest.

    Symmetric integers have steps of t / 127 for a threshold t: a smaller one rounds all weights
    less, and cuts off those beyond. TIDL clips weights, too (https://github.com/TexasInstruments/
    edgeai-tidl-tools/blob/master/docs/tidl_fsg_quantization.md).

    1. Float32 weights of convolutions and dense layers, each as a whole or each output channel.

    Left alone:

    2. Weights that lose nothing by their largest value, and those that are not finite.
    3. Weights in other types (see `float_weights`) and in other files.

    Args:
        model: A float model.
        per_channel: Whether output channels get thresholds of their own, as they get scales.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed, with its cost.
    """
    import numpy as np

    rewrite = Rewrite(model)
    changed = []
    for tensor, axis in _weights(model).items():
        values = tensor.numpy()
        if not values.size or not np.isfinite(values).all():
            continue
        channel_axis = axis if per_channel else None
        rows = _rows(values, channel_axis)
        tops = np.abs(rows).max(axis=1)
        shares = _best_shares(rows, tops)
        if (shares == 1).all():
            continue
        limits = (shares * tops).astype(np.float32)
        clipped = np.clip(rows, -limits[:, None], limits[:, None])
        after = _restored(clipped, values.shape, channel_axis)
        rewrite.set_data(rewrite.view(tensor), after.astype(np.dtype("<f4")).tobytes())
        real = values.astype(np.float64)
        lost = cost(real, after.astype(np.float64), axis)
        what = f"clipped to {shares.min():.0%} of its largest value"
        if channel_axis is not None:
            count = np.count_nonzero(shares < 1)
            what = f"{count} of {shares.size} channels clipped, to {shares.min():.0%} at most"
        changed.append(Change(tensor_place(tensor), what, lost))
    if not changed:
        return model, Changes("clip_weights")
    return rewrite.finish(), Changes("clip_weights", tuple(changed))


def _weights(model: Model) -> dict[Tensor, int | None]:
    """Return the float constants that layers use as weights, with their channel axis."""
    found: dict[Tensor, int | None] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            tensor = ops.weights(operator) if operator.name in BIASED else None
            if tensor is None or not is_float_constant(tensor) or tensor in subgraph.outputs:
                continue
            found.setdefault(tensor, ops.channel_axis(operator))
    return found


def _rows(values: Array, axis: int | None) -> Array:
    """Lay weights out with a row for each threshold."""
    import numpy as np

    if axis is None:
        return values.reshape(1, -1)
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _restored(rows: Array, shape: tuple[int, ...], axis: int | None) -> Array:
    import numpy as np

    if axis is None:
        return rows.reshape(shape)
    others = shape[:axis] + shape[axis + 1 :]
    return np.moveaxis(rows.reshape(shape[axis], *others), 0, axis)


def _best_shares(rows: Array, tops: Array) -> Array:
    """Return for each row which share of its largest weight is the best threshold."""
    import numpy as np

    best, most = np.ones(len(rows)), largest("int8")
    least = np.full(len(rows), np.inf)
    sizes = np.abs(rows)
    # A row of zeros has any step.
    tops = np.where(tops > 0, tops, np.float32(1))
    scratch = np.empty_like(sizes)
    for share in np.linspace(1.0, _SMALLEST_SHARE, _CANDIDATES):
        step = (tops * (share / most))[:, None].astype(np.float32)
        np.divide(sizes, step, out=scratch)
        np.rint(scratch, out=scratch)
        np.minimum(scratch, most, out=scratch)
        np.multiply(scratch, step, out=scratch)
        np.subtract(scratch, sizes, out=scratch)
        error = np.square(scratch, out=scratch).sum(axis=1)
        better = error < least
        best[better], least[better] = share, error[better]
    return best

"""What numbers a constant holds: its range and a histogram. The one place here that needs NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq.errors import Error
from tfq.report.table import fitted

if TYPE_CHECKING:
    import numpy as np

    from tfq.model import Tensor

BINS = 16
BAR = 40
# So many values are printed themselves.
FEW = 16


def values_data(tensor: Tensor) -> dict[str, Any] | None:
    """Sum up the values of a constant tensor, as they are stored.

    Args:
        tensor: Any tensor.

    Returns:
        The number of values, of zeros and of those that are not finite; minimum, maximum and mean
        of the finite ones, and a histogram of them: `edges` has one number more than `counts`.
        Only the number for strings and complex numbers. None if the tensor is not constant.

    Raises:
        Error: If the values cannot be read.
    """
    if not tensor.is_constant:
        return None
    import numpy as np

    values = tensor.numpy().ravel()
    if values.dtype.kind not in "biuf" and "float" not in values.dtype.name:
        return _data(count=values.size)
    zeros = int(values.size - np.count_nonzero(values))
    if values.dtype.kind not in "iu":
        # float16 overflows in sums; there are no histograms of bools and 8-bit floats.
        values = values.astype(np.promote_types(np.float32, values.dtype), copy=False)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    missing = int(values.size - finite.size)
    if finite.size == 0:
        return _data(count=values.size, zeros=zeros, not_finite=missing)
    low, high = finite.min().item(), finite.max().item()
    counts, edges = _histogram(finite, low, high)
    return _data(
        count=values.size,
        zeros=zeros,
        not_finite=missing,
        min=low,
        max=high,
        mean=_mean(finite),
        histogram={"edges": edges, "counts": counts},
    )


def values_lines(tensor: Tensor) -> list[str]:
    """Sum up the values of a constant tensor for people; nothing for other tensors."""
    try:
        data = values_data(tensor)
        few = _few(tensor) if data is not None and 0 < data["count"] <= FEW else None
    except Error as error:
        return [f"values        {fitted(error, 200)}"]
    if data is None:
        return []
    if few is not None:
        return [f"values        {', '.join(fitted(value) for value in few)}"]
    if data["min"] is None:
        return [f"values        {data['count']:,}"]
    share = 100 * data["zeros"] / data["count"]
    odd = f", {data['not_finite']:,} not finite" if data["not_finite"] else ""
    return [
        f"values        {data['count']:,}, {share:.3g} % are 0{odd}",
        f"range         {data['min']:.7g} to {data['max']:.7g}{_real_range(tensor, data)},"
        f" mean {data['mean']:.4g}",
        *_bars(data["histogram"]),
    ]


def _mean(values: np.ndarray[Any, Any]) -> float:
    """Return the mean; of each divided first, as the sum may be larger than a float64 can be."""
    import numpy as np

    return float((values / values.size).sum(dtype=np.float64))


def _data(**known: Any) -> dict[str, Any]:
    keys = ("count", "zeros", "not_finite", "min", "max", "mean", "histogram")
    return {key: known.get(key) for key in keys}


def _histogram(
    values: np.ndarray[Any, Any], low: float, high: float
) -> tuple[list[int], list[float]]:
    import numpy as np

    if low == high:
        return [int(values.size)], [low, high]
    if values.dtype.kind in "iu" and high - low < BINS:
        # A bin for each integer.
        edges = np.arange(low, high + 2) - 0.5
    else:
        # In halves, as the range of float64 does not fit into one.
        steps = np.linspace(0.0, 1.0, BINS + 1)
        edges = np.maximum.accumulate(low * (1 - steps) + high * steps)
        edges[0], edges[-1] = low, high
    with np.errstate(over="ignore", invalid="ignore"):
        counts, _ = np.histogram(values.astype(np.float64, copy=False), bins=edges)
    return counts.tolist(), edges.tolist()


def _few(tensor: Tensor) -> list[Any]:
    values = tensor.numpy().ravel().tolist()
    return [f"{value:.7g}" if isinstance(value, float) else _text(value) for value in values]


def _text(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _real_range(tensor: Tensor, data: dict[str, Any]) -> str:
    """The real numbers that the integers of a per-tensor quantized constant stand for."""
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1:
        return ""
    scale, zero = quantization.scales[0], next(iter(quantization.zero_points), 0)
    low, high = (scale * (data[end] - zero) for end in ("min", "max"))
    return f" (real {low:.4g} to {high:.4g})" if math.isfinite(low + high) else ""


def _bars(histogram: dict[str, list[float]]) -> list[str]:
    edges, counts = histogram["edges"], histogram["counts"]
    most = max(counts)
    starts = [f"{edge:.4g}" for edge in edges]
    width = max(map(len, starts))
    size = max(len(f"{count:,}") for count in counts)
    return [
        f"  {start:>{width}}  {count:>{size},}  {'#' * math.ceil(BAR * count / most)}".rstrip()
        for start, count in zip(starts, counts, strict=False)
    ]

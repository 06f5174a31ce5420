"""What numbers a constant holds: its range and a histogram. The one place here that needs NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq.errors import Error
from tfq.report.cells import INDENT, fact
from tfq.report.table import WIDEST, fitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tfq.model import Tensor

BINS = 16
BAR = 40
# So many values are printed themselves.
FEW = 16
# So many values are looked at in one go.
PIECE = 1 << 20


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
    zeros, finite, ends = 0, 0, []
    for piece in _pieces(values):
        zeros += int(piece.size - np.count_nonzero(piece))
        known = _finite(piece)
        finite += int(known.size)
        if known.size:
            ends += [known.min().item(), known.max().item()]
    missing = int(values.size) - finite
    if finite == 0:
        return _data(count=values.size, zeros=zeros, not_finite=missing)
    low, high = min(ends), max(ends)
    edges = _edges(low, high, whole=values.dtype.kind in "iu")
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    mean = 0.0
    for piece in _pieces(values):
        known = _finite(piece).astype(np.float64, copy=False)
        # Of each divided first, as the sum may be larger than a float64 can be.
        mean += float((known / finite).sum())
        counts += _counts(known, edges)
    return _data(
        count=values.size,
        zeros=zeros,
        not_finite=missing,
        min=low,
        max=high,
        mean=mean,
        histogram={"edges": edges, "counts": counts.tolist()},
    )


def values_lines(tensor: Tensor) -> list[str]:
    """Sum up the values of a constant tensor for people; nothing for other tensors."""
    try:
        data = values_data(tensor)
        few = _few(tensor) if data is not None and 0 < data["count"] <= FEW else None
    except Error as error:
        return [fact("values", error)]
    if data is None:
        return []
    if few is not None:
        return [fact("values", ", ".join(map(fitted, few)), widest=FEW * WIDEST)]
    if data["min"] is None:
        return [fact("values", f"{data['count']:,}")]
    share = 100 * data["zeros"] / data["count"]
    odd = f", {data['not_finite']:,} not finite" if data["not_finite"] else ""
    ends = f"{data['min']:.7g} to {data['max']:.7g}{_real_range(tensor, data)}"
    return [
        fact("values", f"{data['count']:,}, {share:.3g} % are 0{odd}"),
        fact("range", f"{ends}, mean {data['mean']:.4g}"),
        *_bars(data["histogram"]),
    ]


def _pieces(values: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """The values a few MiB at a time: what is made of them takes many times their size."""
    import numpy as np

    for start in range(0, values.size, PIECE):
        piece = values[start : start + PIECE]
        if piece.dtype.kind not in "iu":
            # There are no histograms of bools and 8-bit floats.
            piece = piece.astype(np.promote_types(np.float32, piece.dtype), copy=False)
        yield piece


def _finite(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    return values[np.isfinite(values)] if values.dtype.kind == "f" else values


def _data(**known: Any) -> dict[str, Any]:
    keys = ("count", "zeros", "not_finite", "min", "max", "mean", "histogram")
    return {key: known.get(key) for key in keys}


def _edges(low: float, high: float, *, whole: bool) -> list[float]:
    """The borders of the bins; `whole` says that the values are integers."""
    import numpy as np

    if low == high:
        return [low, high]
    if whole and high - low < BINS:
        # A bin for each integer.
        return [low - 0.5 + step for step in range(int(high - low) + 2)]
    # In halves, as the range of float64 does not fit into one.
    steps = np.linspace(0.0, 1.0, BINS + 1)
    edges = np.maximum.accumulate(low * (1 - steps) + high * steps)
    return [low, *map(float, edges[1:-1]), high]


def _counts(values: np.ndarray[Any, Any], edges: list[float]) -> np.ndarray[Any, Any]:
    import numpy as np

    if len(edges) == 2:
        # All values are the same, which may be more exact than a float64.
        return np.array([values.size])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.histogram(values, bins=np.array(edges))[0]


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
    scale, zero = quantization.scales[0], quantization.zero_point
    low, high = (scale * (data[end] - zero) for end in ("min", "max"))
    return f" (real {low:.4g} to {high:.4g})" if math.isfinite(low + high) else ""


def _bars(histogram: dict[str, list[float]]) -> list[str]:
    edges, counts = histogram["edges"], histogram["counts"]
    most = max(counts)
    starts = [f"{edge:.4g}" for edge in edges]
    width = max(map(len, starts))
    size = max(len(f"{count:,}") for count in counts)
    bars = ["#" * math.ceil(BAR * count / most) for count in counts]
    return [
        f"{2 * INDENT}{start:>{width}}  {count:>{size},}  {bar}".rstrip()
        for start, count, bar in zip(starts, counts, bars, strict=False)
    ]

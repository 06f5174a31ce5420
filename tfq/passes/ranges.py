"""The ranges of activations: what was seen of each, and how a range is chosen from it."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import math

from tfq.errors import ArgumentError, CalibrationDataError
from tfq.passes.statistics import Statistics
from tfq.schemas import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Model

    Array = np.ndarray[Any, Any]
    Range = tuple[float, float]

_CANDIDATES = 64
_LEAST_SHARE = 0.1


class Ranges:
    """What calibration saw of each activation of one model.

    Attributes:
        model: The digest of the model (`digest`).
        tensors: Statistics by the name of the activation.
    """

    def __init__(self, model: str, tensors: dict[str, Statistics] | None = None) -> None:
        """Hold what was seen; nothing at first."""
        self.model = model
        self.tensors = tensors if tensors is not None else {}

    def add(self, values: Mapping[str, Array]) -> None:
        """Look at the activations of one sample."""
        for name, each in values.items():
            self.tensors.setdefault(name, Statistics()).add(each)

    def merge(self, other: Ranges) -> None:
        """Add what was seen of the same model on other samples.

        Raises:
            CalibrationDataError: If the ranges are of another model.
        """
        if self.model != other.model:
            raise CalibrationDataError("ranges: expected those of the same model, got another's")
        for name, each in other.tensors.items():
            self.tensors.setdefault(name, Statistics()).merge(each)

    def spans(
        self, method: str = "minmax", overrides: Mapping[str, str] | None = None, bits: int = 8
    ) -> dict[str, Range]:
        """Choose the range of each activation.

        Args:
            method: `"minmax"`; `"moving_average"`, the mean extremes of the samples;
                `"percentile:99.99"`, which leaves out so little at each end; `"mse"`, the smallest
                mean squared error; `"entropy"`, the smallest Kullback-Leibler divergence.
            overrides: Other methods, by a pattern of names; the first that matches counts.
            bits: Of the integers. With 16 nothing is gained by clipping: `minmax` is used for
                `mse` and `entropy`.

        Returns:
            The smallest and the largest value of each activation that was seen.

        Raises:
            ArgumentError: If there is no such method.
        """
        choose = {pattern: _method(each, bits) for pattern, each in (overrides or {}).items()}
        usual = _method(method, bits)
        found = {}
        for name, seen in self.tensors.items():
            if seen.samples:
                fitting = (each for key, each in choose.items() if fnmatch.fnmatchcase(name, key))
                found[name] = next(fitting, usual)(seen)
        return found

    def to_json(self) -> str:
        """Return it as the text of a small file."""
        tensors = {name: each.to_json() for name, each in self.tensors.items() if each.samples}
        return json.dumps({"model": self.model, "tensors": tensors}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> Ranges:
        """Read what `to_json` wrote.

        Args:
            text: The content of a file.
            name: What messages call it.

        Raises:
            CalibrationDataError: If it is no such file; the message says where.
        """
        from tfq.profiles.validate import violations

        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CalibrationDataError(f"{name}: expected ranges as JSON, got: {error}") from None
        first = next(violations(data, load("ranges.schema")), None)
        if first is not None:
            raise CalibrationDataError(f"{name}: {first.path}: {first.message}")
        tensors = {key: Statistics.from_json(each) for key, each in data["tensors"].items()}
        for key, each in tensors.items():
            if not each.makes_sense:
                raise CalibrationDataError(f"{name}: {key!r}: makes no sense as what was seen")
        return cls(data["model"], tensors)


def digest(model: Model) -> str:
    """Return what tells a model from others: its operators, tensors and constants."""
    found = hashlib.sha256()
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            found.update(operator.name.encode("utf-8", "replace") + b"\0")
        for tensor in subgraph.tensors:
            found.update(repr((tensor.name, tensor.shape, tensor.dtype)).encode())
            if tensor.is_constant and not tensor.is_external:
                found.update(tensor.data)
    return found.hexdigest()


def _method(text: str, bits: int) -> Callable[[Statistics], Range]:
    name, _, argument = text.partition(":")
    if name == "percentile":
        return _percentile(argument or "99.99")
    if argument or name not in _METHODS:
        known = ", ".join(sorted([*_METHODS, "percentile:99.99"]))
        raise ArgumentError(f"ranges: expected one of {known}, got {text!r}")
    if name in ("entropy", "mse") and bits > 8:
        name = "minmax"
    return _METHODS[name]


def _percentile(argument: str) -> Callable[[Statistics], Range]:
    try:
        percent = float(argument)
    except ValueError:
        percent = math.nan
    if not 50 < percent <= 100:
        raise ArgumentError(f"percentile: expected a number above 50 up to 100, got {argument!r}")

    def choose(seen: Statistics) -> Range:
        low = seen.histogram.quantile(1 - percent / 100)
        high = seen.histogram.quantile(percent / 100)
        return max(low, seen.low), min(high, seen.high)

    return choose


def _minmax(seen: Statistics) -> Range:
    return seen.low, seen.high


def _moving_average(seen: Statistics) -> Range:
    return seen.lows / seen.samples, seen.highs / seen.samples


def _mse(seen: Statistics) -> Range:
    """Clip where the squared error is smallest: of what is clipped, and of what is rounded."""
    return _search(seen, _squared_error)


def _entropy(seen: Statistics) -> Range:
    """Clip where the distribution of the quantized values is closest to that of the values.

    The search of TensorRT (S. Migacz, 8-bit Inference with TensorRT, GTC 2017), at both ends.
    """
    return _search(seen, _divergence)


def _search(seen: Statistics, cost: Callable[[Array, Array, float, float], float]) -> Range:
    """Shrink the range, first at both ends alike, then at each; keep what costs least."""
    import numpy as np

    centers, counts = seen.histogram.centers(), seen.histogram.counts.astype(np.float64)
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    shares = np.linspace(_LEAST_SHARE, 1.0, _CANDIDATES)[::-1]
    pairs = [(low * share, high * share) for share in shares]
    best = min(pairs, key=lambda pair: cost(centers, counts, *pair))
    for end in (0, 1):
        pairs = [
            (low * share, best[1]) if end == 0 else (best[0], high * share) for share in shares
        ]
        best = min([best, *pairs], key=lambda pair: cost(centers, counts, *pair))
    return float(best[0]), float(best[1])


def _quantized(centers: Array, low: float, high: float) -> tuple[Array, float]:
    import numpy as np

    step = (high - low) / 255 or 1.0
    return np.clip(np.rint((centers - low) / step), 0, 255), step


def _squared_error(centers: Array, counts: Array, low: float, high: float) -> float:
    import numpy as np

    levels, step = _quantized(centers, low, high)
    return float((counts * np.square(low + levels * step - centers)).sum())


def _divergence(centers: Array, counts: Array, low: float, high: float) -> float:
    import numpy as np

    levels = _quantized(centers, low, high)[0].astype(np.int64)
    inside = (centers >= low) & (centers <= high)
    # What is clipped counts at the border; the quantized distribution does not know of it.
    reference = np.bincount(np.clip(np.arange(centers.size), *_ends(inside)), counts, centers.size)
    sums = np.bincount(levels, counts * inside, 256)
    filled = np.bincount(levels, inside & (reference > 0), 256)
    spread = np.where(inside & (reference > 0), (sums / np.maximum(filled, 1))[levels], 0.0)
    present = reference > 0
    p = reference[present] / reference.sum()
    q = np.maximum(spread[present] / max(spread.sum(), 1e-12), 1e-12)
    return float((p * np.log(p / q)).sum())


def _ends(inside: Array) -> tuple[int, int]:
    import numpy as np

    places = np.flatnonzero(inside)
    return (int(places[0]), int(places[-1])) if places.size else (0, inside.size - 1)


_METHODS: dict[str, Callable[[Statistics], Range]] = {
    "entropy": _entropy,
    "minmax": _minmax,
    "moving_average": _moving_average,
    "mse": _mse,
}

"""What a pass changed, what it cost, and what it left alone."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Operator, Tensor


class Cost(NamedTuple):
    """How far the values of a constant are from what they were, in real units.

    Attributes:
        worst: The largest error of a value.
        mean: The mean error of a value.
        sqnr: The signal-to-quantization-noise ratio in dB: 10·log10(Σ old² / Σ error²); None if
            there is no error.
        channel_sqnr: That of the channel which has the lowest: a channel of small weights may be
            lost where the tensor as a whole looks well.
    """

    worst: float
    mean: float
    sqnr: float | None
    channel_sqnr: float | None


class Change(NamedTuple):
    """One thing that a pass changed.

    Attributes:
        place: The tensor or operator, as messages call it.
        what: What became of it, half a sentence.
        cost: What its values lost; None for what has no values in the file.
    """

    place: str
    what: str
    cost: Cost | None = None


class Kept(NamedTuple):
    """One thing that a pass is for, but left as it was.

    Attributes:
        place: The tensor or operator, as messages call it.
        why: The reason, half a sentence.
    """

    place: str
    why: str


class Changes(NamedTuple):
    """What one pass did to a model.

    Attributes:
        name: The pass, such as `"per_tensor"`.
        changed: What it changed.
        kept: What it is for, but had to leave alone.
    """

    name: str
    changed: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def sqnr(self) -> tuple[float, float] | None:
        """The lowest and the mean signal-to-quantization-noise ratio of the constants, in dB.

        None if no constant lost anything.
        """
        found = [each.cost.sqnr for each in self.changed if each.cost is not None]
        noisy = [each for each in found if each is not None]
        return (min(noisy), sum(noisy) / len(noisy)) if noisy else None

    @property
    def modified(self) -> bool:
        """Whether it changed anything."""
        return bool(self.changed)


def cost(
    before: np.ndarray[Any, Any], after: np.ndarray[Any, Any], axis: int | None = None
) -> Cost:
    """Measure what a constant lost.

    Args:
        before: Its real values.
        after: Its real values now, of the same shape.
        axis: Where its channels lie; None if all of it is one.

    Returns:
        The cost; all zero if there are no values.
    """
    import numpy as np

    if not before.size:
        return Cost(0.0, 0.0, None, None)
    error = np.abs(after - before)
    whole = _decibels(np.square(before).sum(keepdims=True), np.square(error).sum(keepdims=True))
    others = tuple(each for each in range(before.ndim) if each != axis)
    signal, noise = (np.square(each).sum(axis=others) for each in (before, error))
    channel = whole if axis is None else _decibels(signal, noise)
    return Cost(float(error.max()), float(error.mean()), whole, channel)


def _decibels(signal: np.ndarray[Any, Any], noise: np.ndarray[Any, Any]) -> float | None:
    """Return the lowest ratio; None if there is no noise."""
    import numpy as np

    noisy = (noise > 0) & (signal > 0)
    if not noisy.any():
        return None
    return float(10 * np.log10(signal[noisy] / noise[noisy]).min())


def tensor_place(tensor: Tensor) -> str:
    """Name a tensor, with the subgraph unless it is the first."""
    subgraph = tensor.subgraph.index
    name = repr(tensor.name) if tensor.name else f"tensor {tensor.index}"
    return f"{f'subgraph {subgraph} ' if subgraph else ''}{name}"


def operator_place(operator: Operator) -> str:
    """Name an operator, with the subgraph unless it is the first."""
    subgraph = operator.subgraph.index
    return f"{f'subgraph {subgraph} ' if subgraph else ''}op {operator.index} {operator.name}"

"""Finds the scales by which a candidate's channels differ from those of its reference.

Equalization (`tfq.passes.equalize`, and other tools') divides the channels of activations and makes
up for it in the layers around them. What is inside such a model is compared up to these scales.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.numerics.noise import decibels
from tfq.passes.carrying import CARRIERS, LAYERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np

    from tfq.model import Operator, Subgraph, Tensor

    Array = np.ndarray[Any, Any]

_CROSSINGS = frozenset({"CAST", "DEQUANTIZE", "QUANTIZE"})
# One value of a channel always has a scale that explains it.
_FEWEST_ROWS = 4
# Scales explain less than this of what quantization itself does; of a model that surely was
# equalized, little more than chance is enough.
_CLEAR_GAIN, _GAIN = 10.0, 1.0
# Channels that all have about one factor are no equalization, but a wrong scale, to be seen as
# error; unless the model is known to be equalized.
_SPREAD = 0.05
# The square of the correlation from which on the slope of a channel means something.
_CORRELATED = 0.5


class Fit:
    """The sums from which the best scale of each channel of an activation follows."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._rows = 0
        self._sums: Array | None = None

    def add(self, expected: Array, found: Array) -> None:
        """Look at one sample.

        Args:
            expected: What the reference holds.
            found: What the candidate holds, of the same shape; channels lie along the last axis.
        """
        import numpy as np

        if not expected.ndim or not expected.size:
            return
        rows = [each.reshape(-1, each.shape[-1]).astype(np.float64) for each in (expected, found)]
        a, b = rows
        sums = np.stack([(a * a).sum(axis=0), (a * b).sum(axis=0), (b * b).sum(axis=0)])
        self._sums = sums if self._sums is None else self._sums + sums
        self._rows += len(a)

    def result(self, *, certain: bool) -> tuple[float, Array] | None:
        """Return what scales gain in dB, and the scales: reference / candidate, of each channel.

        None where they gain nothing, or there is too little to tell.

        Args:
            certain: Whether the model is known to be equalized.
        """
        import numpy as np

        if self._sums is None or self._rows < _FEWEST_ROWS or not np.isfinite(self._sums).all():
            return None
        wanted, both, found = self._sums
        usable = (both > 0) & (found > 0)
        if np.count_nonzero(usable) < 2:
            return None
        # The noise is the candidate's: this is the slope over what the reference holds.
        scales = np.divide(wanted, both, out=np.ones_like(both), where=usable)
        # Where there is mostly noise, the slope is none.
        noisy = usable & (both**2 < _CORRELATED * wanted * found)
        scales[noisy] = np.sqrt(wanted[noisy] / found[noisy])
        weights = wanted[usable] / wanted[usable].sum()
        logs = np.log(scales[usable])
        spread = np.sqrt((weights * (logs - (weights * logs).sum()) ** 2).sum())
        if spread < _SPREAD and not certain:
            return None
        plain = np.maximum(wanted - 2 * both + found, 0).sum()
        scaled = np.maximum(wanted - 2 * scales * both + scales**2 * found, 0).sum()
        return decibels(float(plain), float(scaled)), scales


def can_be_scaled(graph: Subgraph) -> set[Tensor]:
    """Return the activations whose scales layers behind them can make up for.

    Args:
        graph: Any subgraph, quantized or not.
    """
    found: set[Tensor] = set()
    for tensor in dict.fromkeys(
        each for made in reversed(graph.operators) for each in made.outputs
    ):
        if tensor not in graph.outputs and all(
            _takes_scales(each, found) for each in tensor.consumers
        ):
            found.add(tensor)
    return found


def _takes_scales(reader: Operator, scaled: Collection[Tensor]) -> bool:
    if reader.name in LAYERS:
        return True
    carries = reader.name in CARRIERS or reader.name in _CROSSINGS
    return carries and all(each in scaled for each in reader.outputs)


def channel_scales(
    fits: Mapping[Tensor, Fit], made_up_for: Collection[Tensor], *, certain: bool = False
) -> dict[Tensor, Array]:
    """Choose the activations that are multiples of their counterparts channel by channel.

    That a model was equalized shows in at least one activation whose error all but vanishes with a
    positive scale for each channel, while the weights of a layer that reads it make up for that;
    then those activations count that gain less, too. Without such weights it is an error: a layer
    with a wrong scale looks the same from outside.

    Args:
        fits: By the candidate's activation, what was seen of it; of those that `can_be_scaled`.
        made_up_for: The activations that are read by layers with scaled weights.
        certain: Whether the model is known to be equalized.

    Returns:
        By activation, the scale of each channel: reference / candidate.
    """
    import numpy as np

    found = {tensor: fit.result(certain=certain) for tensor, fit in fits.items()}
    gains = {tensor: each for tensor, each in found.items() if each is not None}
    clear = [tensor for tensor, (gain, _) in gains.items() if gain >= _CLEAR_GAIN]
    if not certain and not any(tensor in made_up_for for tensor in clear):
        return {}
    return {
        tensor: scales.astype(np.float32)
        for tensor, (gain, scales) in gains.items()
        if gain >= _GAIN
    }

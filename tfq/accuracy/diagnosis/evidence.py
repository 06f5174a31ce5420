"""What is known of the layers of a quantized model, gathered once for all causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.counterparts import counterparts, input_pairs
from tfq.passes.observe import extremes, observe
from tfq.passes.ranges import activation_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from tfq.accuracy.layers import LayerError
    from tfq.model import Model, Operator, Tensor
    from tfq.passes.ranges import Ranges
    from tfq.passes.statistics import Extremes, Statistics

    Array = np.ndarray[Any, Any]


class Place(NamedTuple):
    """One operator in both models.

    Attributes:
        error: What was measured of its output.
        integer: The operator in the quantized model.
        output: Its output there.
        real: The float model's tensor that the output stands for; None if there is none.
        key: The name of that tensor in `--passes`; None likewise.
        seen: How its values are distributed on the evaluation data; None likewise.
        channels: How far its channels reach; None likewise.
    """

    error: LayerError
    integer: Operator
    output: Tensor
    real: Tensor | None
    key: str | None
    seen: Statistics | None
    channels: Extremes | None

    @property
    def float_weights(self) -> Tensor | None:
        """The float model's weights of the operator; None if it has none, or they are computed."""
        producer = None if self.real is None else self.real.producer
        found = None if producer is None else ops.weights(producer)
        if found is None or not found.is_constant or found.dtype != "float32":
            return None
        return found


class Evidence:
    """A float model, a quantized one, and what the evaluation data make of both."""

    def __init__(self, real: Model, integer: Model, samples: Iterable[Mapping[str, Array]]) -> None:
        """Run the float model and look at its activations.

        Args:
            real: The float model.
            integer: The same, quantized.
            samples: By the names of the float model's inputs.

        Raises:
            CalibrationDataError: If an activation is not finite.
        """
        self.real, self.integer = real, integer
        self._samples = list(samples)
        self._keys = activation_keys(real.subgraphs[0])
        self._twins = counterparts(real, integer).tensors
        self._ranges: Ranges = observe(real, self._samples)

    def seen(self, tensor: Tensor | None) -> Statistics | None:
        """Return how an activation of the float model is distributed; None if it was not seen."""
        key = None if tensor is None else self._keys.get(tensor)
        return None if key is None else self._ranges.tensors.get(key)

    def inputs(self) -> list[tuple[str, Tensor, Statistics]]:
        """Return each quantized input: its name, its integers, and what was fed to it.

        Where an input is float, its integers are what a QUANTIZE makes of it.
        """
        found = []
        twins = {real: integer for integer, real in input_pairs(self.real, self.integer)}
        for name, real in zip(self.real.input_names, self.real.inputs, strict=True):
            seen, held = self.seen(real), _integers(twins[real])
            if seen is not None and held is not None:
                found.append((name, held, seen))
        return found

    def places(self, errors: Sequence[LayerError]) -> list[Place]:
        """Look up operators of which something was measured.

        Args:
            errors: Of the quantized model.
        """
        reals = [self._twins.get(self.integer.tensors[each.tensor]) for each in errors]
        spread = self._extremes([each for each in reals if each is not None])
        found = []
        for error, real in zip(errors, reals, strict=True):
            operator = self.integer.operators[error.operator]
            key = None if real is None else self._keys.get(real)
            output = self.integer.tensors[error.tensor]
            channels = None if key is None else spread.get(key)
            found.append(Place(error, operator, output, real, key, self.seen(real), channels))
        return found

    def _extremes(self, tensors: Sequence[Tensor]) -> dict[str, Extremes]:
        known = [each for each in tensors if self.seen(each) is not None]
        return extremes(self.real, list(dict.fromkeys(known)), self._samples)


def _integers(tensor: Tensor) -> Tensor | None:
    if tensor.dtype != "float32":
        return tensor if tensor.quantization is not None else None
    made = [each.outputs[0] for each in tensor.consumers if each.name == "QUANTIZE"]
    return made[0] if made else None


def represented(tensor: Tensor) -> tuple[float, float, float] | None:
    """Return the smallest and the largest number that a tensor can hold, and its step.

    Args:
        tensor: A quantized activation with one scale.

    Returns:
        None if it is not quantized, or not so.
    """
    import numpy as np

    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1:
        return None
    if tensor.dtype not in ("int8", "uint8", "int16"):
        return None
    limits = np.iinfo(tensor.dtype)
    scale, zero = quantization.scales[0], quantization.zero_point
    return scale * (int(limits.min) - zero), scale * (int(limits.max) - zero), scale


def share_outside(seen: Statistics, low: float, high: float) -> float:
    """Return the share of values, of those that are not 0, outside of a range.

    Args:
        seen: How they are distributed.
        low: The range's lower end.
        high: Its upper end.
    """
    histogram = seen.histogram
    total = int(histogram.counts.sum())
    if not total:
        return 0.0
    borders = histogram.borders()
    # A bin is outside if all of it is.
    outside = (borders[1:] <= low) | (borders[:-1] >= high)
    return float(histogram.counts[outside].sum()) / total

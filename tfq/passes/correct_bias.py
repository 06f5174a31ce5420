"""Biases that make up for the mean error that quantization left in each channel."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.errors import ArgumentError
from tfq.passes import integer_kernels
from tfq.passes.biased_layers import LARGEST_BIAS, biased_layers, own_bias, source_of
from tfq.passes.changes import Change, Changes, Kept, operator_place
from tfq.passes.parameters import LIMITS, encoded, parameters
from tfq.passes.rewrite import Rewrite
from tfq.passes.rounding import mean_shift
from tfq.runtime.fidelity import Expected, fidelity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor
    from tfq.passes.biased_layers import BiasedLayer

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# So many parts of the layers, one after the other. Measured on face_detection_front: 18.5 dB
# with 8, 16.9 with 4, 16.8 with 1: layers then make up for what others stop passing on.
_PARTS = 8
# More samples say next to nothing more of a mean over samples and places.
_MOST_SAMPLES = 32
# An error is divided by the share of values that a bias moves, but by no less than this: what few
# values say is uncertain, and the next iteration sees what is left.
_LEAST_SHARE = 0.1
_BOUNDS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


def correct_bias(
    model: Model, reference: Model, samples: Sequence[Sample], iterations: int = 2
) -> tuple[Model, Changes]:
    """Fold the mean error of each channel, against the float model, into integer biases.

    Rounding moves the mean of what layers sum up, channel by channel; that part of the error can be
    taken back (Nagel et al., Data-Free Quantization through Weight Equalization and Bias
    Correction, 2019, https://arxiv.org/abs/1906.04721, section 4.2 and appendix D). `quantize`
    takes back what rounding the weights adds; this is about all that is left, the activations'
    part. An iteration goes through the layers in running order, an eighth at a time, as errors move
    on to later layers; the next one sees what is left. It counts if it gains at the outputs.

    1. CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED with integer activations.
    2. What a layer only passes on from one that is corrected at the same time does not count.
    3. Where an activation function cuts off values, the error is divided by the share of those
       that are left; a channel that never gives anything else is left as it is.
    4. A layer without a bias gets one; a bias that others read too is split.

    Left alone:

    5. Layers whose output has no activation of the same name and shape in the float model.
    6. Layers whose bias or weights are no constants, and those of subgraphs other than the first.
    7. The whole model, where its outputs do not come nearer to those of the float model.

    Args:
        model: A statically quantized model.
        reference: The float model that it was made of, with the same inputs and outputs.
        samples: By input name, with the batch axis. Means are those of 32 of them, evenly spread;
            what is gained is measured on all.
        iterations: How many, at most: after one that gains nothing there are no more.

    Returns:
        The new model, or `model` itself if nothing gained; and what changed: the layers, and last
        the ratio at the outputs before and after.

    Raises:
        ArgumentError: If there are no samples, or one does not fit; if the models have different
            outputs.
        InvalidModelError: If a model does not run.
    """
    if not samples:
        raise ArgumentError("correct_bias: expected samples, got none")
    shapes, wanted = ([each.shape for each in one.outputs] for one in (model, reference))
    if shapes != wanted:
        raise ArgumentError(
            f"correct_bias: expected a float model with outputs {shapes}, got {wanted}"
        )
    layers, kept = biased_layers(model, reference)
    if not layers:
        return model, Changes("correct_bias", (), tuple(kept))
    some = samples[:: math.ceil(len(samples) / _MOST_SAMPLES)]
    work = _Correction(model, reference, layers, some)
    best, biases = model, [layer.integers() for layer in layers]
    expected = Expected(reference, samples)
    first = last = fidelity(expected, [model])[0]
    for _ in range(iterations):
        swept = work.swept(biases)
        candidate = _with_biases(model, layers, swept)
        (ratio,) = fidelity(expected, [candidate])
        if ratio <= last:
            break
        best, biases, last = candidate, swept, ratio
    if best is model:
        why = f"no correction gains at the outputs, whose SQNR is {first:.1f} dB"
        return model, Changes("correct_bias", (), (*kept, Kept("outputs", why)))
    changed = _changes(layers, biases)
    changed.append(Change("outputs", f"SQNR {first:.1f} dB → {last:.1f} dB"))
    return best, Changes("correct_bias", tuple(changed), tuple(kept))


class _Seen(NamedTuple):
    """What an activation holds, by channel.

    Attributes:
        mean: The mean of its values.
        share: The share of its values that are inside the limits of what its operator can give:
            those move with the bias.
    """

    mean: Array
    share: Array


class _Correction:
    """One correction under way."""

    def __init__(
        self,
        model: Model,
        reference: Model,
        layers: Sequence[BiasedLayer],
        samples: Sequence[Sample],
    ) -> None:
        """Run both models.

        Args:
            model: The quantized one.
            reference: The float one.
            layers: Those of the quantized model.
            samples: What to run.
        """
        self.model, self.layers, self.samples = model, layers, samples
        wanted = [tensor for each in layers for tensor in (each.twin, each.source) if tensor]
        self.wanted = _seen(reference, wanted, samples)

    def swept(self, biases: list[Array]) -> list[Array]:
        """Return the biases of all layers, corrected once: integers and fractions."""
        import numpy as np

        count = len(self.layers)
        for part in np.array_split(np.arange(count), min(_PARTS, count)):
            model = _with_biases(self.model, self.layers, biases)
            biases = self._corrected(model, biases, part.tolist())
        return biases

    def _corrected(self, model: Model, biases: list[Array], places: list[int]) -> list[Array]:
        """Return the biases, those of some layers corrected.

        Args:
            model: The model with these biases.
            biases: Of each layer.
            places: Which layers to correct.
        """
        import numpy as np

        first, new = self.layers[places[0]].operator, list(biases)
        ends = {place: _ends(model, self.layers[place]) for place in places}
        found = _seen(model, [tensor for pair in ends.values() for tensor in pair], self.samples)
        for place, (output, source) in ends.items():
            layer, share = self.layers[place], found[output].share
            error = self.wanted[layer.twin].mean - found[output].mean
            error = error / np.maximum(share, _LEAST_SHARE)
            if layer.source is not None and _is_behind(source, first):
                moved = self.wanted[layer.source].mean - found[source].mean
                passed_on = mean_shift(layer.operator, layer.parts, layer.weights, moved)
                error = error if passed_on is None else error - passed_on
            step = error / np.asarray(layer.given.scales)
            step = np.where((share > 0) & np.isfinite(step), step, 0.0)
            limit = LARGEST_BIAS[layer.given.dtype]
            new[place] = np.clip(biases[place] + step, -limit, limit)
        return new


def _ends(model: Model, layer: BiasedLayer) -> tuple[Tensor, Tensor]:
    """Return what a layer makes, and where what it reads comes from, in a model with new biases."""
    operator = model.subgraphs[0].operators[layer.operator.index]
    parts = integer_kernels.layer(operator)
    assert parts is not None
    return operator.outputs[0], source_of(parts.data)


def _is_behind(tensor: Tensor, operator: Operator) -> bool:
    return tensor.producer is not None and tensor.producer.index >= operator.index


def _seen(
    model: Model, tensors: Iterable[Tensor], samples: Sequence[Sample]
) -> dict[Tensor, _Seen]:
    """Run a model and look at activations of its first subgraph."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from tfq.runtime import Runner

    limits = {each: _limits(each) for each in tensors}

    def summed(part: Sequence[Sample]) -> dict[Tensor, Array]:
        runner = Runner(model, every_tensor=True)
        sums = {each: np.zeros((2, each.shape[-1] if each.shape else 1)) for each in limits}
        for sample in part:
            runner.run(sample)
            for tensor, total in sums.items():
                values = runner.tensor(tensor.index).reshape(-1, total.shape[-1])
                low, high = limits[tensor]
                total[0] += values.mean(axis=0, dtype=np.float64)
                total[1] += ((values > low) & (values < high)).mean(axis=0)
        return sums

    # Kernels run without Python's lock, and without a delegate on one thread only.
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(summed, (samples[::2], samples[1::2]))
    return {each: _Seen(*(one[each] + other[each]) / len(samples)) for each in limits}


def _limits(tensor: Tensor) -> tuple[float, float]:
    """Return the limits of what an operator can give; what lies on them does not move."""
    known, producer = parameters(tensor), tensor.producer
    if known is None or producer is None:
        return -math.inf, math.inf
    low, high, _ = LIMITS[known.dtype]
    scale, point = known.scales[0], known.zero_points[0]
    function = producer.options.get("fused_activation_function", "NONE")
    bounds = _BOUNDS.get(function, (-math.inf, math.inf))
    # Half a step inside, as the limits are rounded to integers.
    return (
        max((low - point) * scale, bounds[0]) + scale / 2,
        min((high - point) * scale, bounds[1]) - scale / 2,
    )


def _with_biases(model: Model, layers: Sequence[BiasedLayer], biases: Sequence[Array]) -> Model:
    """Write biases into a model, where they are others than it has."""
    import numpy as np

    rewrite, changed = Rewrite(model), False
    for layer, values in zip(layers, biases, strict=True):
        rounded = np.rint(values)
        if (rounded != layer.integers()).any():
            draft, changed = own_bias(rewrite, layer.operator), True
            if "quantization" not in draft:
                rewrite.set_parameters(draft, layer.given)
            rewrite.set_data(draft, encoded(rounded, layer.given.dtype))
    return rewrite.finish() if changed else model


def _changes(layers: Sequence[BiasedLayer], biases: Sequence[Array]) -> list[Change]:
    import numpy as np

    found = []
    for layer, values in zip(layers, biases, strict=True):
        difference = (np.rint(values) - layer.integers()) * np.asarray(layer.given.scales)
        most = np.abs(difference).max(initial=0.0)
        if most > 0:
            what = f"up to {most:.3g} added to its bias"
            found.append(Change(operator_place(layer.operator), what))
    return found

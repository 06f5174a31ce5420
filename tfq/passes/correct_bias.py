"""Biases that make up for the mean error that quantization left in each channel."""

from __future__ import annotations

import math
from typing import NamedTuple

from tfq.errors import ArgumentError
from tfq.passes.biased_layers import (
    LARGEST_BIAS,
    Layer,
    biased_layers,
    integers,
    own_bias,
    source_of,
)
from tfq.passes.changes import Change, Changes, Kept, operator_place
from tfq.passes.parameters import LIMITS, encoded, parameters
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor
    from tfq.runtime import Runner

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# A sweep corrects the layers in so many parts, one after the other. Measured: one part gains a
# third of what eight gain, and layer by layer gains no more.
_PARTS = 8
# An error is divided by the share of values that a bias moves, but by no less than this: what few
# values say is uncertain, and the next sweep sees what is left.
_LEAST_SHARE = 0.1
# A gain must be so many times its standard error. Measured: with one, models lose on other data.
_CERTAIN = 2.0
# As a share of the mean over the samples.
_LEAST_NOISE = 0.1
# Decibels that an output without any error counts as in a mean.
_EXACT = 120.0


class _Seen(NamedTuple):
    """What one model gave for the samples.

    Attributes:
        outputs: The outputs of the model, each for all samples.
        means: By layer, the mean of each output channel: samples x channels.
        sources: Likewise of what the layer reads; None where that is not known.
        shares: By layer, the share of values of each output channel that move with the bias, as
            they are inside the limits of what the operator can give.
    """

    outputs: list[Array]
    means: list[Array]
    sources: list[Array | None]
    shares: list[Array]


def correct_bias(
    model: Model, reference: Model, samples: Sequence[Sample], iterations: int = 16
) -> tuple[Model, Changes]:
    """Fold the mean error of each channel, against the float model, into integer biases.

    Rounded weights move the mean of what they sum up, channel by channel; that part of the error
    can be taken back (Nagel et al., Data-Free Quantization through Weight Equalization and Bias
    Correction, 2019, https://arxiv.org/abs/1906.04721, section 4.2 and appendix D). An iteration
    corrects an eighth of the layers, in running order, as errors move on to later layers; eight are
    a sweep, and each sweep sees what the one before left. Of the models on the way the one is
    returned whose outputs have the best signal-to-quantization-noise ratio.

    1. CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED with integer activations.
    2. What a layer only passes on from one that is corrected in the same iteration does not count.
    3. Where an activation function cuts off values, the error is divided by the share of those
       that are left; a channel that never gives anything else is left as it is.
    4. Where the mean error differs from sample to sample, only what is certain of it counts.
    5. A layer without a bias gets one; a bias that others read too is split.

    Left alone:

    6. Layers whose output has no activation of the same name and shape in the float model.
    7. Layers whose bias or weights are no constants, and those of subgraphs other than the first.
    8. The whole model, where the best gains no more than samples differ.

    Args:
        model: A statically quantized model.
        reference: The float model that it was made of, with the same inputs and outputs.
        samples: By input name, with the batch axis; both models are run on them.
        iterations: How many, at most; after a sweep without a gain there are no more.

    Returns:
        The new model, or `model` itself if nothing gained; and what changed: the layers, and last
        the ratio at the outputs before and after.

    Raises:
        ArgumentError: If there are no samples, or one does not fit; if the models have different
            outputs.
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
    return _Correction(model, reference, layers, samples).run(iterations, kept)


class _Correction:
    """One correction under way."""

    def __init__(
        self, model: Model, reference: Model, layers: list[Layer], samples: Sequence[Sample]
    ) -> None:
        from tfq.runtime import Runner

        self.model = model
        self.layers = layers
        self.samples = samples
        tensors = [(layer.twin, layer.source) for layer in layers]
        self.wanted = _seen(Runner(reference, every_tensor=True), tensors, layers, samples)
        self.start = [integers(layer) for layer in layers]

    def run(self, iterations: int, kept: list[Kept]) -> tuple[Model, Changes]:
        """Correct again and again, and return the best."""
        import numpy as np

        parts = np.array_split(np.arange(len(self.layers)), min(_PARTS, len(self.layers)))
        biases, seen = self.start, self._see(self.model)
        before = after = self._noise(seen)
        best, best_biases, waited = self.model, biases, 0
        for turn in range(iterations):
            biases = self._corrected(biases, seen, parts[turn % len(parts)].tolist())
            candidate = self._rewritten(biases)
            seen = self._see(candidate)
            noise = self._noise(seen)
            waited += 1
            if self._quality(noise) > self._quality(after):
                best, best_biases, after, waited = candidate, biases, noise, 0
            if waited == len(parts):
                break
        first, most = self._quality(before), self._quality(after)
        if best is self.model or not _is_certain(before, after):
            why = f"no correction gains for certain at the outputs, whose SQNR is {first:.1f} dB"
            return self.model, Changes("correct_bias", (), (*kept, Kept("outputs", why)))
        changed = self._changes(best_biases)
        changed.append(Change("outputs", f"SQNR {first:.1f} dB → {most:.1f} dB"))
        return best, Changes("correct_bias", tuple(changed), tuple(kept))

    def _see(self, model: Model) -> _Seen:
        from tfq.runtime import Runner

        operators = model.subgraphs[0].operators
        places = [operators[layer.operator.index] for layer in self.layers]
        tensors = [(each.outputs[0], source_of(each)) for each in places]
        return _seen(Runner(model, every_tensor=True), tensors, self.layers, self.samples)

    def _noise(self, seen: _Seen) -> Array:
        """Return the squared errors of the outputs that are float: outputs x samples."""
        import numpy as np

        return np.array(
            [
                np.square(wanted - found).sum(axis=1)
                for wanted, found in zip(self.wanted.outputs, seen.outputs, strict=True)
                if wanted.dtype.kind == "f"
            ]
        )

    def _quality(self, noise: Array) -> float:
        """Return the signal-to-quantization-noise ratio of the outputs, their mean in dB."""
        import numpy as np

        from tfq.numerics.noise import decibels

        floats = [each for each in self.wanted.outputs if each.dtype.kind == "f"]
        found = [
            min(max(decibels(float(np.square(each).sum()), float(row.sum())), -_EXACT), _EXACT)
            for each, row in zip(floats, noise, strict=True)
        ]
        return sum(found) / max(len(found), 1)

    def _corrected(self, biases: list[Array], seen: _Seen, places: list[int]) -> list[Array]:
        """Return the biases, those of some layers corrected; integers and what is left of them."""
        import numpy as np

        first, new = self.layers[places[0]].operator, list(biases)
        for place in places:
            layer, share = self.layers[place], seen.shares[place]
            errors = self.wanted.means[place] - seen.means[place]
            errors = errors / np.maximum(share, _LEAST_SHARE)
            source = source_of(layer.operator)
            wanted, found = self.wanted.sources[place], seen.sources[place]
            if wanted is not None and found is not None and _is_behind(source, first):
                errors = errors - (wanted - found) @ layer.gain.T
            step = _certain(errors) / np.asarray(layer.given.scales)
            step = np.where((share > 0) & np.isfinite(step), step, 0.0)
            limit = LARGEST_BIAS[layer.given.dtype]
            new[place] = np.clip(biases[place] + step, -limit, limit)
        return new

    def _rewritten(self, biases: list[Array]) -> Model:
        """Write biases into the model as it was."""
        import numpy as np

        rewrite = Rewrite(self.model)
        for layer, old, new in zip(self.layers, self.start, biases, strict=True):
            rounded = np.rint(new)
            if (rounded != old).any():
                draft = own_bias(rewrite, layer)
                rewrite.set_data(draft, encoded(rounded, layer.given.dtype))
        return rewrite.finish()

    def _changes(self, biases: list[Array]) -> list[Change]:
        import numpy as np

        found = []
        for layer, old, new in zip(self.layers, self.start, biases, strict=True):
            most = np.abs((np.rint(new) - old) * np.asarray(layer.given.scales)).max(initial=0.0)
            if most > 0:
                what = f"up to {most:.3g} added to its bias"
                found.append(Change(operator_place(layer.operator), what))
        return found


def _is_behind(tensor: Tensor, operator: Operator) -> bool:
    return tensor.producer is not None and tensor.producer.index >= operator.index


def _seen(
    runner: Runner,
    tensors: Sequence[tuple[Tensor, Tensor | None]],
    layers: Sequence[Layer],
    samples: Sequence[Sample],
) -> _Seen:
    """Run a model on samples and keep what is needed of the outputs and inputs of its layers."""
    import numpy as np

    limits = [_limits(tensor) for tensor, _ in tensors]
    means: list[list[Array]] = [[] for _ in tensors]
    sources: list[list[Array]] = [[] for _ in tensors]
    shares = [np.zeros(tensor.shape[-1]) for tensor, _ in tensors]
    rows = []
    for sample in samples:
        rows.append([each.ravel() for each in runner.run(sample)])
        for place, (tensor, source) in enumerate(tensors):
            values = _channels(runner, tensor, tensor.shape[-1])
            means[place].append(values.mean(axis=0, dtype=np.float64))
            low, high = limits[place]
            shares[place] += ((values > low) & (values < high)).mean(axis=0) / len(samples)
            if source is not None and layers[place].source is not None:
                read = _channels(runner, source, layers[place].gain.shape[1])
                sources[place].append(read.mean(axis=0, dtype=np.float64))
    outputs = [np.stack(column) for column in zip(*rows, strict=True)]
    known = [np.stack(each) if each else None for each in sources]
    return _Seen(outputs, [np.stack(each) for each in means], known, shares)


def _channels(runner: Runner, tensor: Tensor, count: int) -> Array:
    return runner.tensor(tensor.index).reshape(-1, count)


def _limits(tensor: Tensor) -> tuple[float, float]:
    """Return the limits of what an operator can give; what lies on them does not move."""
    known, producer = parameters(tensor), tensor.producer
    if known is None or producer is None:
        return -math.inf, math.inf
    low, high, _ = LIMITS[known.dtype]
    scale, point = known.scales[0], known.zero_points[0]
    ends = [(low - point) * scale, (high - point) * scale]
    function = producer.options.get("fused_activation_function", "NONE")
    bounds = _BOUNDS.get(function, (-math.inf, math.inf))
    # Half a step inside, as the limits are rounded to integers.
    return max(ends[0], bounds[0]) + scale / 2, min(ends[1], bounds[1]) - scale / 2


_BOUNDS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


def _certain(errors: Array) -> Array:
    """Return the mean m over n samples, shrunk as it is uncertain: m · m² / (m² + σ² / n)."""
    import numpy as np

    mean = errors.mean(axis=0)
    doubt = errors.var(axis=0) / max(len(errors) - 1, 1)
    total = np.square(mean) + doubt
    shrunk: Array = mean * np.square(mean) / np.where(total > 0, total, 1.0)
    return shrunk


def _is_certain(before: Array, after: Array) -> bool:
    """Say whether the gain, in decibels a sample, is more than twice its standard error."""
    import numpy as np

    # Samples that have next to no error must not decide.
    floor = _LEAST_NOISE * before.mean(axis=1, keepdims=True) + np.finfo(np.float64).tiny
    gains = np.log((before + floor) / (after + floor)).mean(axis=0)
    return bool(gains.mean() > _CERTAIN * gains.std() / max(len(gains) - 1, 1) ** 0.5)

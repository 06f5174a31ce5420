"""Biases that make up for the mean error that quantization left in each channel."""

from __future__ import annotations

import math

from tfq.errors import ArgumentError
from tfq.passes.biased_layers import LARGEST_BIAS, biased_layers, own_bias, source_of
from tfq.passes.changes import Change, Changes, Kept, operator_place
from tfq.passes.parameters import LIMITS, encoded, parameters
from tfq.passes.rewrite import Rewrite
from tfq.passes.rounding import mean_shift
from tfq.passes.statistics import Means
from tfq.runtime.fidelity import fidelity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor
    from tfq.passes.biased_layers import BiasedLayer

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# A sweep corrects the layers in so many parts, one after the other. Measured: errors of one part
# alone overshoot, as all layers correct what the first ones passed on.
_PARTS = 8
# Samples to measure means on: more say nothing new of a mean over samples and places.
_MOST_SAMPLES = 32
_FEW_SAMPLES = 8
# An error is divided by the share of values that a bias moves, but by no less than this: what few
# values say is uncertain, and the next sweep sees what is left.
_LEAST_SHARE = 0.1
_BOUNDS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


def correct_bias(
    model: Model, reference: Model, samples: Sequence[Sample], iterations: int = _PARTS
) -> tuple[Model, Changes]:
    """Fold the mean error of each channel, against the float model, into integer biases.

    Rounding moves the mean of what layers sum up, channel by channel; that part of the error can be
    taken back (Nagel et al., Data-Free Quantization through Weight Equalization and Bias
    Correction, 2019, https://arxiv.org/abs/1906.04721, section 4.2 and appendix D). `quantize`
    takes back what rounding the weights adds; this is about all that is left, the activations'
    part. An iteration corrects an eighth of the layers, in running order, as errors move on to
    later layers; eight are a sweep. Of the models on the way the one is returned whose outputs have
    the best signal-to-quantization-noise ratio on both halves of the samples, every other one.

    1. CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED with integer activations.
    2. What a layer only passes on from one that is corrected in the same iteration does not count.
    3. Where an activation function cuts off values, the error is divided by the share of those
       that are left; a channel that never gives anything else is left as it is.
    4. A layer without a bias gets one; a bias that others read too is split.

    Left alone:

    5. Layers whose output has no activation of the same name and shape in the float model.
    6. Layers whose bias or weights are no constants, and those of subgraphs other than the first.
    7. The whole model, where no correction gains on both halves and on all of the samples.

    Args:
        model: A statically quantized model.
        reference: The float model that it was made of, with the same inputs and outputs.
        samples: By input name, with the batch axis; means are taken on 32 of them, evenly spread.
        iterations: How many.

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
    tried = _Correction(model, reference, layers, some).tried(iterations)
    models = [model, *(_with_biases(model, layers, biases) for biases in tried)]
    best = _best(reference, models, some)
    before, after = fidelity(reference, [model, models[best]], samples)
    if after <= before:
        why = f"no correction gains for certain at the outputs, whose SQNR is {before:.1f} dB"
        return model, Changes("correct_bias", (), (*kept, Kept("outputs", why)))
    changed = _changes(layers, tried[best - 1])
    changed.append(Change("outputs", f"SQNR {before:.1f} dB → {after:.1f} dB"))
    return models[best], Changes("correct_bias", tuple(changed), tuple(kept))


def _best(reference: Model, models: Sequence[Model], samples: Sequence[Sample]) -> int:
    """Return which model gains most over the first, on the half where it gains less."""
    halves = [fidelity(reference, models, samples[start::2]) for start in (0, 1)]
    gains = [min(ratios[place] - ratios[0] for ratios in halves) for place in range(len(models))]
    return gains.index(max(gains))


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
        self.wanted = _means(reference, wanted, samples)
        self.shares = _shares(model, layers, samples[:_FEW_SAMPLES])

    def tried(self, iterations: int) -> list[list[Array]]:
        """Correct again and again; return the biases of all layers after each time."""
        import numpy as np

        parts = np.array_split(np.arange(len(self.layers)), min(_PARTS, len(self.layers)))
        biases, found = [layer.integers() for layer in self.layers], []
        for turn in range(iterations):
            model = _with_biases(self.model, self.layers, biases)
            biases = self._corrected(model, biases, parts[turn % len(parts)].tolist())
            found.append(biases)
        return found

    def _corrected(self, model: Model, biases: list[Array], places: list[int]) -> list[Array]:
        """Return the biases, those of some layers corrected: integers and fractions.

        Args:
            model: The model with these biases.
            biases: Of each layer.
            places: Which layers to correct.
        """
        import numpy as np

        layers, new = [self.layers[place] for place in places], list(biases)
        inside = [tensor for each in layers for tensor in _ends(each)]
        found = _means(model, inside, self.samples)
        for place, layer in zip(places, layers, strict=True):
            output, source = _ends(layer)
            share = self.shares[place]
            error = (self.wanted[layer.twin] - found[output]) / np.maximum(share, _LEAST_SHARE)
            if layer.source is not None and _is_behind(source, layers[0].operator):
                moved = self.wanted[layer.source] - found[source]
                passed_on = mean_shift(layer.operator, layer.parts, layer.weights, moved)
                error = error if passed_on is None else error - passed_on
            step = error / np.asarray(layer.given.scales)
            step = np.where((share > 0) & np.isfinite(step), step, 0.0)
            limit = LARGEST_BIAS[layer.given.dtype]
            new[place] = np.clip(biases[place] + step, -limit, limit)
        return new


def _ends(layer: BiasedLayer) -> tuple[Tensor, Tensor]:
    """Return what a layer makes, and where what it reads comes from."""
    return layer.operator.outputs[0], source_of(layer.parts.data)


def _is_behind(tensor: Tensor, operator: Operator) -> bool:
    return tensor.producer is not None and tensor.producer.index >= operator.index


def _means(
    model: Model, tensors: Iterable[Tensor], samples: Sequence[Sample]
) -> dict[Tensor, Array]:
    """Run a model and take the mean of each channel.

    Args:
        model: What to run.
        tensors: Activations of its first subgraph, or of a model with the same tensors.
        samples: What to run it on.
    """
    from tfq.runtime import Runner

    runner, watched = Runner(model, every_tensor=True), dict.fromkeys(tensors)
    found: dict[Tensor, Means] = {}
    for sample in samples:
        runner.run(sample)
        for tensor in watched:
            seen = Means.of(runner.tensor(tensor.index))
            found[tensor] = found[tensor].merged(seen) if tensor in found else seen
    return {tensor: each.values for tensor, each in found.items()}


def _shares(model: Model, layers: Sequence[BiasedLayer], samples: Sequence[Sample]) -> list[Array]:
    """Return by layer the share of values of each channel that move with the bias.

    The others are at a limit of what the operator can give.
    """
    import numpy as np

    from tfq.runtime import Runner

    runner, outputs = Runner(model, every_tensor=True), [_ends(each)[0] for each in layers]
    shares = [np.zeros(output.shape[-1]) for output in outputs]
    for sample in samples:
        runner.run(sample)
        for share, output in zip(shares, outputs, strict=True):
            values = runner.tensor(output.index).reshape(-1, len(share))
            low, high = _limits(output)
            share += ((values > low) & (values < high)).mean(axis=0) / len(samples)
    return shares


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

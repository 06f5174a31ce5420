"""Which operators of a float model shall compute more precisely than the others.

What is chosen here goes to `quantize(…, types={operator: dtype for operator in chosen})`.
"""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from tfq import ops
from tfq.errors import ArgumentError
from tfq.passes.integer_kernels import is_float, obstacle, touches_floats
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import dequantized, parameters, quantized, real_values
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.ranges import activation_keys
from tfq.passes.rewrite import Rewrite
from tfq.profiles.nearest import did_you_mean
from tfq.runtime.fidelity import Expected, fidelity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor

    Array = np.ndarray[Any, Any]
    Range = tuple[float, float]
    Sample = Mapping[str, Array]

_PRECISE = ("int16", "float32")
# Noise is a mean over thousands of values of an output: few samples tell it.
_MOST_SAMPLES = 8
# A set that removes less than this part of what a source makes on average is not worth the
# operators that join types.
_LEAST_GAIN = 0.5
# Of the sets that the search went through, so many are measured, on so many samples.
_MEASURED = 8
_MOST_MEASURED_ON = 32
# Noise as a share of the signal that counts as none: -120 dB.
_SILENCE = 1e-12


class Source(NamedTuple):
    """One source of noise: numbers that are rounded, each to the same integers.

    Attributes:
        edges: Activations with the operator that reads each; None: an output of the model.
        weights: The operator whose weights are rounded; None for activations.
        needs: The operators that must be precise for the noise to vanish.
    """

    edges: tuple[tuple[Tensor, Operator | None], ...]
    weights: Operator | None
    needs: frozenset[Operator]


def named(model: Model, patterns: Iterable[str]) -> frozenset[Operator]:
    """Find operators of the first subgraph by patterns.

    Args:
        model: A float model.
        patterns: Each a pattern (`*`, `?`, `[…]`) of the key of an output (`activation_keys`) or of
            the name of an operator (`"SOFTMAX"`), or the index of an operator (`"#12"`).

    Returns:
        The operators that match any of them.

    Raises:
        ArgumentError: If a pattern matches nothing.
    """
    graph = model.subgraphs[0]
    keys = activation_keys(graph)
    words = {
        operator: {operator.name, f"#{operator.index}", *[keys[each] for each in operator.outputs]}
        for operator in graph.operators
    }
    found: set[Operator] = set()
    for pattern in patterns:
        # The key itself comes first: names of tensors may have brackets.
        matching = {
            operator
            for operator, known in words.items()
            if pattern in known or any(fnmatch.fnmatchcase(each, pattern) for each in known)
        }
        if not matching:
            near = did_you_mean(pattern, [each for known in words.values() for each in known])
            raise ArgumentError(
                f"expected the name of a tensor or operator of {model.name}, or #index;"
                f" got {pattern!r}{near}"
            )
        found |= matching
    return frozenset(found)


def sensitive(
    model: Model,
    spans: Mapping[str, Range],
    scheme: Scheme,
    samples: Sequence[Sample],
    dtype: str,
    budget: float,
) -> frozenset[Operator]:
    """Choose the operators that remove the most noise when they compute in another type.

    The noise at the outputs that each rounded activation makes, alone in a float model, is
    measured; with `float32`, that of rounded weights too. Noises add up where they are small. What
    an activation makes vanishes if the operators on both sides are precise; of such sets, the one
    is taken next that removes the most for its MACs, as long as the budget lasts. Operators without
    MACs, such as the ADDs of residual connections, cost nothing. Of the sets on the way that one is
    returned with which the quantized model itself comes nearest to the float model.

    Args:
        model: A float model, as for `quantize`.
        spans: The ranges of its activations, as for `quantize`.
        scheme: How the others are quantized.
        samples: By input name, with the batch axis; the first 32 are used.
        dtype: `"int16"`, of which only operators with such a kernel are chosen, or `"float32"`.
        budget: The share of the model's MACs, 0 to 1, that the chosen may have.

    Returns:
        The operators; empty if none gains at the outputs.

    Raises:
        ArgumentError: If the type or the budget is none of these, there are no samples, or one does
            not fit.
        ConversionError: If the model cannot be quantized (see `quantize`).
    """
    if dtype not in _PRECISE:
        raise ArgumentError(f"mixed precision: expected int16 or float32, got {dtype!r}")
    if not 0 <= budget <= 1:
        raise ArgumentError(f"mixed precision: expected a share of MACs, 0 to 1, got {budget}")
    if not samples:
        raise ArgumentError("mixed precision: expected samples, got none")
    integer = quantize(model, spans, scheme)[0]
    sources = [each for each in _sources(model, scheme, dtype) if _can_vanish(each, dtype)]
    probe = _Probe(model, integer, samples[:_MOST_SAMPLES])
    noises = [probe.noise(each) for each in sources]
    most = budget * sum(each.macs for each in model.subgraphs[0].operators)
    steps = _steps(sources, noises, probe.quantized_noise(), most)
    # Noises add up only about: the models themselves say which of them has the least.
    counts = {round(len(steps) * part / _MEASURED) for part in range(_MEASURED + 1)}
    sets: list[frozenset[Operator]]
    sets = [frozenset().union(*steps[:count]) for count in sorted(counts)]
    mixed = [quantize(model, spans, scheme, dict.fromkeys(each, dtype))[0] for each in sets[1:]]
    ratios = fidelity(Expected(model, samples[:_MOST_MEASURED_ON]), [integer, *mixed])
    return sets[ratios.index(max(ratios))]


def _can_vanish(source: Source, dtype: str) -> bool:
    """Say whether all operators around a source can compute in a type."""
    return bool(source.needs) and all(
        touches_floats(each) and (dtype == "float32" or obstacle(each, dtype) is None)
        for each in source.needs
    )


class _Probe:
    """A float model that is given one rounding at a time."""

    def __init__(self, model: Model, integer: Model, samples: Sequence[Sample]) -> None:
        """Run the float model.

        Args:
            model: The float model.
            integer: The same, quantized: it has the parameters that things are rounded to.
            samples: What to run.
        """
        import numpy as np

        self._model = model
        self._integer = integer
        self._samples = samples
        self._keys = activation_keys(model.subgraphs[0])
        self._twins = {key: each for each, key in activation_keys(integer.subgraphs[0]).items()}
        self._wanted = self._outputs(model)
        self._signals = [float(np.square(each).sum()) or 1.0 for each in self._wanted]

    def noise(self, source: Source) -> Array:
        """Return the noise that one source makes at each output, as a share of the signal."""
        rewrite = Rewrite(self._model)
        if source.weights is not None:
            changed = [self._round_weights(rewrite, source.weights)]
        else:
            read = [(tensor, reader) for tensor, reader in source.edges if reader is not None]
            if not read:
                return self._rounded_outputs([tensor for tensor, _ in source.edges])
            changed = [self._round(rewrite, *edge) for edge in read]
        # Without a change these are the wanted outputs, and there is no noise.
        return self._shares(self._outputs(rewrite.finish()) if any(changed) else self._wanted)

    def quantized_noise(self) -> Array:
        """Return the noise of the quantized model."""
        return self._shares(self._outputs(self._integer))

    def _outputs(self, model: Model) -> list[Array]:
        import numpy as np

        from tfq.runtime import Runner

        runner = Runner(model)
        rows = [runner.run(each) for each in self._samples]
        return [np.stack(column).astype(np.float64) for column in zip(*rows, strict=True)]

    def _shares(self, outputs: list[Array]) -> Array:
        import numpy as np

        found = [
            float(np.square(wanted - given).sum()) / signal
            for wanted, given, signal in zip(self._wanted, outputs, self._signals, strict=True)
        ]
        shares: Array = np.nan_to_num(np.array(found), nan=1.0, posinf=1.0)
        return shares

    def _rounded_outputs(self, tensors: list[Tensor]) -> Array:
        """Return the noise of outputs of the model that are rounded themselves."""
        found = list(self._wanted)
        for place, tensor in enumerate(self._model.outputs):
            twin = self._twins.get(self._keys[tensor])
            target = parameters(twin) if twin is not None and tensor in tensors else None
            if target is not None:
                found[place] = dequantized(quantized(found[place], target), target)
        return self._shares(found)

    def _round(self, rewrite: Rewrite, tensor: Tensor, reader: Operator) -> bool:
        """Set QUANTIZE and DEQUANTIZE before one reader of an activation, if it is rounded."""
        other = self._counterpart(reader)
        seen = other.inputs[reader.inputs.index(tensor)] if other is not None else None
        target = parameters(seen) if seen is not None else None
        if target is None:
            return False
        place, like, own = tensor.subgraph.index, rewrite.view(tensor), rewrite.operator(reader)
        rounded, last = (rewrite.add_tensor(place, like, "") for _ in range(2))
        rewrite.set_parameters(rewrite.tensor(place, rounded), target)
        version = 2 if target.dtype == "int16" else 1
        operators = rewrite.operators(place)
        at = next(index for index, each in enumerate(operators) if each is own)
        operators[at:at] = [
            rewrite.new_operator("QUANTIZE", version, [tensor.index], rounded),
            rewrite.new_operator("DEQUANTIZE", version + 1, [rounded], last),
        ]
        rewrite.read(own, tensor.index, last)
        return True

    def _counterpart(self, operator: Operator) -> Operator | None:
        twin = self._twins.get(self._keys[operator.outputs[0]])
        return twin.producer if twin is not None else None

    def _round_weights(self, rewrite: Rewrite, operator: Operator) -> bool:
        other, weights = self._counterpart(operator), ops.weights(operator)
        rounded = ops.weights(other) if other is not None else None
        values = real_values(rounded) if rounded is not None else None
        if values is None or weights is None:
            return False
        rewrite.set_data(rewrite.view(weights), values.astype("<f4").tobytes())
        return True


def _sources(model: Model, scheme: Scheme, dtype: str) -> list[Source]:
    """List what is rounded, and which operators must be precise for it not to be."""
    graph = model.subgraphs[0]
    edges: list[tuple[Tensor, Operator | None]] = [
        (tensor, operator)
        for operator in graph.operators
        for tensor in dict.fromkeys(operator.inputs)
        if tensor is not None and is_float(tensor) and not tensor.is_constant
    ]
    edges += [(tensor, None) for tensor in graph.outputs if is_float(tensor)]
    groups: dict[object, list[tuple[Tensor, Operator | None]]] = {}
    movers = _movers(graph.operators, scheme.activations)
    for edge in edges:
        groups.setdefault(movers.get(edge[1]) or movers.get(edge[0].producer) or edge, []).append(
            edge
        )
    found = []
    for group in groups.values():
        around = [each for edge in group for each in (edge[0].producer, edge[1])]
        for tensor, _ in group:
            # An input of the model has one type for all that read it.
            around += tensor.consumers if tensor.producer is None else ()
        found.append(Source(tuple(group), None, frozenset(each for each in around if each)))
    if dtype == "float32":
        layers = [each for each in graph.operators if each.name in BIASED]
        found += [Source((), each, frozenset([each])) for each in layers if ops.weights(each)]
    return found


def _movers(operators: Sequence[Operator], dtype: str) -> dict[Operator | None, Operator]:
    """Find the operators that hand integers on; each with the first of those it is chained to."""
    found: dict[Operator | None, Operator] = {}
    for operator in operators:
        row = ops.operation(operator)
        if not row.shares or dtype in row.rescales:
            continue
        found[operator] = operator
        for place, tensor in enumerate(operator.inputs):
            if place in row.shares and tensor is not None and tensor.producer in found:
                old, new = found[operator], found[tensor.producer]
                found.update({key: new for key, each in found.items() if each is old})
    return found


def _steps(
    sources: list[Source], noises: list[Array], total: Array, budget: float
) -> list[frozenset[Operator]]:
    """List sets of operators, one after the other those that remove most noise for their MACs."""
    search = _Search(sources, noises, total)
    steps: list[frozenset[Operator]] = []
    while True:
        step = search.next(budget)
        if step is None:
            return steps
        steps.append(step)
        budget -= sum(each.macs for each in step)


class _Search:
    """Which operators are precise, and the noise that is left."""

    def __init__(self, sources: list[Source], noises: list[Array], total: Array) -> None:
        import numpy as np

        self._sources = sources
        self._noises = noises
        # What the sources do not explain stays, whatever is chosen.
        self._left = np.maximum(total, sum(noises, np.zeros_like(total)))
        self._least = _LEAST_GAIN / max(len(sources), 1)
        self._chosen: frozenset[Operator] = frozenset()
        self._open = set(range(len(sources)))
        self._touching: dict[Operator, set[int]] = {}
        for index, source in enumerate(sources):
            for operator in source.needs:
                self._touching.setdefault(operator, set()).add(index)

    def next(self, budget: float) -> frozenset[Operator] | None:
        """Choose the next set within a budget of MACs; None if nothing gains any more."""
        best: tuple[float, frozenset[Operator]] | None = None
        # In a fixed order, so that ties are always decided alike.
        needs = [self._sources[index].needs - self._chosen for index in sorted(self._open)]
        for new in dict.fromkeys(needs):
            cost = sum(each.macs for each in new)
            if cost > budget:
                continue
            gain = _level(self._left) - _level(self._without(self._gone(new)))
            if gain > self._least and (best is None or gain / max(cost, 1) > best[0]):
                best = gain / max(cost, 1), new
        if best is None:
            return None
        gone = self._gone(best[1])
        self._left = self._without(gone)
        self._open -= gone
        self._chosen |= best[1]
        return best[1]

    def _gone(self, new: frozenset[Operator]) -> set[int]:
        """Return the sources that make no noise any more with some more operators."""
        every = self._chosen | new
        near = {index for operator in new for index in self._touching[operator]} & self._open
        return {index for index in near if self._sources[index].needs <= every}

    def _without(self, gone: set[int]) -> Array:
        left: Array = self._left.copy()
        for index in gone:
            left -= self._noises[index]
        return left


def _level(noise: Array) -> float:
    """Return the mean logarithm of the noise at the outputs."""
    import numpy as np

    return float(np.log(np.maximum(noise, _SILENCE)).mean())

"""The error of every layer: what a candidate computes beside what its reference does."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.channel_scales import Fit, can_be_scaled, channel_scales
from tfq.accuracy.counterparts import Counterparts, counterparts, fits, input_pairs
from tfq.accuracy.isolated import explode
from tfq.accuracy.joining import are_joined, join, joined, joins, shapes_of
from tfq.accuracy.layer_sums import LayerSums
from tfq.accuracy.running import Running
from tfq.accuracy.values import is_fixed
from tfq.accuracy.weights import weight_sqnr
from tfq.errors import ArgumentError, CalibrationDataError, InvalidModelError
from tfq.model.record import record_of
from tfq.passes.parameters import parameters
from tfq.runtime import quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from tfq.model import Model, Operator, Tensor

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

_REAL = frozenset({"float32", "float16", "float64"})
# So many bytes of activations are looked at at once; what leaves the caches takes longer again.
_MOST_KEPT = 1 << 20
# So many samples say whether channels were scaled.
_FITTED = 8
# Quantization to 8 bits leaves weights above it (measured: 30 dB and more); scaled ones are below.
_LIKE_DB, _EXPLAINED_DB = 20.0, 10.0

_SHIFTED = (
    "{}: absorb_bias has lowered channels by constants that the layers behind add again: the error "
    "of a layer inside counts these constants, too; those of the outputs are as they are"
)


@dataclass(frozen=True)
class LayerError:
    """How far one output of an operator is from what it stands for.

    All is in the units of the candidate: where `rescaled`, the reference's values are divided by
    the scales of the channels first.

    Attributes:
        operator: The index of the operator in the candidate.
        op: Its name.
        tensor: The index of the output in the candidate.
        name: The name of the output.
        reference_name: The name of its counterpart.
        sqnr: 10·log10(Σ reference² / Σ (reference - candidate)²) over all samples, in dB: the error
            that accumulated up to here. -infinity for noise without a signal, or that is no number.
        isolated: Likewise, of the operator alone, fed with the reference's values; None where that
            cannot be had (see `tfq.accuracy.isolated`).
        max_error: The largest |reference - candidate|.
        mean_error: The mean.
        range_use: The distance of the largest integer seen from the smallest, as a share of what
            the type has; None for floats.
        saturation: The share of values that are clipped: the candidate has the lowest or highest
            integer of the type, and the reference is more than a step beyond what that stands for;
            None for floats.
        weight_sqnr: As `sqnr`, of the operator's weights; None if it has none, or its counterpart
            has weights of another shape.
        rescaled: Whether the channels were found to be multiples of the reference's, as
            equalization makes them.
    """

    operator: int
    op: str
    tensor: int
    name: str
    reference_name: str
    sqnr: float
    isolated: float | None
    max_error: float
    mean_error: float
    range_use: float | None
    saturation: float | None
    weight_sqnr: float | None
    rescaled: bool = False


@dataclass(frozen=True)
class LayerErrors:
    """The errors of all layers that could be matched.

    Attributes:
        matched: How many outputs of operators have a counterpart.
        total: How many there are with real numbers, quantized or not, that depend on the inputs.
        layers: Their errors, the worst first.
    """

    matched: int
    total: int
    layers: tuple[LayerError, ...]


def layer_errors(reference: Model, candidate: Model, samples: Iterable[Sample]) -> LayerErrors:
    """Measure the error of each layer of a model, accumulated and on its own.

    Args:
        reference: The model as it should compute, float or quantized; its first subgraph is run.
        candidate: What stands for it.
        samples: Real values by the name of each input of the reference, with the batch axis.

    Returns:
        The errors; only sums are kept while samples are run.

    Raises:
        CalibrationDataError: If there are no samples.
        ArgumentError: If a sample does not fit.
        InvalidModelError: If a model does not load or run, or the inputs of both do not match.
    """
    import numpy as np

    rest = iter(samples)
    head = list(itertools.islice(rest, _FITTED))
    if not head:
        raise CalibrationDataError("comparison of layers: expected samples, got none")
    with quiet.silenced(), np.errstate(all="ignore"):
        comparing = _Comparing(reference, candidate, head[0])
        comparing.fit(head)
        for sample in joined(itertools.chain(head, rest), comparing.most_at_once(head)):
            comparing.add(sample)
        found = comparing.result()
    if comparing.complaint is not None:
        warnings.warn(f"isolated errors are left out: {comparing.complaint}", stacklevel=2)
    if _is_given(candidate, reference, "absorb_bias"):
        warnings.warn(_SHIFTED.format(candidate.name), stacklevel=2)
    return found


class _Layer(NamedTuple):
    """One output of an operator, its counterpart, and its errors."""

    operator: Operator
    tensor: Tensor
    theirs: Tensor
    sums: LayerSums


class _Comparing:
    """Two models side by side, and the operators of one on their own."""

    def __init__(self, reference: Model, candidate: Model, sample: Sample) -> None:
        """Match the layers, and drop those that turn out to have no values or other shapes."""
        self._models = reference, candidate
        self.pairs: Counterparts = counterparts(reference, candidate)
        self._theirs, self._mine = Running(reference), Running(candidate)
        names = dict(zip(reference.inputs, reference.input_names, strict=True))
        inputs = dict(input_pairs(reference, candidate))
        self._inputs = {
            name: names[inputs[tensor]]
            for name, tensor in zip(candidate.input_names, candidate.inputs, strict=True)
        }
        self.scales: dict[Tensor, Array] = {}
        self.complaint: str | None = None
        self._scaled: dict[Tensor, Array] = {}
        self._kept = 0
        self._run(sample)
        made = [(each, tensor) for each in candidate.operators for tensor in each.outputs]
        real = [(each, tensor) for each, tensor in made if _is_real(tensor)]
        self.layers = [
            _Layer(operator, tensor, self.pairs.tensors[tensor], LayerSums(tensor))
            for operator, tensor in real
            if tensor in self.pairs.tensors and self._is_comparable(tensor)
        ]
        self.total = len(real)
        self._alone: Running | None = None
        self._given: dict[str, Tensor] = {}
        self._operators_alone: frozenset[Operator] = frozenset()
        self._take_apart()

    def _is_comparable(self, tensor: Tensor) -> bool:
        expected, found = self._expected(tensor), self._mine.stored(tensor)
        if expected is None or found is None or not _is_real(self.pairs.tensors[tensor]):
            return False
        return bool(expected.shape == found.shape)

    def _take_apart(self) -> None:
        known = {
            tensor
            for tensor, theirs in self.pairs.tensors.items()
            if _is_of_kind(tensor, theirs) and self._has_stated_shape(tensor)
        }
        apart = explode(self._models[1], known)
        if apart is None:
            return
        self._given, self._operators_alone = apart.inputs, frozenset(apart.operators)
        try:
            self._alone = Running(apart.model)
        except InvalidModelError as error:
            self.complaint = str(error)

    def _has_stated_shape(self, tensor: Tensor) -> bool:
        expected = self._expected(tensor)
        return expected is not None and fits(expected.shape, tensor.shape_signature)

    def fit(self, samples: Iterable[Sample]) -> None:
        """Find the scales of channels, if weights say that there may be any."""
        certain = _is_given(self._models[1], self._models[0], "equalize")
        changed = {
            tensor
            for operator, theirs in self.pairs.operators.items()
            if _is_scaled(operator, theirs)
            for tensor in operator.inputs
            if tensor is not None
        }
        if not certain and not changed:
            return
        inner = can_be_scaled(self._models[1].subgraphs[0])
        seen = {each.tensor: Fit() for each in self.layers if each.tensor in inner}
        for sample in samples:
            self._run(sample)
            for tensor, fit in seen.items():
                expected, found = self._expected(tensor), self._mine.real(tensor)
                if expected is not None and found is not None and expected.shape == found.shape:
                    fit.add(expected, found)
        self.scales = channel_scales(seen, changed, certain=certain)

    def most_at_once(self, samples: Sequence[Sample]) -> int:
        """Return how many samples may run together, which is faster, and computes the same."""
        if len(samples) < 2 or not all(map(joins, self._models)):
            return 1
        one, other = samples[0], samples[-1]
        rows = [self._held(one), self._held(other)]
        most = math.ceil(_MOST_KEPT / max(sum(each.nbytes for each in rows[0]), 1))
        if most < 2 or shapes_of(one) != shapes_of(other):
            return 1
        try:
            both = self._held(join([one, other]))
        except (ArgumentError, InvalidModelError):
            return 1
        return most if are_joined(both, rows) else 1

    def _held(self, sample: Sample) -> list[Array]:
        """Return all that is compared of one run."""
        self._run(sample)
        self._run_alone()
        held = [each for layer in self.layers for each in self._values(layer)]
        return [each for each in held if each is not None]

    def add(self, sample: Sample) -> None:
        """Add the errors of one sample, or of several that are joined."""
        self._run(sample)
        try:
            self._run_alone()
        except (ArgumentError, InvalidModelError) as error:
            # An activation may have another shape in a later sample.
            self.complaint, self._alone = str(error), None
        for layer in self.layers:
            expected, stored, alone = self._values(layer)
            if expected is None or stored is None or expected.shape != stored.shape:
                continue
            layer.sums.keep(expected, stored, alone)
            self._kept += sum(each.nbytes for each in (expected, stored, alone) if each is not None)
        if self._kept >= _MOST_KEPT:
            self._count()

    def _count(self) -> None:
        for layer in self.layers:
            layer.sums.count()
        self._kept = 0

    def _run(self, sample: Sample) -> None:
        self._scaled = {}
        self._theirs.run(sample)
        self._mine.run({name: sample[theirs] for name, theirs in self._inputs.items()})

    def _run_alone(self) -> None:
        if self._alone is not None:
            given = {name: self._expected(tensor) for name, tensor in self._given.items()}
            self._alone.run({name: each for name, each in given.items() if each is not None})

    def _values(self, layer: _Layer) -> tuple[Array | None, Array | None, Array | None]:
        """Return what a layer should hold, what it holds, and what it computes on its own."""
        alone = self._alone if layer.operator in self._operators_alone else None
        return (
            self._expected(layer.tensor),
            self._mine.stored(layer.tensor),
            alone.stored(layer.tensor) if alone is not None else None,
        )

    def _expected(self, tensor: Tensor) -> Array | None:
        """Return what an activation of the candidate should hold."""
        values = self._theirs.real(self.pairs.tensors[tensor])
        if values is None or tensor not in self.scales:
            return values
        if tensor not in self._scaled:
            self._scaled[tensor] = values / self.scales[tensor]
        return self._scaled[tensor]

    def result(self) -> LayerErrors:
        """Return the errors, the worst first."""
        self._count()
        found = sorted(map(self._error, self.layers), key=lambda each: (each.sqnr, each.operator))
        return LayerErrors(len(self.layers), self.total, tuple(found))

    def _error(self, layer: _Layer) -> LayerError:
        operator, tensor, theirs, sums = layer
        is_alone = self._alone is not None and operator in self._operators_alone
        return LayerError(
            operator=operator.index,
            op=operator.name,
            tensor=tensor.index,
            name=tensor.name,
            reference_name=theirs.name,
            sqnr=sums.sqnr,
            isolated=sums.isolated if is_alone else None,
            max_error=sums.max_error,
            mean_error=sums.mean_error,
            range_use=sums.range_use,
            saturation=sums.saturation,
            weight_sqnr=self._weights(operator),
            rescaled=tensor in self.scales,
        )

    def _weights(self, operator: Operator) -> float | None:
        theirs = self.pairs.operators.get(operator)
        if theirs is None:
            return None
        return weight_sqnr(
            operator,
            theirs,
            takes_scaled=any(each in self.scales for each in operator.inputs),
            is_scaled=any(each in self.scales for each in operator.outputs),
        )


def _is_given(model: Model, reference: Model, name: str) -> bool:
    """Say whether a pass was done to a model, by the file's record, and not to its reference."""
    done = [(record_of(each) or {}).get("passes") or () for each in (model, reference)]
    return name in done[0] and name not in done[1]


def _is_real(tensor: Tensor) -> bool:
    """Say whether a tensor holds real numbers, as they are or quantized, of the current inputs."""
    if is_fixed(tensor):
        return False
    if tensor.dtype in _REAL:
        return True
    known = parameters(tensor)
    # CAST keeps integers, not what they stand for.
    is_cast = tensor.producer is not None and tensor.producer.name == "CAST"
    return known is not None and len(known.scales) == 1 and not is_cast


def _is_scaled(operator: Operator, theirs: Operator) -> bool:
    """Say whether the weights of an operator are those of another but for scales of channels."""
    plain = weight_sqnr(operator, theirs)
    if plain is None or plain >= _LIKE_DB:
        return False
    scaled = weight_sqnr(operator, theirs, takes_scaled=True, is_scaled=True)
    return scaled is not None and scaled >= plain + _EXPLAINED_DB


def _is_of_kind(tensor: Tensor, theirs: Tensor) -> bool:
    """Say whether a tensor can be set to what another holds."""
    both_real = _is_real(tensor) and _is_real(theirs)
    same = tensor.dtype == theirs.dtype and tensor.quantization is theirs.quantization is None
    return both_real or same

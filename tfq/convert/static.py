"""Static quantization by a plan: a float model is prepared, calibrated and quantized by passes."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.convert.plan import SEARCHED, Plan
from tfq.errors import ArgumentError, CalibrationDataError
from tfq.passes.absorb_bias import absorb_bias, absorb_bias_needs
from tfq.passes.changes import Changes
from tfq.passes.clip_weights import clip_weights
from tfq.passes.correct_bias import correct_bias
from tfq.passes.covariances import Covariance, covariances
from tfq.passes.equalize import equalize, equalize_needs
from tfq.passes.expand import expand
from tfq.passes.float_io import float_io
from tfq.passes.integer_io import integer_io
from tfq.passes.mixed_precision import named, sensitive
from tfq.passes.observe import extremes, observe
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.ranges import Ranges, digest
from tfq.runtime.fidelity import fidelity

if TYPE_CHECKING:
    import numpy as np

    from tfq.convert.request import Request
    from tfq.model import Model, Operator

    Sample = Mapping[str, np.ndarray[Any, Any]]

# 16 bits have room for more than was seen: that costs 2 dB of 90, clipping costs more.
_ROOM = 1.25
# So many samples decide between ways to choose ranges.
_JUDGES = 32
_BITS = {"int8": 8, "int16": 16}
_FLOAT_PASSES = {
    "equalize": (equalize, equalize_needs),
    "absorb_bias": (absorb_bias, absorb_bias_needs),
}


class Calibrated(NamedTuple):
    """A float model, ready to be quantized in any mode.

    Attributes:
        model: The float model, prepared by the passes of a plan.
        ranges: What was seen of its activations.
        changes: What the passes did.
    """

    model: Model
    ranges: Ranges
    changes: tuple[Changes, ...]


class Quantized(NamedTuple):
    """What became of it.

    Attributes:
        model: The quantized model.
        passes: What was done since the model was loaded, as `--passes` takes it.
        changes: What the passes did since calibration.
    """

    model: Model
    passes: tuple[str, ...]
    changes: tuple[Changes, ...]


def calibrate(
    model: Model,
    request: Request,
    samples: Iterable[Sample],
    saved: Ranges | None = None,
    *,
    for_all_modes: bool = False,
) -> Calibrated:
    """Run the float passes of a plan, then the samples.

    Args:
        model: A float model, its constants unpacked.
        request: What is to become of it.
        samples: By input name; gone through once, and once more for each pass that needs data.
        saved: Ranges of an earlier calibration: no sample is run.
        for_all_modes: Whether the ranges shall do for other modes, too: operators that only have
            kernels in some are then seen in all forms.

    Raises:
        CalibrationDataError: If the saved ranges are of another model, or activations are not
            finite.
    """
    if saved is not None:
        saved.check(model)
    source, seen, changes = model, {}, []
    for name in request.plan.float_passes:
        run, needs = _FLOAT_PASSES[name]
        if saved is None:
            seen[name] = extremes(model, needs(model), samples)
        else:
            seen[name] = saved.extremes.get(name, {})
        model, change = run(model, seen[name])
        changes.append(change)
    prepared = model
    model, expanded = expand(prepared, _activations(request))
    changes.append(expanded)
    if saved is not None:
        _check_passes(saved, tuple(seen))
        saved.check_prepared(model)
        return Calibrated(model, saved, tuple(changes))
    ranges = observe(model, samples)
    for dtype in _BITS if for_all_modes else ():
        form, change = expand(prepared, dtype)
        if dtype != _activations(request) and (change.changed or expanded.changed):
            ranges.complete(observe(form, samples))
    # What passes compute may differ in the last bit between machines; the source does not.
    ranges.model, ranges.extremes = digest(source), seen
    return Calibrated(model, ranges, tuple(changes))


def _check_passes(saved: Ranges, expected: tuple[str, ...]) -> None:
    """Ranges are those of a prepared model: channels that are scaled have others."""
    found = tuple(saved.extremes)
    if found != expected:
        raise CalibrationDataError(
            f"ranges: expected those after {' and '.join(expected) or 'no pass'}, got those after "
            f"{' and '.join(found) or 'no pass'}; calibrate again"
        )


def quantized(ready: Calibrated, request: Request, samples: Sequence[Sample]) -> Quantized:
    """Quantize what is calibrated.

    Args:
        ready: The model and its ranges.
        request: Mode, granularity, plan, and the types of inputs and outputs.
        samples: For what a plan needs them: the search for ranges, the choice of layers, the
            correction of biases.

    Raises:
        ConversionError: If the model cannot be quantized.
        ArgumentError: If a name of the plan is that of no layer.
    """
    plan, float_model = request.plan, ready.model
    changes = []
    if plan.clip_weights:
        float_model, clipped = clip_weights(float_model, request.granularity == "per_channel")
        changes.append(clipped)
    work = _Work(ready._replace(model=float_model), request, samples)
    followed, model, change = work.done()
    changes.append(change)
    if plan.correct_bias != 0:
        options = {} if plan.correct_bias is None else {"iterations": plan.correct_bias}
        model, change = correct_bias(model, ready.model, samples, **options)
        changes.append(change)
    idle = {each.name for each in (*ready.changes, *changes) if not each.changed}
    passes = tuple(term for term in followed.terms() if term.partition(":")[0] not in idle)
    return Quantized(_with_interface(model, request), passes, tuple(changes))


class _Done(NamedTuple):
    """A model, quantized by a plan that left nothing to choose."""

    plan: Plan
    model: Model
    changes: Changes


class _Work:
    """One model, quantized in several ways."""

    def __init__(self, ready: Calibrated, request: Request, samples: Sequence[Sample]) -> None:
        self.model, self.ranges = ready.model, ready.ranges
        self.plan, self.samples = request.plan, samples
        self.scheme = Scheme(
            _activations(request),
            per_channel=request.granularity == "per_channel",
            symmetric=self.plan.symmetric,
            power_of_two=self.plan.power_of_two,
            weight_bits=request.weight_bits,
        )
        self._types: dict[Operator, str] = {}
        self._check_overrides()

    def _check_overrides(self) -> None:
        for pattern, method in self.plan.overrides:
            if not fnmatch.filter(self.ranges.tensors, pattern):
                raise ArgumentError(f"passes: {method}@{pattern}: no activation has such a name")

    def done(self) -> _Done:
        """Quantize by the plan; what it leaves open is chosen by what the outputs then are."""
        if self.plan.ranges != "search":
            self._types = self._chosen_types(self.plan)
            return self._quantized(self.plan)
        plain = self.plan._replace(round_weights=False)
        # With 16 bits rounding costs so little that clipping only loses.
        methods = SEARCHED if self.scheme.activations == "int8" else ("minmax",)
        found = self._best([self._quantized(plain._replace(ranges=each)) for each in methods])
        if self.plan.elsewhere:
            self._types = self._chosen_types(found.plan)
            found = self._quantized(found.plan)
        if self.plan.round_weights:
            rounded = self._quantized(found.plan._replace(round_weights=True))
            found = self._best([rounded, found])
        return found

    def _best(self, done: list[_Done]) -> _Done:
        if len(done) == 1:
            return done[0]
        some = self.samples[:: -(-len(self.samples) // _JUDGES)]
        ratios = fidelity(self.model, [each.model for each in done], some)
        return done[ratios.index(max(ratios))]

    def _quantized(self, plan: Plan) -> _Done:
        model, changes = quantize(
            self.model,
            self._spans(plan),
            self.scheme,
            self._types,
            {key: each.values for key, each in self.ranges.means.items()},
            self._covariances if plan.round_weights else None,
        )
        return _Done(plan, model, changes)

    @cached_property
    def _covariances(self) -> dict[int, Covariance]:
        return covariances(self.model, self.samples)

    def _spans(self, plan: Plan) -> dict[str, tuple[float, float]]:
        bits = _BITS[self.scheme.activations]
        spans = self.ranges.spans(
            plan.ranges, dict(plan.overrides), bits, plan.symmetric or plan.power_of_two
        )
        if self.scheme.activations == "int8" or plan.power_of_two:
            return spans
        return {key: (_ROOM * low, _ROOM * high) for key, (low, high) in spans.items()}

    def _chosen_types(self, plan: Plan) -> dict[Operator, str]:
        """Say which operators get another type than the scheme's."""
        found: dict[Operator, str] = {}
        for each in plan.elsewhere:
            if each.pattern is not None:
                chosen = named(self.model, [each.pattern])
            else:
                spans = self._spans(plan)
                chosen = sensitive(
                    self.model, spans, self.scheme, self.samples, each.dtype, each.share
                )
            found.update(dict.fromkeys(chosen, each.dtype))
        return found


def _activations(request: Request) -> str:
    return "int16" if request.mode.name == "int16x8" else "int8"


def _with_interface(model: Model, request: Request) -> Model:
    """Give inputs and outputs the types that were asked for."""
    if request.input_type == request.output_type == "float32":
        return float_io(model)[0]
    return integer_io(model, [request.input_type], [request.output_type])[0]

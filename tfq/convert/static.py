"""Static quantization by a plan: a float model is prepared, calibrated and quantized by passes."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.convert.memory import Memory
from tfq.convert.plan import SEARCHED, Plan
from tfq.errors import ArgumentError, CalibrationDataError, InvalidModelError
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
from tfq.passes.rounding import RoundedWeights
from tfq.runtime.fidelity import Expected, fidelity

if TYPE_CHECKING:
    import numpy as np

    from tfq.convert.request import Request
    from tfq.model import Model, Operator
    from tfq.passes.statistics import Extremes

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
        twin: Where `absorb_bias` moved constants, what was there before: it has the same operators
            and weights, and the inputs of its layers vary as those of `model` do, so that what is
            known of one is true of the other.
        ranges: What was seen of its activations.
        changes: What the passes did.
    """

    model: Model
    ranges: Ranges
    changes: tuple[Changes, ...]
    twin: Calibrated | None = None


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
    memory: Memory,
    saved: Ranges | None = None,
    *,
    for_all_modes: bool = False,
) -> Calibrated:
    """Run the float passes of a plan, then the samples.

    Args:
        model: A float model, its constants unpacked.
        request: What is to become of it.
        samples: By input name; gone through once, and once more for each pass that needs data.
        memory: What was computed of this model and these samples.
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
        key = "pass", name, model
        step = memory.once(key, partial(_passed, name, model, samples, saved))
        model, seen[name] = step.model, step.seen
        changes.append(step.change)
    prepared = model
    form = partial(_form, prepared, memory=memory)
    model, expanded = form(_activations(request))
    changes.append(expanded)
    if saved is not None:
        _check_passes(saved, tuple(seen))
        saved.check_prepared(model)
        return Calibrated(model, saved, tuple(changes))
    found = memory.once(("ranges", model), partial(observe, model, samples))
    # What passes compute may differ in the last bit between machines; the source does not.
    ranges = Ranges(memory.once(("digest", source), partial(digest, source)), found.tensors)
    ranges.means, ranges.extremes = found.means, seen
    for dtype in _BITS if for_all_modes else ():
        other, change = form(dtype)
        if dtype != _activations(request) and (change.changed or expanded.changed):
            ranges.complete(observe(other, samples))
    calibrated = Calibrated(model, ranges, tuple(changes))
    if not any(each.name == "absorb_bias" and each.changed for each in changes):
        return calibrated
    passes = tuple(each for each in request.plan.float_passes if each != "absorb_bias")
    before = replace(request, plan=request.plan._replace(float_passes=passes))
    return calibrated._replace(twin=calibrate(source, before, samples, memory))


class _Passed(NamedTuple):
    """What a pass made of a float model, and what it saw of the samples for it."""

    model: Model
    seen: dict[str, Extremes]
    change: Changes


def _passed(name: str, model: Model, samples: Iterable[Sample], saved: Ranges | None) -> _Passed:
    run, needs = _FLOAT_PASSES[name]
    known = None if saved is None else saved.extremes.get(name, {})
    seen = extremes(model, needs(model), samples) if known is None else known
    made, change = run(model, seen)
    return _Passed(made, seen, change)


def _form(model: Model, dtype: str, memory: Memory) -> tuple[Model, Changes]:
    """The model in the form that has kernels of a type."""
    return memory.once(("form", model, dtype), partial(expand, model, dtype))


def _check_passes(saved: Ranges, expected: tuple[str, ...]) -> None:
    """Ranges are those of a prepared model: channels that are scaled have others."""
    found = tuple(saved.extremes)
    if found != expected:
        raise CalibrationDataError(
            f"ranges: expected those after {' and '.join(expected) or 'no pass'}, got those after "
            f"{' and '.join(found) or 'no pass'}; calibrate again"
        )


def quantized(ready: Calibrated, request: Request, expected: Expected, memory: Memory) -> Quantized:
    """Quantize what is calibrated.

    Args:
        ready: The model and its ranges.
        request: Mode, granularity, plan, and the types of inputs and outputs.
        expected: Samples and what the source says of them, for what a plan needs them: the search
            for ranges, the choice of layers, the correction of biases.
        memory: What was computed of this model and these samples.

    Raises:
        ConversionError: If the model cannot be quantized.
        ArgumentError: If a name of the plan is that of no layer.
    """
    plan, float_model = request.plan, ready.model
    changes = []
    if plan.clip_weights:
        float_model, clipped = clip_weights(float_model, request.granularity == "per_channel")
        changes.append(clipped)
        ready = ready._replace(twin=None)
    work = _Work(ready._replace(model=float_model), request, expected, memory)
    followed, model, change = memory.once(work.key, work.done, recent=True)
    followed = followed._replace(
        level=plan.level, float_passes=plan.float_passes, correct_bias=plan.correct_bias
    )
    changes.append(change)
    if plan.correct_bias != 0:
        options = {} if plan.correct_bias is None else {"iterations": plan.correct_bias}
        model, change = correct_bias(model, ready.model, expected.samples, **options)
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

    def __init__(
        self, ready: Calibrated, request: Request, expected: Expected, memory: Memory
    ) -> None:
        self.model, self.ranges = ready.model, ready.ranges
        self.twin = self if ready.twin is None else _Work(ready.twin, request, expected, memory)
        self.plan, self.expected, self.memory = request.plan, expected, memory
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

    @property
    def key(self) -> Hashable:
        """What the result depends on: not on what a plan does before and after."""
        plan = self.plan._replace(level="", float_passes=(), correct_bias=0)
        return "quantized", self.model, self.scheme, plan

    def done(self) -> _Done:
        """Quantize by the plan; what it leaves open is chosen by what the outputs then are."""
        if self.plan.ranges != "search":
            self._types = self._chosen_types(self.plan)
            return self._quantized(self.plan)
        plain = self.plan._replace(ranges=self._searched(), round_weights=False)
        if self.plan.elsewhere:
            self._types = self._chosen_types(plain)
        if not self.plan.round_weights:
            return self._quantized(plain)
        rounded = self._quantized(plain._replace(round_weights=True))
        if self.scheme.activations == "int16":
            # Here it is the converter's own model that may turn out to be better.
            return rounded
        return self._best([rounded, self._quantized(plain)])

    def _searched(self) -> str:
        """Find the way to choose ranges with which the outputs are nearest to the source's.

        It is the same for all weights: where they are quantized roughly, their noise hides what is
        looked for.
        """
        if self.twin is not self:
            return self.twin._searched()
        if self.scheme.activations == "int16":
            # With 16 bits rounding costs so little that clipping only loses.
            return "minmax"
        fine = self.scheme._replace(per_channel=True, weight_bits=8)
        plain = self.plan._replace(
            level="", float_passes=(), round_weights=False, elsewhere=(), correct_bias=0
        )
        plans = [plain._replace(ranges=each) for each in SEARCHED]
        return self.memory.once(
            ("searched", self.model, fine, plain),
            lambda: self._best([self._quantized(each, fine) for each in plans]).plan.ranges,
        )

    def _best(self, done: list[_Done]) -> _Done:
        ratios = self._ratios([each.model for each in done], self.expected.part(_JUDGES))
        return done[ratios.index(max(ratios))]

    def _ratios(self, models: list[Model], judges: Expected) -> list[float]:
        try:
            return fidelity(judges, models)
        except InvalidModelError:
            if len(models) == 1:
                return [-math.inf]
            # Scales that one way finds may be such as kernels refuse.
            return [self._ratios([each], judges)[0] for each in models]

    def _quantized(self, plan: Plan, scheme: Scheme | None = None) -> _Done:
        model, changes = quantize(
            self.model,
            self._spans(plan),
            scheme or self.scheme,
            self._types,
            {key: each.values for key, each in self.ranges.means.items()},
            self._weights(plan.round_weights),
        )
        return _Done(plan, model, changes)

    def _weights(self, with_feedback: bool) -> RoundedWeights:
        """Return what rounds the weights of the model, and of those that share them."""
        known = self._covariances if with_feedback else None
        key = "weights", self.twin.model, with_feedback
        return self.memory.once(key, partial(RoundedWeights, known))

    @property
    def _covariances(self) -> dict[int, Covariance]:
        key, model = "covariances", self.twin.model
        return self.memory.once((key, model), partial(covariances, model, self.expected.samples))

    def _spans(self, plan: Plan) -> dict[str, tuple[float, float]]:
        bits = _BITS[self.scheme.activations]
        how = plan.ranges, plan.overrides, bits, plan.symmetric or plan.power_of_two
        find = partial(self.ranges.spans, how[0], dict(how[1]), *how[2:])
        spans = self.memory.once(("spans", self.model, how), find)
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
                    self.model, spans, self.scheme, self.expected.samples, each.dtype, each.share
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

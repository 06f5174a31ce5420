"""Quantizes by a plan, compares with what the converter alone makes, and keeps the better model."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.convert import check, static
from tfq.convert.feed import Feed
from tfq.convert.plan import Plan
from tfq.convert.plan import make as make_plan
from tfq.convert.record import Applied
from tfq.errors import (
    ArgumentError,
    ConversionError,
    ConversionWarning,
    Error,
    InvalidModelError,
    MissingDependencyError,
)
from tfq.numerics.threads import one_thread
from tfq.runtime import Runner, quiet
from tfq.runtime.fidelity import Expected, fidelity

if TYPE_CHECKING:
    from tfq.convert.makers import Maker
    from tfq.model import Model
    from tfq.passes.ranges import Ranges

_MOST_SAMPLES = 100
"""So many samples say enough of a model: more change little."""

_COMPARED_WIDE = 2
"""So many decide between models with activations of 16 bits: LiteRT's kernels take a hundred times
as long as those of 8, and what differs are the weights, which all samples see."""

_HANDICAP = 0.5
"""Decibels by which passes must be better than a converter alone."""

_USELESS = 3.0
"""Decibels: below, half of what comes out is noise."""


class Choice(NamedTuple):
    """The model that was kept.

    Attributes:
        model: The model.
        applied: What was done to it.
        ranges: What calibration saw; None if there was none.
    """

    model: Model
    applied: Applied
    ranges: Ranges | None = None


def choose(making: Maker, saved: Ranges | None, *, for_all_modes: bool = False) -> Choice:
    """Make what the plan's level wants, and what the converter alone makes; keep the better.

    Fewer operators in float count first, then the outputs on the calibration data. What is about as
    good goes to the converter, which fits less to these samples.

    Args:
        making: Makes the float model, and what the converter makes.
        saved: Ranges of an earlier calibration; None to calibrate.
        for_all_modes: Whether the ranges shall do for other modes, too.

    Raises:
        ConversionError: If nothing can be made of the model.
        CalibrationDataError: If the samples or the ranges do not fit the model.
        ArgumentError: If a level needs samples and there are none, or a named layer is unknown.
    """
    with one_thread():
        return _Chooser(making, saved, for_all_modes).choose()


def check_runs(model: Model, samples: Sequence[Mapping[str, Any]], made_by: str) -> None:
    """Load a model and run it once.

    Args:
        model: What was made.
        samples: Of which the first is run: values by name, or else in the order of the inputs.
        made_by: Who made it, for the message.

    Raises:
        ConversionError: If the interpreter refuses it. A model with operators of TensorFlow or
            custom ones is not tried: they need an interpreter of their own.
    """
    if _has_custom(model):
        return
    _check_scales(model, made_by)
    try:
        runner = Runner(model)
        for sample in samples[:1]:
            is_named = set(sample) == set(model.input_names)
            names = sample if is_named else model.input_names
            runner.run(dict(zip(names, sample.values(), strict=True)))
    except InvalidModelError as error:
        reason = str(error).removeprefix(f"{model.name}: ")
        raise ConversionError(f"what {made_by} makes of this model {reason}") from error


def _has_custom(model: Model) -> bool:
    return any(op.is_custom for subgraph in model.subgraphs for op in subgraph.operators)


def _check_scales(model: Model, made_by: str) -> None:
    """Refuse what kernels would not: they end the process over an infinite scale."""
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            scales = () if tensor.quantization is None else tensor.quantization.scales
            if not all(0 < scale < math.inf for scale in scales):
                raise ConversionError(
                    f"{made_by} gave {tensor.place} a scale that is no positive number; is there "
                    "an infinite constant?"
                )


class _Chooser:
    """Makes models in two ways, and compares them."""

    def __init__(self, making: Maker, saved: Ranges | None, for_all_modes: bool) -> None:
        self.making, self.saved, self.for_all_modes = making, saved, for_all_modes
        self.plan = making.request.plan
        if making.samples is None:
            self.plan = self.plan.without_samples()
        needing = self.plan.needing_samples()
        if making.samples is None and needing:
            level = self.plan.level
            what = needing[0] if level == "passes" else f"accuracy={level}"
            raise ArgumentError(f"{what} needs calibration_data, not ranges alone")
        self.samples = making.memory.once("few samples", self._few)
        self.expected = making.memory.once(
            "expected", partial(Expected, making.float_model, self.samples)
        )

    def choose(self) -> Choice:
        tried = [self._attempt(partial(self._own, plan)) for plan in self._plans()]
        if self._is_compared:
            tried.append(self._attempt(self._plain))
        tried = self._run(tried)
        faults = [each for each in tried if not isinstance(each, Choice)]
        made = [each for each in tried if isinstance(each, Choice)]
        if not made:
            # TFLiteConverter says best what it cannot do; LiteRT Quantizer does not.
            raise faults[-1] if self.making.tool == "TFLiteConverter" else faults[0]
        best = max(made, key=_merit)
        others = [each for each in made if each.applied.converter != best.applied.converter]
        applied = best.applied._replace(remark=self._remark(tried))
        if others:
            other = max(others, key=_merit).applied
            applied = applied._replace(alternative=other.converter, alternative_sqnr=other.sqnr)
        if applied.sqnr is not None and applied.sqnr < _USELESS:
            warnings.warn(
                f"the outputs have little to do with those of the float model ({applied.sqnr:.1f} "
                "dB on the calibration data)",
                ConversionWarning,
                stacklevel=6,
            )
        return Choice(best.model, applied, made[0].ranges)

    def _plans(self) -> list[Plan]:
        """Return the plans to try: what `best` adds does not help every model.

        Saved ranges are those of one of them.
        """
        if self.plan.level != "best" or self.saved is not None:
            return [self.plan]
        standard = make_plan("standard", None, "")._replace(level="best")
        own = self.plan
        standard = standard._replace(symmetric=own.symmetric, power_of_two=own.power_of_two)
        return [own, standard]

    @property
    def _is_compared(self) -> bool:
        """Whether the converter's own result could be kept.

        Not where passes were named one by one, and not where the device wants a scheme that no
        converter has.
        """
        has_scheme = self.plan.symmetric or self.plan.power_of_two
        return bool(self.samples) and self.plan.level != "passes" and not has_scheme

    def _few(self) -> list[dict[str, Any]]:
        """Return samples from everywhere in the data, at most 100, by the model's names."""
        making = self.making
        if making.samples is None:
            return []
        known = {own: name for name, own in making.names.items()}
        rows = list(making.samples.batches(making.inputs))
        return [
            {name: row[known[name]] for name in making.float_model.input_names}
            for row in rows[:: -(-len(rows) // _MOST_SAMPLES)]
        ]

    def _own(self, plan: Plan) -> Choice:
        making = self.making
        request = replace(making.request, plan=plan)
        with quiet.silenced(making.request.verbose) as terminal:
            with Feed(making.samples, making.inputs, making.names, terminal) as feed:
                ready = static.calibrate(
                    making.float_model,
                    request,
                    feed,
                    making.memory,
                    self.saved,
                    for_all_modes=self.for_all_modes,
                )
            made = static.quantized(ready, request, self.expected, making.memory)
        applied = Applied(plan.level, made.passes, changes=(*ready.changes, *made.changes))
        return Choice(made.model, applied, ready.ranges)

    def _plain(self) -> Choice:
        return Choice(self.making.plain(), Applied(self.plan.level, converter=self.making.tool))

    def _attempt(self, make: Callable[[], Choice]) -> Choice | Error:
        """Make a model, and check that it is what was asked."""
        try:
            made = make()
            check.check(made.model, self.making.request)
            _check_scales(made.model, made.applied.converter)
        except (ConversionError, InvalidModelError, MissingDependencyError) as error:
            return error
        return made

    def _run(self, tried: Sequence[Choice | Error]) -> list[Choice | Error]:
        """Run what was made, and add how near its outputs are where that can be known."""
        made = [each for each in tried if isinstance(each, Choice)]
        if not made:
            return list(tried)
        wide = self.making.request.mode.name == "int16x8"
        expected = self.expected.part(_COMPARED_WIDE if wide else _MOST_SAMPLES)
        if not self.samples or any(_has_custom(each.model) for each in made):
            return [self._checked(each) for each in tried]
        try:
            ratios = iter(fidelity(expected, [each.model for each in made]))
        except InvalidModelError:
            if len(made) > 1:
                return [self._run([each])[0] for each in tried]
            return [self._checked(each) for each in tried]
        return [
            each._replace(applied=each.applied._replace(sqnr=next(ratios)))
            if isinstance(each, Choice)
            else each
            for each in tried
        ]

    def _checked(self, made: Choice | Error) -> Choice | Error:
        """Run a model once, with nothing to compare it to."""
        if isinstance(made, Choice):
            try:
                check_runs(made.model, self.samples, made.applied.converter)
            except (ConversionError, MissingDependencyError) as error:
                return error
        return made

    def _remark(self, tried: Sequence[Choice | Error]) -> str:
        """Say why there is nothing to compare with."""
        whose = [*["the passes"] * len(self._plans()), self.making.tool]
        for who, each in zip(whose, tried, strict=False):
            if not isinstance(each, Choice):
                return f"not compared: {who} failed: {each}"
        return "" if self.samples else "not compared: no calibration data"


def _merit(choice: Choice) -> tuple[int, float]:
    edges = ops.boundary(choice.model)
    floats = sum(op.compute != "integer" and op not in edges for op in choice.model.operators)
    handicap = 0.0 if choice.applied.converter != "tfq" else _HANDICAP
    return -floats, (choice.applied.sqnr or 0.0) - handicap

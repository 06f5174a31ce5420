"""One diagnosis, step by step."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.diagnosis import hygiene, layers, remedies
from tfq.accuracy.diagnosis.causes import calibration_causes
from tfq.accuracy.diagnosis.command import command, path_of
from tfq.accuracy.diagnosis.decision import decide, sentence
from tfq.accuracy.diagnosis.input_checks import check_inputs
from tfq.accuracy.diagnosis.judge import (
    COMPARED,
    MOST_SAMPLES,
    SCORED,
    Judge,
    Judged,
    affordable,
    some,
    thresholds,
)
from tfq.accuracy.diagnosis.progress import Progress
from tfq.accuracy.diagnosis.remedies import Attempt
from tfq.accuracy.diagnosis.result import Advice, Cause, Diagnosis, Evaluation, Remedy
from tfq.errors import CalibrationDataError, ConversionError, Error, InvalidModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.convert.workbench import Workbench
    from tfq.model import Model
    from tfq.profiles import Profile

_ALLOWED = ("allow_float_fallback", "allow_select_tf_ops", "allow_custom_ops", "verbose")
_BY_BITS = ("quantization", "unproven")
"""The verdicts after which what helps against few bits is tried."""


class _Found(NamedTuple):
    """What was looked at beyond the three rows."""

    inside: layers.Inside = layers.Inside((), (), ())
    remedies: tuple[Remedy, ...] = ()
    unchecked: tuple[str, ...] = ()


class Session:
    """A model and its data, opened; what is made of it is kept."""

    def __init__(
        self,
        source: Any,
        data: Any,
        *,
        labels: Any,
        metric: str | Callable[..., Any] | None,
        profile: str | os.PathLike[str] | Profile | None,
        candidate: Model | str | os.PathLike[str] | None,
        calibration_data: Any,
        **options: Any,
    ) -> None:
        """Open everything, so that what is wrong with it is said before anything slow begins.

        Args:
            source: as in `tfq.diagnose`, and so the rest.
            data: as there.
            labels: as there.
            metric: as there.
            profile: as there.
            candidate: as there.
            calibration_data: as there.
            options: of `tfq.convert.workbench.Workbench`.

        Raises:
            tfq.Error: as there.
        """
        from tfq.accuracy.reading import open_model
        from tfq.profiles import load as load_profile

        self._source, self._data, self._calibration_data = source, data, calibration_data
        self._options = options
        if isinstance(profile, (str, os.PathLike)):
            self.profile_name: str | None = str(profile)
            self.device: Profile | None = load_profile(profile)
        else:
            self.profile_name, self.device = getattr(profile, "name", None), profile
        self.candidate = None if candidate is None else open_model(candidate, "candidate")
        self.keras_model = _keras_model(source, options)
        samples = self._open(source if self.keras_model is None else self.keras_model)
        self.label = path_of(source, self.bench.label)
        self._add_labels(samples, labels, metric)

    def _open(self, source: Any) -> Samples:
        """Convert the source to float and read the data."""
        from tfq.convert.workbench import Workbench

        data, other = self._data, self._calibration_data
        with _without_warnings(), _explained():
            bench = Workbench(source, data if other is None else other, **self._options)
        assert bench.samples is not None
        samples = bench.samples if other is None else bench.read(data)
        self.available = len(samples)
        if other is None and self.available > MOST_SAMPLES:
            bench = self._calibrated_on(bench, some(samples, MOST_SAMPLES))
        self.bench = bench
        return samples

    def _calibrated_on(self, bench: Workbench, samples: Samples, **changed: bool) -> Workbench:
        from tfq.convert.workbench import Workbench

        options = {name: self._options[name] for name in _ALLOWED} | changed
        return Workbench(bench.float_model, samples, **options)

    def _add_labels(
        self, samples: Samples, labels: Any, metric: str | Callable[..., Any] | None
    ) -> None:
        from tfq.accuracy.reading import read_labels

        model = self.bench.float_model
        if labels is not None:
            samples = replace(samples, labels=read_labels(labels, len(samples)))
        self.metric = _metric(metric, model, samples.labels)
        room = affordable(model, COMPARED if self.metric is None else SCORED)
        self._evaluation, self.samples = some(samples, MOST_SAMPLES), some(samples, room)
        self.judge = Judge(model, self.samples, self.metric)

    @cached_property
    def granularity(self) -> str:
        """Of the 8-bit model's weights: the profile's, else the candidate's, else per channel."""
        from tfq.convert.request import complete

        wanted = complete(self.device, mode="full_integer").granularity
        if self.device is None and self.candidate is not None:
            wanted = _granularity(self.candidate)
        return wanted or "per_channel"

    def diagnosis(self) -> Diagnosis:
        """Go through the decision and return what it found.

        Raises:
            tfq.Error: the float model does not run.
        """
        with _without_warnings(), Progress() as self._progress:
            return self._diagnosis()

    def _diagnosis(self) -> Diagnosis:
        self._progress.say("running the float model")
        report = check_inputs(self.bench.float_model, self.samples, self.metric)
        rows = (self.judge.float_row(), self._sixteen.evaluation, self._eight.evaluation)
        weights = None
        if rows[1].close is False and rows[2].close is False and not report.is_void:
            weights = self._weights_alone()
        verdict = decide(report, rows[1], rows[2], weights)
        found = self._look_further(verdict)
        causes = (*self._calibration_causes(), *found.inside.causes)
        causes = (*report.causes, *causes) if report.is_void else (*causes, *report.causes)
        best = remedies.recommended(found.remedies)
        name = None if self.metric is None else self.metric.name
        higher = self.metric is None or self.metric.higher_is_better
        is_solved = best is not None and bool(best.evaluation.close)
        return Diagnosis(
            model=self.label,
            profile=self.profile_name,
            samples=len(self.samples),
            available=self.available,
            metric=name,
            higher_is_better=higher,
            verdict=verdict,
            sentence=sentence(verdict, report, rows, weights, name),
            thresholds=thresholds(name, higher, bool(self.judge.classes)),
            evaluations=rows if weights is None else (*rows, weights),
            checks=report.checks,
            unchecked=(*report.unchecked, *found.unchecked),
            causes=causes,
            layers=found.inside.layers,
            errors=found.inside.errors,
            remedies=found.remedies,
            recommended=None if best is None else best.name,
            command=None if best is None else self._command(best),
            hygiene=self._hygiene(needs_ends=verdict in _BY_BITS and not is_solved),
        )

    @cached_property
    def _sixteen(self) -> Judged:
        # A probe, whatever the device takes: weights per channel, the activations exact. Few
        # samples do: 16-bit kernels are slow, and 16 bits have room for what these lack.
        options = {"mode": "int16x8", "granularity": "per_channel", "passes": "minmax"}
        few = some(self._calibration, affordable(self.bench.float_model, COMPARED))
        is_all = len(few) == len(self._calibration)
        bench = self.bench if is_all else self._calibrated_on(self.bench, few)
        return self._judged("16 bits", options, None, bench)

    @cached_property
    def _eight(self) -> Judged:
        if self.candidate is not None:
            model = self.candidate
            judged = self.judge.judge("8 bits", model.name, lambda: model)
            if judged.evaluation.error is not None:
                raise InvalidModelError(judged.evaluation.error)
            return judged
        options = {"mode": "full_integer", "granularity": self.granularity}
        found = self._judged("8 bits", {**options, "passes": "minmax"}, self.device)
        if found.model is None:
            other = self._judged("8 bits", {**options, "accuracy": "none"}, self.device)
            return found if other.model is None else other
        return found

    def _weights_alone(self) -> Evaluation:
        options = {"mode": "weight_only", "granularity": "per_channel"}
        return self._judged("8-bit weights", options, None).evaluation

    def _judged(
        self,
        name: str,
        options: dict[str, Any],
        device: Profile | None,
        bench: Workbench | None = None,
    ) -> Judged:
        self._progress.say(f"making and running the model with {name}")
        convert = (bench or self.bench).convert
        what = ", ".join(options.values())
        return self.judge.judge(name, what, lambda: convert(**options, profile=device))

    def _look_further(self, verdict: str) -> _Found:
        """Look inside, and try what may help, as the verdict asks."""
        if verdict in _BY_BITS:
            alone = self._alone if self.candidate is None else None
            found = self._inside(self._eight.model, alone)
            return self._with_remedies(found, recalibrate_only=False)
        if verdict == "elsewhere":
            found = self._inside(self._sixteen.model, None)
            return self._with_remedies(found, recalibrate_only=True)
        return _Found()

    def _inside(self, model: Model | None, alone: layers.Alone | None) -> _Found:
        assert model is not None
        self._progress.say("comparing layers")
        try:
            inside = layers.look_inside(self.bench.float_model, model, self.samples, alone)
        except Error as error:
            return _Found(unchecked=(f"the layers cannot be compared: {error}",))
        return _Found(inside)

    @cached_property
    def _alone(self) -> layers.Alone:
        few = some(self._calibration, layers.MOST_SAMPLES)
        # Single layers are left in float, whatever the user allows in the result.
        bench = self._calibrated_on(self.bench, few, allow_float_fallback=True)
        return layers.Alone(bench, self.granularity, self.device, self.samples)

    @property
    def _calibration(self) -> Samples:
        assert self.bench.samples is not None
        return self.bench.samples

    @property
    def _has_other_calibration(self) -> bool:
        return self._calibration_data is not None

    def _with_remedies(self, found: _Found, *, recalibrate_only: bool) -> _Found:
        listed = remedies.attempts(
            self.granularity,
            [] if self.judge.classes else self._ends(),
            layers.worst(found.inside.layers),
            other_calibration=self._has_other_calibration,
            has_candidate=self.candidate is not None,
        )
        tried = [each for each in listed if each.recalibrated or not recalibrate_only]
        trial = remedies.Trial(self.judge, self._eight, self.device, self._attempt)

        def run(attempt: Attempt) -> Remedy:
            number = tried.index(attempt) + 1
            self._progress.say(f"trying {attempt.name} ({number} of at most {len(tried)})")
            return trial.run(attempt)

        made, left = remedies.try_all(tried, run)
        return found._replace(remedies=made, unchecked=(*found.unchecked, *left))

    def _attempt(self, attempt: Attempt) -> Model:
        bench = self.bench
        if attempt.recalibrated:
            bench = self._calibrated_on(bench, self._evaluation)
        return bench.convert(**attempt.options, profile=self.device)

    def _ends(self) -> list[str]:
        from tfq.passes.ranges import activation_keys

        keys = activation_keys(self.bench.float_model.subgraphs[0])
        made = [each.outputs[0] for each in hygiene.ends(self.bench.float_model)]
        return [keys[each] for each in made if each in keys]

    def _calibration_causes(self) -> tuple[Cause, ...]:
        if not self._has_other_calibration:
            return ()
        return calibration_causes(self._calibration, self.samples)

    def _hygiene(self, *, needs_ends: bool) -> tuple[Advice, ...]:
        found = hygiene.hygiene(
            self.bench.float_model,
            self.keras_model,
            len(self._calibration),
            same_data=not self._has_other_calibration,
        )
        if not needs_ends or self.judge.classes or not self._ends():
            return found
        text = "outputs are no classes: the first and the last convolution may need 16 bits"
        return (*found, Advice("regression_ends", text))

    def _command(self, remedy: Remedy) -> str:
        """Return the whole `tfq convert` of a remedy."""
        is_other = self._has_other_calibration and remedy.name != remedies.RECALIBRATED
        data = self._calibration_data if is_other else self._data
        return command(self._source, data, self.profile_name, self._options, remedy.flags)


def _granularity(model: Model) -> str | None:
    """Return that of a quantized model's weights; None if it has none."""
    weights = [ops.weights(each) for each in model.operators]
    found = {
        each.quantization.granularity
        for each in weights
        if each is not None and each.is_constant and each.quantization is not None
    }
    return "per_channel" if "per_channel" in found else next(iter(found & {"per_tensor"}), None)


def _keras_model(source: Any, options: dict[str, Any]) -> Any:
    """Return the Keras model that a source is or holds, to look at its layers; None if none."""
    if isinstance(source, (str, os.PathLike)):
        from tfq.accuracy.reading import KERAS_FILES

        path = Path(source)
        if path.suffix.lower() not in KERAS_FILES or not path.is_file():
            return None
        from tfq.convert.sources import GraphSource, open_source

        opened = open_source(source, unsafe_load=options["unsafe_load"], verbose=options["verbose"])
        return opened.owner if isinstance(opened, GraphSource) else None
    return source if hasattr(source, "layers") else None


def _metric(
    metric: str | Callable[..., Any] | None, model: Model, labels: np.ndarray[Any, Any] | None
) -> Metric | None:
    """Find the metric; labels that are one too high or too low are what is to be found out."""
    from tfq.accuracy.metrics import find

    try:
        return find(metric, model, labels)
    except CalibrationDataError:
        for step in (-1, 1) if labels is not None and labels.dtype.kind in "iu" else ():
            assert labels is not None
            with suppress(CalibrationDataError):
                found = find(metric, model, labels.astype("int64") + step)
                if found is not None and found.name == "top1":
                    return found
        raise


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Ignore what each conversion would warn of again: the diagnosis says it once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@contextmanager
def _explained() -> Iterator[None]:
    """Say what to do with a model that is quantized already."""
    try:
        yield
    except ConversionError as error:
        if "already quantized" not in str(error):
            raise
        raise ConversionError(
            f"{error}; diagnose wants the float model and takes a quantized one as candidate; "
            "tfq compare takes two files"
        ) from error

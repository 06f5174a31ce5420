"""One diagnosis, step by step."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq.accuracy.diagnosis import hygiene, layers, remedies
from tfq.accuracy.diagnosis.closeness import thresholds
from tfq.accuracy.diagnosis.decision import decide, sentence
from tfq.accuracy.diagnosis.input_checks import check_inputs
from tfq.accuracy.diagnosis.judge import MOST_SAMPLES, Judge, Judged, some
from tfq.accuracy.diagnosis.model_causes import calibration_causes
from tfq.accuracy.diagnosis.remedies import Attempt, flags_of
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

_KERAS_FILES = (".keras", ".h5", ".hdf5")
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
        """Opens everything, so that what is wrong with it is said before anything slow begins.

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

        self._given = {"data": data, "calibration_data": calibration_data}
        self._options = options
        if isinstance(profile, (str, os.PathLike)):
            self.profile_name: str | None = str(profile)
            self.device: Profile | None = load_profile(profile)
        else:
            self.profile_name, self.device = getattr(profile, "name", None), profile
        self.candidate = None if candidate is None else open_model(candidate, "candidate")
        self.keras_model = _keras_model(source, options)
        self._open(source if self.keras_model is None else self.keras_model)
        self._path = _path(source, "MODEL")
        self.label = _path(source, self.bench.label)
        self._add_labels(labels, metric)

    def _open(self, source: Any) -> None:
        """Convert the source to float and read the data."""
        from tfq.convert.workbench import Workbench

        data, other = self._given["data"], self._given["calibration_data"]
        with _without_warnings(), _explained():
            bench = Workbench(source, data if other is None else other, **self._options)
        assert bench.samples is not None
        samples = bench.samples if other is None else bench.read(data)
        self.available = len(samples)
        if other is None and self.available > MOST_SAMPLES:
            bench = self._calibrated_on(bench, some(samples, MOST_SAMPLES))
        self.bench, self._samples = bench, samples

    def _calibrated_on(self, bench: Workbench, samples: Samples, **changed: bool) -> Workbench:
        from tfq.convert.workbench import Workbench

        options = {name: self._options[name] for name in _ALLOWED} | changed
        return Workbench(bench.float_model, samples, **options)

    def _add_labels(self, labels: Any, metric: str | Callable[..., Any] | None) -> None:
        from tfq.accuracy.reading import read_labels

        samples = self._samples
        if labels is not None:
            samples = replace(samples, labels=read_labels(labels, len(samples)))
        self.samples = some(samples, MOST_SAMPLES)
        self.metric = _metric(metric, self.bench.float_model, self.samples.labels)
        self.judge = Judge(self.bench.float_model, self.samples, self.metric)

    @cached_property
    def granularity(self) -> str:
        """Of the 8-bit model's weights: the profile's, else per channel."""
        from tfq.convert.request import complete

        return complete(self.device, mode="full_integer").granularity or "per_channel"

    def diagnosis(self) -> Diagnosis:
        """Goes through the decision and returns what it found.

        Raises:
            tfq.Error: the float model does not run.
        """
        with _without_warnings():
            return self._diagnosis()

    def _diagnosis(self) -> Diagnosis:
        report = check_inputs(self.bench.float_model, self.samples, self.metric)
        rows = (self.judge.float_row(), self._sixteen.evaluation, self._eight.evaluation)
        weights = None
        if rows[1].close is False and rows[2].close is False and not report.is_bad:
            weights = self._weights_alone()
        verdict = decide(report, rows[1], rows[2], weights)
        found = self._look_further(verdict)
        best = remedies.recommended(found.remedies)
        name = None if self.metric is None else self.metric.name
        higher = self.metric is None or self.metric.higher_is_better
        return Diagnosis(
            self.label,
            self.profile_name,
            len(self.samples),
            self.available,
            name,
            higher,
            verdict,
            sentence(verdict, report, rows, weights, name),
            thresholds(name, higher, bool(self.judge.classes)),
            rows if weights is None else (*rows, weights),
            report.checks,
            (*report.unchecked, *found.unchecked),
            (*report.causes, *self._calibration_causes(), *found.inside.causes),
            found.inside.layers,
            found.inside.errors,
            found.remedies,
            None if best is None else best.name,
            None if best is None else self._command(best),
            self._hygiene(needs_ends=verdict in _BY_BITS and not (best and best.evaluation.close)),
        )

    @cached_property
    def _sixteen(self) -> Judged:
        # A probe, whatever the device takes: weights per channel, the activations exact.
        options = {"mode": "int16x8", "granularity": "per_channel", "passes": "minmax"}
        return self._judged("16 bits", options, None)

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

    def _judged(self, name: str, options: dict[str, Any], device: Profile | None) -> Judged:
        what = ", ".join(options.values())
        return self.judge.judge(name, what, lambda: self.bench.convert(**options, profile=device))

    def _look_further(self, verdict: str) -> _Found:
        """Look inside, and try what may help, as the verdict asks."""
        if verdict in _BY_BITS:
            alone = self._alone if self.candidate is None else None
            found = self._remedies(recalibrate_only=False)
            return self._with_inside(found, self._eight.model, alone)
        if verdict == "elsewhere":
            found = self._remedies(recalibrate_only=True)
            return self._with_inside(found, self._sixteen.model, None)
        return _Found()

    def _with_inside(
        self, found: _Found, model: Model | None, alone: Callable[[str], float | None] | None
    ) -> _Found:
        assert model is not None
        try:
            inside = layers.look_inside(self.bench.float_model, model, self.samples, alone)
        except Error as error:
            text = f"the layers cannot be compared: {error}"
            return found._replace(unchecked=(*found.unchecked, text))
        return found._replace(inside=inside)

    @cached_property
    def _probe(self) -> Workbench:
        """Converts with single layers left in float, whatever the user allows in the result."""
        assert self.bench.samples is not None
        return self._calibrated_on(self.bench, self.bench.samples, allow_float_fallback=True)

    def _alone(self, key: str) -> float | None:
        """Return the SQNR of the outputs if only one layer has 8 bits, in dB."""
        rest = [f"float:{each}" for each in self._layer_keys if each != key]
        options: dict[str, Any] = {"mode": "full_integer", "granularity": self.granularity}
        terms = ["minmax", *rest]
        return self.judge.judge(
            key, "", lambda: self._probe.convert(**options, passes=terms, profile=self.device)
        ).evaluation.sqnr

    @cached_property
    def _layer_keys(self) -> list[str]:
        from tfq.passes.ranges import activation_keys

        keys = activation_keys(self.bench.float_model.subgraphs[0])
        made = [each.outputs[0] for each in self.bench.float_model.operators if each.outputs]
        return [keys[each] for each in made if each in keys and each.dtype == "float32"]

    @property
    def _has_other_calibration(self) -> bool:
        return self._given["calibration_data"] is not None

    def _remedies(self, *, recalibrate_only: bool) -> _Found:
        ends = [] if self.judge.classes else self._ends()
        listed = remedies.attempts(
            self.granularity, ends, other_calibration=self._has_other_calibration
        )
        trial = remedies.Trial(self.judge, self._eight, self.device, self._attempt)
        tried = [each for each in listed if each.recalibrated or not recalibrate_only]
        found, left = remedies.try_all(tried, trial)
        text = f"not tried, as something that costs no more does it: {', '.join(left)}"
        return _Found(remedies=found, unchecked=(text,) if left else ())

    def _attempt(self, attempt: Attempt) -> Model:
        bench = self.bench
        if attempt.recalibrated:
            bench = self._calibrated_on(bench, self.samples)
        return bench.convert(**attempt.options, profile=self.device)

    def _ends(self) -> list[str]:
        from tfq.passes.ranges import activation_keys

        keys = activation_keys(self.bench.float_model.subgraphs[0])
        return [keys[each.outputs[0]] for each in hygiene.ends(self.bench.float_model)]

    def _calibration_causes(self) -> tuple[Cause, ...]:
        if not self._has_other_calibration or self.bench.samples is None:
            return ()
        return calibration_causes(self.bench.samples, self.samples)

    def _hygiene(self, *, needs_ends: bool) -> tuple[Advice, ...]:
        size = 0 if self.bench.samples is None else len(self.bench.samples)
        found = hygiene.hygiene(
            self.bench.float_model,
            self.keras_model,
            size,
            same_data=not self._has_other_calibration,
        )
        if not needs_ends or self.judge.classes or not self._ends():
            return found
        text = "outputs are no classes: the first and the last convolution may need 16 bits"
        return (*found, Advice("regression_ends", text))

    def _command(self, remedy: Remedy) -> str:
        """Return the whole `tfq convert` of a remedy."""
        data, other = self._given["data"], self._given["calibration_data"]
        is_other = other is not None and remedy.name != remedies.RECALIBRATED
        calibration = other if is_other else data
        known: dict[str, Any] = {
            "model": self._path,
            "profile": self.profile_name,
            "calibration_data": _path(calibration, "DATA"),
            "image_scale": self._options["image_scale"],
            "signature": self._options["signature"],
        }
        first = flags_of({name: each for name, each in known.items() if each is not None})
        switches = [f"--{name}" for name in (*_ALLOWED[:3], "unsafe_load") if self._options[name]]
        words = ["tfq convert", first, *switches, remedy.flags, "--output=OUTPUT.tflite"]
        return " ".join(words)


def _path(given: Any, placeholder: str) -> str:
    return str(given) if isinstance(given, (str, os.PathLike)) else placeholder


def _keras_model(source: Any, options: dict[str, Any]) -> Any:
    """Return the Keras model that a source is or holds, to look at its layers; None if none."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.suffix.lower() not in _KERAS_FILES or not path.is_file():
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

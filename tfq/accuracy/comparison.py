"""A candidate beside its reference, on the same samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfq.accuracy.outputs import OutputDifference, OutputError
from tfq.accuracy.reading import inputs_of, is_quantized, with_own_names
from tfq.accuracy.shares import SHARES
from tfq.errors import InvalidModelError
from tfq.numerics.noise import clamped
from tfq.runtime import Runner, quiet
from tfq.runtime.fidelity import Outputs, places_of
from tfq.terminal import printable

if TYPE_CHECKING:
    from tfq.accuracy.layers import LayerErrors
    from tfq.accuracy.metrics import Metric
    from tfq.convert.calibration import Samples
    from tfq.model import Model, Tensor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Comparison:
    """What a candidate has of its reference.

    Attributes:
        reference: what it is compared with.
        candidate: what is compared.
        candidate_sha256: of its bytes.
        samples: how many both saw.
        outputs: one for each output, in the reference's order.
        metric: what the scores are; None without labels.
        higher_is_better: of the scores.
        reference_scores: by name, the principal one first; None without labels.
        candidate_scores: likewise.
        layers: the errors inside; None if they were not asked for.
    """

    reference: str
    candidate: str
    candidate_sha256: str
    samples: int
    outputs: tuple[OutputError, ...]
    metric: str | None
    higher_is_better: bool
    reference_scores: Mapping[str, float] | None
    candidate_scores: Mapping[str, float] | None
    layers: LayerErrors | None = None

    @property
    def sqnr(self) -> float:
        """The mean of the outputs' in dB, each within ±120; integers only if all are such."""
        real = [each for each in self.outputs if each.is_real] or self.outputs
        return sum(clamped(each.sqnr) for each in real) / len(real)

    @property
    def agreement(self) -> float | None:
        """The mean of the outputs'; None where none has any."""
        shares = [each.agreement for each in self.outputs if each.agreement is not None]
        return sum(shares) / len(shares) if shares else None

    @property
    def drop(self) -> float | None:
        """How much worse the principal score is than the reference's; None without labels."""
        if self.reference_scores is None or self.candidate_scores is None:
            return None
        before = next(iter(self.reference_scores.values()))
        after = next(iter(self.candidate_scores.values()))
        return before - after if self.higher_is_better else after - before

    def __str__(self) -> str:
        """Return what it says of the outputs and the score, in one line."""
        found = [f"SQNR {self.sqnr:.1f} dB"]
        if self.agreement is not None:
            found.append(f"agreement {self.agreement:.2%}")
        if self.reference_scores is not None and self.candidate_scores is not None:
            (name, before), *_ = self.reference_scores.items()
            style = ".2%" if name in SHARES else ".4g"
            after = self.candidate_scores[name]
            found.append(f"{name} {after:{style}} (reference {before:{style}})")
        count = f"{self.samples:,} sample{'' if self.samples == 1 else 's'}"
        names = f"{self.candidate} against {self.reference}"
        return printable(f"{names}, {count}: {', '.join(found)}")


class _Step(NamedTuple):
    """One run of the reference.

    Attributes:
        feed: its inputs by name.
        outputs: all it said.
        first: the first sample of the run.
        taken: how many samples there are in it.
        size: how many there is room for; the rest repeats others.
    """

    feed: Mapping[str, Array]
    outputs: list[Array]
    first: int
    taken: int
    size: int

    def rows(self, outputs: Sequence[Array]) -> Iterator[list[Array]]:
        """Yields outputs of this run, the reference's or another's, one sample at a time."""
        if self.size == 1:
            yield list(outputs)
            return
        for row in range(self.taken):
            yield [
                each[row : row + 1] if np.shape(each)[:1] == (self.size,) else each
                for each in outputs
            ]


class Reference:
    """A model that others are compared with; it runs once for all of them.

    Attributes:
        model: the model.
        label: what to call it.
        samples: what it is asked, by the names of its inputs.
        metric: what scores it; None for nothing.
    """

    def __init__(
        self,
        model: Model,
        samples: Samples,
        metric: Metric | None = None,
        *,
        label: str | None = None,
    ) -> None:
        """Prepares to run.

        Args:
            model: the model.
            samples: as `tfq.accuracy.reading` or a `Workbench` reads them.
            metric: what scores it, from `tfq.accuracy.metrics.find`; the samples then have labels.
            label: what to call it, if not by its path.
        """
        self.model = with_own_names(model)
        self.label = label or model.name
        self.samples = samples
        self.metric = metric
        self._scores: dict[str, float] | None = None
        self._outputs = Outputs(self.model)

    @property
    def scores(self) -> dict[str, float] | None:
        """What its metric says of it, by name; None without a metric."""
        if self._scores is None and self.metric is not None:
            for _ in self.steps():
                pass
        return self._scores

    @property
    def feeds(self) -> Iterator[dict[str, Array]]:
        """What it is run on: a batch at a time, by the names of its inputs."""
        return self.samples.batches(inputs_of(self.model))

    def steps(self) -> Iterator[_Step]:
        """Yields what it says, one run at a time.

        Raises:
            tfq.Error: If it does not load or run.
        """
        scoring = Scoring(self.metric if self._scores is None else None, self.samples)
        for number, (feed, outputs) in enumerate(self._outputs.of(self.feeds)):
            step = self._step(number, feed, outputs)
            scoring.add(step, outputs)
            yield step
        self._scores = self._scores or scoring.result()

    def _step(self, number: int, feed: Mapping[str, Array], outputs: list[Array]) -> _Step:
        size = max(
            (
                len(array) // len(self.samples.columns[name][0])
                for name, array in feed.items()
                if array.ndim and len(array)
            ),
            default=1,
        )
        first = number * size
        return _Step(feed, outputs, first, min(size, len(self.samples) - first), size)


class Scoring:
    """A metric's scorer and the labels for it; or nothing, without a metric."""

    def __init__(self, metric: Metric | None, samples: Samples) -> None:
        """Starts with no sample."""
        self._scorer = metric.scorer() if metric is not None else None
        self._labels: Any = samples.labels

    def add(self, step: _Step, outputs: Sequence[Array]) -> None:
        """Takes in what a model said in a run."""
        if self._scorer is not None:
            for row, each in enumerate(step.rows(outputs), step.first):
                self._scorer.add(each, self._labels[row])

    def result(self) -> dict[str, float] | None:
        """Returns the scores."""
        return self._scorer.result() if self._scorer is not None else None


def against(reference: Reference, candidate: Model, *, per_layer: bool = False) -> Comparison:
    """Compare a model with a reference, one run at a time.

    Args:
        reference: What it should be like.
        candidate: A model with the same inputs and outputs, by their names or in their order.
        per_layer: Whether to look inside, too.

    Raises:
        InvalidModelError: If the candidate has other inputs or outputs, or does not run.
        CalibrationDataError: If a label does not fit an output.
    """
    follower = _Follower(reference, candidate)
    differences = [OutputDifference(name) for name in reference.model.output_names]
    scoring = Scoring(reference.metric, reference.samples)
    with quiet.silenced():
        for step in reference.steps():
            found = follower.run(step.feed)
            scoring.add(step, found)
            for wanted, given in zip(step.rows(step.outputs), step.rows(found), strict=True):
                for each in zip(differences, wanted, given, strict=True):
                    _add(*each, reference.label, candidate.name)
    metric = reference.metric
    return Comparison(
        reference=reference.label,
        candidate=candidate.name,
        candidate_sha256=hashlib.sha256(bytes(candidate)).hexdigest(),
        samples=len(reference.samples),
        outputs=tuple(each.result() for each in differences),
        metric=metric.name if metric is not None else None,
        higher_is_better=metric.higher_is_better if metric is not None else True,
        reference_scores=reference.scores,
        candidate_scores=scoring.result(),
        layers=_layers(reference, candidate) if per_layer else None,
    )


def _add(
    difference: OutputDifference, wanted: Array, given: Array, label: str, candidate: str
) -> None:
    difference.add(wanted, given)
    # A number of boxes may differ in one image or the other, but not in the first and all others.
    if not difference.compared and wanted.ndim != given.ndim:
        raise InvalidModelError(
            f"{candidate}: expected {_dims(wanted.shape)} at output {difference.name!r}, "
            f"as {label} has; got {_dims(given.shape)}"
        )


def _layers(reference: Reference, candidate: Model) -> LayerErrors:
    from tfq.accuracy.layers import layer_errors

    return layer_errors(reference.model, candidate, reference.feeds)


class _Follower:
    """A candidate that takes what the reference takes, and answers in its order."""

    def __init__(self, reference: Reference, candidate: Model) -> None:
        model, own = reference.model, with_own_names(candidate)
        places = (reference.label, candidate.name)
        inputs = places_of(model.input_names, own.input_names, "input", places)
        self._outputs = places_of(model.output_names, own.output_names, "output", places)
        self._inputs = []
        for spec, place in zip(inputs_of(model), inputs, strict=True):
            shape = reference.samples.columns[spec.name][0].shape
            if shape and spec.shape and spec.shape[0]:
                shape = (spec.batch_size, *shape[1:])
            _check_input(spec.name, spec.dtype, shape, own.inputs[place], places)
            self._inputs.append((spec.name, own.input_names[place], _dtype(own.inputs[place])))
        for name, tensor, place in zip(
            model.output_names, model.outputs, self._outputs, strict=True
        ):
            _check_output(name, tensor, own.outputs[place], places)
        self._runner = Runner(own)

    def run(self, feed: Mapping[str, Array]) -> list[Array]:
        """Returns the outputs, in the reference's order."""
        sample = {own: feed[name].astype(dtype, copy=False) for name, own, dtype in self._inputs}
        found = self._runner.run(sample)
        return [found[place] for place in self._outputs]


def _dtype(tensor: Tensor) -> str:
    return "float32" if is_quantized(tensor) else tensor.dtype


def _check_input(
    name: str, dtype: str, shape: tuple[int, ...], tensor: Tensor, places: tuple[str, str]
) -> None:
    own = _dtype(tensor)
    kinds = [each if not each.startswith("float") else "float" for each in (dtype, own)]
    if kinds[0] == kinds[1] and _fits(shape, tensor.shape_signature):
        return
    raise InvalidModelError(
        f"{places[1]}: expected {dtype} {_dims(shape)} for input {name!r}, "
        f"as {places[0]} takes; got {own} {_dims(tensor.shape_signature)}"
    )


def _check_output(name: str, wanted: Tensor, given: Tensor, places: tuple[str, str]) -> None:
    shapes = wanted.shape_signature, given.shape_signature
    # No shape is that of a scalar, or one that only running tells.
    if () in shapes or _fits(*shapes):
        return
    raise InvalidModelError(
        f"{places[1]}: expected {_dims(shapes[0])} at output {name!r}, as {places[0]} has; "
        f"got {_dims(shapes[1])}"
    )


def _fits(one: Sequence[int], other: Sequence[int]) -> bool:
    return len(one) == len(other) and all(
        a == b or a < 0 or b < 0 for a, b in zip(one, other, strict=True)
    )


def _dims(shape: Sequence[int]) -> str:
    return "x".join("?" if size < 0 else str(size) for size in shape) or "a scalar"

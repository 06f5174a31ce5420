"""What a sweep works with: opened when it is needed, hashed before."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfq.errors import InvalidModelError
from tfq.sweep import digests

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Reference
    from tfq.convert.calibration import Samples
    from tfq.convert.workbench import Workbench

# What is read with the parse function is hashed itself.
_NO_MATTER = ("parse_function", "verbose")
_CALIBRATION, _EVALUATION = "calibration data", "evaluation data"


@dataclass
class Materials:
    """A model and its data.

    Attributes:
        source: The model, as `tfq.convert` takes it.
        calibration_data: As there.
        evaluation_data: Likewise, for the accuracy; None: the calibration data.
        labels: Of the evaluation data; None for those among them.
        metric: As `tfq.compare` takes it.
        options: The other arguments of a `Workbench`.
    """

    source: Any
    calibration_data: Any
    evaluation_data: Any
    labels: Any
    metric: Any
    options: Mapping[str, Any]

    @property
    def data(self) -> str | None:
        """What models are evaluated on; None for nothing."""
        if self.evaluation_data is not None:
            return _EVALUATION
        return _CALIBRATION if self.calibration_data is not None else None

    @cached_property
    def bench(self) -> Workbench:
        """What converts the model; its float32 model is made now."""
        from tfq.convert.workbench import Workbench

        return Workbench(self.source, self.calibration_data, **self.options)

    @cached_property
    def samples(self) -> Samples | None:
        """What models are evaluated on, with labels if there are any."""
        from tfq.accuracy.reading import read_labels

        if self.evaluation_data is not None:
            samples: Samples | None = self.bench.read(self.evaluation_data)
        else:
            samples = self.bench.samples
        if samples is None or self.labels is None:
            return samples
        return replace(samples, labels=read_labels(self.labels, len(samples)))

    @cached_property
    def reference(self) -> Reference | None:
        """The float32 model and its own scores; None without data.

        Raises:
            tfq.Error: If the labels do not fit, or there is no such metric.
        """
        from tfq.accuracy.comparison import Reference
        from tfq.accuracy.metrics import find

        model, samples = self.bench.float_model, self.samples
        if samples is None:
            return None
        metric = find(self.metric, model, samples.labels)
        reference = Reference(model, samples, metric, label=self.bench.label)
        # Before the work: labels that do not fit are found now. Where the model does not run at
        # all, each row says so.
        with contextlib.suppress(InvalidModelError):
            _ = reference.scores
        return reference

    @cached_property
    def conversion_key(self) -> str:
        """A hash of what all conversions depend on."""
        source = digests.of_source(self.source)
        if source is None:
            source = digests.of_bytes(bytes(self.bench.float_model))
        parse = self.options.get("parse_function")
        data = digests.of_data(self.calibration_data) if parse is None else None
        if data is None:
            data = digests.key(*map(digests.of_samples, filter(None, [self.bench.samples])))
        named = [(name, _plain(self.options[name])) for name in sorted(self.options)]
        plain = [each for each in named if each[0] not in _NO_MATTER]
        return digests.key(source, data, plain, digests.versions())

    @cached_property
    def evaluation_key(self) -> str | None:
        """A hash of what all evaluations depend on but the file; None if there are none.

        With a metric of the user's, it is another for each sweep: see `_is_users`.
        """
        from tfq.runtime.latency import machine

        if self.data is None:
            return None
        own = digests.of_data(self.evaluation_data)
        labels = digests.of_data(self.labels)
        if None in (own, labels) or self.options.get("parse_function") is not None:
            own = digests.of_samples(self.samples) if self.samples is not None else None
        metric = secrets.token_hex() if _is_users(self.metric) else self.metric
        return digests.key(self.conversion_key, own, labels, metric, *machine())


def _plain(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, Mapping) else value


def _is_users(metric: Any) -> bool:
    """Whether a metric is a function of the user's.

    What it depends on (modules that it imports, files that it reads) cannot be found, so that
    nothing says whether it would still return the same: each sweep evaluates with it anew.
    """
    return metric is not None and (not isinstance(metric, str) or ":" in metric)

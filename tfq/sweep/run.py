"""The sweep itself: one row after the other, each kept as soon as it is known.

A row is evaluated while the next ones are converted: kernels run without Python's lock. How long a
model takes is measured in the end, when nothing else runs.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from tfq.errors import ConversionWarning, reason
from tfq.report.json_text import to_json
from tfq.runtime import quiet
from tfq.runtime.latency import machine
from tfq.sweep import digests, evaluation
from tfq.sweep.recommend import Measure, Wish, best, recommend
from tfq.sweep.result import Row, Sweep
from tfq.sweep.store import COMPARISON_SUFFIX, NAME, Store
from tfq.sweep.ways import FLOAT, chosen

if TYPE_CHECKING:
    from tfq.model import Model
    from tfq.profiles import Profile
    from tfq.sweep.materials import Materials
    from tfq.sweep.ways import Way

UNFINISHED = "the sweep is not finished"


@dataclass
class Sweeper:
    """A sweep under way.

    Attributes:
        materials: The model and its data.
        ways: To convert it.
        profiles: The devices.
        store: Where the results are kept.
        max_drop: The most that a recommended row may lose.
    """

    materials: Materials
    ways: Sequence[Way]
    profiles: Sequence[Profile]
    store: Store
    max_drop: float

    def run(self, verbose: bool) -> Sweep:
        """Do what is not done yet.

        Args:
            verbose: Let TensorFlow's log through.

        Raises:
            tfq.Error: If the model cannot be converted at all, or the data do not fit it.
        """
        self._rows: dict[str, Row] = {}
        self._models: dict[str, Model] = {}
        self._has_evaluated = False
        with quiet.silenced(verbose) as terminal, _warnings_once():
            self.ways = self._with_kept_ones()
            with _beside() as pool:
                under_way: deque[Future[Row]] = deque()
                for way in _with_bar(sorted(self.ways, key=_is_fast), terminal):
                    row = self._converted(way)
                    self._keep(row)
                    if row.ok and row.evaluation_key != self._evaluation_key(row):
                        under_way.append(pool.submit(self._evaluated, row))
                    while under_way and under_way[0].done():
                        self._keep(under_way.popleft().result())
                self._keep(*(task.result() for task in under_way))
            for row in self._known():
                self._keep(self._timed(row))
            sweep = self._recommended()
            if sweep != self.store.earlier:
                self._write(sweep)
        return sweep

    @cached_property
    def _earlier(self) -> dict[str, Row]:
        known = self.store.earlier
        return {} if known is None else {row.name: row for row in known.rows}

    def _with_kept_ones(self) -> list[Way]:
        """The ways that are asked for, and those of which an earlier row is still valid."""
        asked = {way.name for way in self.ways}
        return [way for way in chosen(self.profiles) if way.name in asked or self._is_there(way)]

    def _is_there(self, way: Way) -> bool:
        row = self.store.row(way.name)
        return row is not None and row.key == self._key(way)

    def _keep(self, *rows: Row) -> None:
        """Take in what is known now, and write what is new."""
        before = self._known()
        self._rows |= {row.name: row for row in rows}
        if self._known() != before:
            self._write(self._sweep(UNFINISHED))

    def _known(self) -> list[Row]:
        """The rows in the order of the ways, those of an earlier sweep until their turn comes."""
        found = self._earlier | self._rows
        return [found[way.name] for way in self.ways if way.name in found]

    def _converted(self, way: Way) -> Row:
        """Convert, if that is not done yet, and lint."""
        row = self.store.row(way.name)
        if row is None or row.key != self._key(way):
            row = self._made(way)
        return self._linted(row) if row.ok else row

    def _model(self, row: Row) -> Model:
        """The model of a row, loaded if it was not made now."""
        return self._models.get(row.name) or self.store.model(row.name)

    def _key(self, way: Way) -> str:
        own = None if way.profile is None else repr(way.profile._replace(path=""))
        return digests.key(self.materials.conversion_key, way._replace(profile=None), own)

    def _evaluation_key(self, row: Row) -> str:
        return digests.key(self.materials.evaluation_key, row.sha256)

    def _made(self, way: Way) -> Row:
        row, bench, key = _described(way), self._bench(), self._key(way)
        try:
            model = bench.convert(**way.options)
        except MemoryError:
            # It may fit when less else runs.
            return replace(row, status="failed", error="out of memory")
        except Exception as error:  # converters raise whatever a model provokes
            return replace(row, status="failed", error=reason(error), key=key)
        file, kept = self.store.save(way.name, model)
        self._models[way.name] = kept
        made = replace(row, file=file, sha256=digests.of_bytes(bytes(kept)), key=key)
        made = replace(made, **evaluation.facts(kept))
        return replace(made, compression=self._float_size(made) / kept.size)

    def _bench(self) -> Any:
        _ = self.materials.reference  # data that do not fit are found before the work
        return self.materials.bench

    def _float_size(self, row: Row) -> int:
        plain = row if row.name == FLOAT else self._rows.get(FLOAT)
        size = None if plain is None else plain.size
        return size or self.materials.bench.float_model.size

    def _evaluated(self, row: Row) -> Row:
        key = self._evaluation_key(row)
        known = replace(row, **_UNKNOWN, error=None, evaluation_key=key)
        reference = self.materials.reference
        self._has_evaluated = True
        if reference is None:
            return known
        try:
            return replace(known, **evaluation.worth(reference, self._model(row)))
        except MemoryError:
            return replace(known, error="not evaluated: out of memory", evaluation_key=None)
        except Exception as error:  # interpreters and metrics raise whatever a model provokes
            return replace(known, error=f"not evaluated: {reason(error)}")

    def _timed(self, row: Row) -> Row:
        """Measure how long a model takes that could be evaluated."""
        if row.sqnr is None or row.latency_ms is not None:
            return row
        reference = self.materials.reference
        if reference is None:
            raise AssertionError("evaluated without data")
        try:
            return replace(row, latency_ms=evaluation.milliseconds(reference, self._model(row)))
        except Exception as error:  # as above
            return replace(row, error=f"latency not measured: {reason(error)}")

    def _linted(self, row: Row) -> Row:
        verdicts = {}
        for profile in self.profiles:
            key = evaluation.verdict_key(str(row.sha256), profile)
            known = row.profiles.get(profile.name)
            if known is None or known.key != key:
                known = evaluation.verdict(self._model(row), profile, key)
            verdicts[profile.name] = known
        return replace(row, profiles=verdicts)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(profile.name for profile in self.profiles)

    def _recommended(self) -> Sweep:
        sweep, rows = self._sweep(""), self._known()
        measure = Measure(sweep.metric, sweep.data, sweep.samples)
        found = recommend(rows, Wish(self._names, self.max_drop), measure)
        by_profile = {name: best(rows, Wish((name,), self.max_drop)) for name in self._names}
        comparison = None if found.row is None else self._compared(found.row)
        self._forget_comparison(comparison)
        return replace(
            sweep,
            recommended=found.row,
            reason=found.reason,
            recommended_by_profile=by_profile,
            comparison=comparison,
        )

    def _compared(self, name: str) -> dict[str, str] | None:
        """Look into the recommended row, where nobody has done so yet."""
        row = self._rows[name]
        key = digests.key("layers", row.evaluation_key)
        if self.store.directory is None:
            return None
        if self.store.comparison(name, key) and self.store.earlier is not None:
            return dict(self.store.earlier.comparison or {})
        text = self._layers(name)
        if text is None:
            return None
        file = name + COMPARISON_SUFFIX
        self.store.write(file, text)
        return {"file": file, "sha256": digests.of_bytes(text.encode()), "key": key}

    def _layers(self, name: str) -> str | None:
        from tfq.accuracy.comparison import against
        from tfq.report.comparison import comparison_data

        reference = self.materials.reference
        if reference is None:
            return None
        try:
            comparison = against(reference, self.store.model(name), per_layer=True)
        except Exception as error:  # of use to look at, but the sweep's answer stands without it
            warnings.warn(
                f"{name}: no errors by layer: {reason(error)}", ConversionWarning, stacklevel=2
            )
            return None
        return to_json(comparison_data(comparison)) + "\n"

    def _forget_comparison(self, current: dict[str, str] | None) -> None:
        earlier = self.store.earlier.comparison if self.store.earlier else None
        if not earlier or (current is not None and earlier["file"] == current["file"]):
            return
        # `sweep.json` might name any file, and call a row as any: these are a sweep's for sure.
        for way in chosen(self.profiles):
            if earlier["file"] == way.name + COMPARISON_SUFFIX:
                self.store.remove(way.name)

    def _sweep(self, reason: str) -> Sweep:
        from importlib.metadata import version

        metric, higher_is_better, samples = self._measure()
        return Sweep(
            tfq=version("tfq"),
            model=self._label(),
            metric=metric,
            higher_is_better=higher_is_better,
            data=self.materials.data,
            samples=samples,
            profiles=self._names,
            machine=machine()._asdict(),
            recommended=None,
            recommended_by_profile=dict.fromkeys(self._names),
            reason=reason,
            max_accuracy_drop=self.max_drop,
            comparison=None,
            files=self.store.files,
            key=digests.key(self.materials.conversion_key, self.materials.evaluation_key),
            rows=tuple(self._known()),
            directory=self.store.directory,
        )

    def _label(self) -> str:
        source = self.materials.source
        return os.fspath(source) if isinstance(source, (str, os.PathLike)) else self._bench().label

    def _measure(self) -> tuple[str | None, bool, int | None]:
        """The metric's name, its direction, and the number of samples."""
        earlier = self.store.earlier
        if earlier is not None and not self._has_evaluated:
            return earlier.metric, earlier.higher_is_better, earlier.samples
        reference = self.materials.reference
        if reference is None:
            return None, True, None
        higher = reference.metric.higher_is_better if reference.metric is not None else True
        return evaluation.metric_name(reference), higher, len(reference.samples)

    def _write(self, sweep: Sweep) -> None:
        self.store.write(NAME, to_json(sweep.to_data()) + "\n")


_UNKNOWN: dict[str, Any] = dict.fromkeys(
    ("accuracy", "drop", "scores", "agreement", "sqnr", "latency_ms")
)


def _is_fast(way: Way) -> bool:
    """Whether LiteRT has fast kernels for a mode: what takes long to evaluate is begun first."""
    return way.request.mode.name != "int16x8"


def _described(way: Way) -> Row:
    """The row of a way that nothing is known of yet."""
    asked = way.request
    has_level = asked.mode.integer and asked.plan.level != "passes"
    return Row(
        name=way.name,
        mode=asked.mode.name,
        granularity=asked.granularity,
        accuracy_level=asked.plan.level if has_level else None,
        passes=",".join(asked.plan.terms()) if asked.plan.level == "passes" else None,
        weight_bits=asked.weight_bits if asked.mode.granularities else None,
    )


@contextmanager
def _beside() -> Iterator[Executor]:
    """One thread more; what it has not begun is dropped if this one fails."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _with_bar(ways: Sequence[Way], terminal: TextIO) -> Iterator[Way]:
    """Goes through the ways, and shows people how far it is."""
    from tqdm import tqdm

    bar = tqdm(
        ways,
        file=terminal,
        leave=False,
        disable=bool(os.environ.get("CI")) or None,  # None: silent but on a terminal
    )
    for way in bar:
        bar.set_description(way.name)
        yield way


@contextmanager
def _warnings_once() -> Iterator[None]:
    """Says in the end, once each, what the conversions warned of."""
    found: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", ConversionWarning)
            yield
    finally:
        for text in dict.fromkeys(str(each.message) for each in found):
            warnings.warn(text, ConversionWarning, stacklevel=2)

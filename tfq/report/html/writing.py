"""Gathers what a page shows, and writes it: the work of `write_report`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError
from tfq.format import check_apart, check_place, write_whole
from tfq.model import Model, load
from tfq.profiles import Profile, resolve
from tfq.report.html import Verdict, Written
from tfq.report.html.data import MOST_TEXT, page_data, sha256
from tfq.report.html.graph import shortened
from tfq.report.html.page import page
from tfq.report.html.reading import check_belongs, read_comparison
from tfq.sweep.result import Sweep
from tfq.sweep.store import NAME
from tfq.sweep.store import load as load_sweep
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tfq.report.html import Given, Path_
    from tfq.sweep.result import Row

# Of a sweep without a recommendation, so many of the best rows.
MOST_ROWS = 3


def write(
    models: Given | Iterable[Given],
    output: Path_,
    profiles: Iterable[Profile | Path_],
    sweep: Sweep | Path_ | None,
    comparisons: Iterable[Any],
) -> Written:
    """Do what `write_report` says; its arguments, results and errors."""
    _check_output(output)
    given = list(comparisons)
    swept = sweep if sweep is None or isinstance(sweep, Sweep) else load_sweep(sweep)
    shown = _models(models) or (_swept_models(swept) if swept is not None else [])
    if not shown:
        raise ArgumentError("expected the path of a .tflite file, or a sweep, to report on")
    check_apart({"output": output}, _read_files(shown, given, swept))
    names = [*profiles] or (swept.profiles if swept is not None else ())
    devices = [resolve(each) for each in names]
    digests = [sha256(each) for each in shown]
    by_digest = dict(zip(digests, shown, strict=True))
    known = _by_model(by_digest, given)
    if swept is not None:
        known = _of_sweep(by_digest, swept) | known
    pairs = [(model, known.get(digest)) for digest, model in zip(digests, shown, strict=True)]
    data = page_data(
        pairs, devices, swept.to_data() if swept is not None else None, _title(shown, swept)
    )
    content = page(data)
    write_whole(output, [content])
    return Written(
        os.fspath(output),
        len(content),
        tuple(model["name"] for model in data["models"]),
        tuple(_verdicts(data)),
    )


def _check_output(output: Path_) -> None:
    if not _is_path(output):
        raise ArgumentError(
            f"output: expected the path of the page to write, got a {type(output).__name__}; "
            "the call is write_report(models, output)"
        )
    check_place(output)


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _models(models: Given | Iterable[Given]) -> list[Model]:
    if isinstance(models, (Model, str, bytes, os.PathLike)):
        models = [models]
    return [each if isinstance(each, Model) else load(each) for each in models]


def _read_files(
    models: Sequence[Model], comparisons: Sequence[Any], sweep: Sweep | None
) -> dict[str, Any]:
    """Every file that is read, by what it is."""
    found: dict[str, Any] = {f"model {model.name}": model.path for model in models}
    found |= {f"comparison {each}": each for each in comparisons if _is_path(each)}
    if sweep is not None and sweep.directory is not None:
        found |= {f"sweep's {name}": sweep.directory / name for name in (NAME, *sweep.files)}
    return found


def _swept_models(sweep: Sweep) -> list[Model]:
    """The recommended model of a sweep; else those that most devices take and that lose least."""
    made = [row for row in sweep.rows if row.file is not None]
    chosen = [row for row in made if row.name == sweep.recommended]
    chosen = chosen or sorted(made, key=_demerits)[:MOST_ROWS]
    models = [sweep.load(row.name) for row in chosen]
    for row, model in zip(chosen, models, strict=True):
        if sha256(model) != row.sha256:
            raise ArgumentError(
                f"{model.name}: expected the file that the sweep made, got another; sweep again"
            )
    return models


def _demerits(row: Row) -> tuple[int, bool, float]:
    failed = sum(not each.ok for each in row.profiles.values())
    return (failed, row.drop is None, row.drop or 0.0)


def _by_model(
    by_digest: Mapping[str, Model], comparisons: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Comparisons by the digest of the model that each is of."""
    found: dict[str, dict[str, Any]] = {}
    for number, each in enumerate(comparisons):
        name = os.fspath(each) if _is_path(each) else f"comparisons[{number}]"
        data = _comparison(each)
        digest = data["candidate_sha256"]
        if digest not in by_digest:
            names = ", ".join(model.name for model in by_digest.values())
            raise ArgumentError(
                f"{name}: expected a comparison of {names}, got one of {data['candidate']} "
                f"(sha256 {digest[:12]}…)"
            )
        if digest in found:
            raise ArgumentError(
                f"{name}: expected one comparison a model, got a second one of "
                f"{by_digest[digest].name}"
            )
        check_belongs(data, by_digest[digest], name)
        found[digest] = data
    return found


def _comparison(given: Any) -> dict[str, Any]:
    if _is_path(given):
        return read_comparison(given)
    from tfq.report.comparison import comparison_data

    return comparison_data(given)


def _of_sweep(by_digest: Mapping[str, Model], sweep: Sweep) -> dict[str, dict[str, Any]]:
    """The sweep's own comparison, if its model is shown."""
    if sweep.comparison is None or sweep.directory is None or sweep.recommended is None:
        return {}
    if sweep.row(sweep.recommended).sha256 not in by_digest:
        return {}
    return _by_model(by_digest, [sweep.directory / sweep.comparison["file"]])


def _title(models: Sequence[Model], sweep: Sweep | None) -> str:
    """The page's title: the name of the first model, and how many more there are."""
    first = Path(models[0].path).name if models[0].path else "model"
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    origin = f", from a sweep of {sweep.model}" if sweep is not None else ""
    return printable(shortened(f"{first}{more}{origin}", MOST_TEXT)) + " - tfq report"


def _verdicts(data: Mapping[str, Any]) -> Iterator[Verdict]:
    for model in data["models"]:
        for each in model["profiles"]:
            ok = each["verdict"] == "pass"
            yield Verdict(model["name"], each["name"], ok, each["counts"])

"""What a sweep found, for people: a table, the recommended row and why."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tfq.accuracy.shares import SHARES
from tfq.report.cells import TIMES, size_text
from tfq.report.sparkline import sparkline
from tfq.report.table import fitted, table, width
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.sweep.result import Row, Sweep, Verdict

WIDTH = 120
_MARK = "★ "
_PASS, _FAIL = "✓", "✗"
_SHARES = (*SHARES, "agreement")
_PERCENT = 100


def sweep_text(sweep: Sweep) -> str:
    """Describe a sweep in a table of at most 120 columns, if the devices are not too many.

    Args:
        sweep: What `tfq.sweep` returned.

    Returns:
        The lines, without a line break at the end.
    """
    parts = [_title(sweep), _table(sweep)]
    failures = _failures(sweep.rows)
    parts += ["\n".join(_wrapped(failures))] if failures else []
    parts += ["\n".join(_wrapped(_conclusions(sweep)))]
    return "\n\n".join(parts)


def _failures(rows: Sequence[Row]) -> list[str]:
    """What went wrong, once for all rows of which the same is said."""
    named: dict[str, list[str]] = {}
    for row in rows:
        if row.error:
            named.setdefault(row.error, []).append(row.name)
    return [f"{', '.join(names)}: {fitted(text, 4 * WIDTH)}" for text, names in named.items()]


def _title(sweep: Sweep) -> str:
    made = sum(row.ok for row in sweep.rows)
    line = f"{fitted(sweep.model)}: {made} of {len(sweep.rows)} rows converted"
    if sweep.samples is not None:
        line += f", evaluated on {sweep.samples:,} sample{'' if sweep.samples == 1 else 's'}"
        line += f" ({sweep.data})"
    return line


def _table(sweep: Sweep) -> str:
    """One row a way; each device in a column, or all in one where there is no room."""
    columns = [
        (fitted(name, WIDTH), [_verdict(row.profiles.get(name)) for row in sweep.rows])
        for name in sweep.profiles
    ]
    text = _columns(sweep, columns)
    if not columns or max(map(width, text.splitlines())) <= WIDTH:
        return text
    marks = [
        "".join(cell[:1] or " " for cell in cells)
        for cells in zip(*dict(columns).values(), strict=True)
    ]
    legend = f"devices, in this order: {', '.join(sweep.profiles)}"
    return "\n".join([_columns(sweep, [("devices", marks)]), *_wrapped([legend])])


def _columns(sweep: Sweep, verdicts: Sequence[tuple[str, Sequence[str]]]) -> str:
    header = ["  row", "size", TIMES, fitted(sweep.metric or "", 12), "drop", "", "ms", "integer"]
    rows = [
        [*_cells(sweep, row), *(cells[place] for _, cells in verdicts)]
        for place, row in enumerate(sweep.rows)
    ]
    return table([*header, *(name for name, _ in verdicts)], rows, align="<>>>><>>")


def _cells(sweep: Sweep, row: Row) -> list[str]:
    mark = _MARK if row.name == sweep.recommended else "  "
    if not row.ok:
        return [mark + row.name, "failed", *[""] * 6]
    return [
        mark + row.name,
        size_text(row.size or 0),
        _figure(row.compression, ".1f"),
        _accuracy(row.accuracy, sweep.metric),
        _loss(row.drop, sweep.metric),
        _bar(row.drop, sweep.max_accuracy_drop),
        _figure(row.latency_ms, ".3g" if (row.latency_ms or 0) < _PERCENT else ".0f"),
        _figure(row.integer_share, ".0%"),
    ]


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return _PASS if verdict.ok else f"{_FAIL} {verdict.errors}"


def _bar(drop: float | None, limit: float) -> str:
    """A bar from nothing lost to as much as may be, or more."""
    if drop is None or drop <= 0:
        return ""
    return sparkline([drop], 0.0, limit) if limit else sparkline([drop], -1.0, 0.0)


def _accuracy(value: float | None, metric: str | None) -> str:
    if metric == "sqnr":
        return _figure(value, ".1f")
    return _figure(value, ".2%") if metric in _SHARES else _figure(value, ".4g")


def _loss(value: float | None, metric: str | None) -> str:
    is_share = metric in _SHARES or metric == "sqnr"
    return _figure(value, ".2%") if is_share else _figure(value, ".3g")


def _figure(value: float | None, style: str) -> str:
    text = "" if value is None else format(value, style)
    # A share is 100 % only if it is all.
    if text == "100%" and value is not None and value < 1:
        text = "99%"
    return text.replace("%", " %")


def _conclusions(sweep: Sweep) -> Iterator[str]:
    yield f"recommended: {sweep.recommended or 'none'}: {sweep.reason}"
    if len(sweep.profiles) > 1:
        each = sweep.recommended_by_profile.items()
        yield "for one device: " + ", ".join(f"{name}: {row or 'none'}" for name, row in each)
    machine = sweep.machine
    threads = f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'}"
    meaning = _drop_meaning(sweep.metric)
    yield f"drop: {meaning}; its bar is full at {sweep.max_accuracy_drop:g} or more"
    yield f"ms: median of warm runs, {threads}, {machine['delegate']}, {machine['cpu']}"
    yield f"{_PASS} passes, {_FAIL} fails with so many errors"
    if sweep.directory is not None:
        yield f"files: {sweep.directory} (sweep.json, and each row's .tflite)"


def _drop_meaning(metric: str | None) -> str:
    if metric == "sqnr":
        return "the relative error of the outputs (accuracy is their SQNR in dB)"
    return "how much worse than float32"


def _wrapped(paragraphs: Sequence[str] | Iterator[str]) -> Iterator[str]:
    for text in paragraphs:
        yield from textwrap.wrap(
            printable(text), WIDTH, subsequent_indent="  ", break_on_hyphens=False
        )

"""What a sweep found, for people: a table, the recommended row and why."""

from __future__ import annotations

import shlex
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
# What `Row.sqnr` has where nothing differs.
_EXACT = 120.0
_INDENT = "  "


def sweep_text(sweep: Sweep, again: Sequence[str] = ()) -> str:
    """Describe a sweep in a table of at most 120 columns, if the devices are not too many.

    Args:
        sweep: What `tfq.sweep` returned.
        again: The commands that make the recommended row again, of `tfq.sweep.commands`.

    Returns:
        The lines, without a line break at the end.
    """
    parts = [_title(sweep), _table(sweep)]
    failures = _failures(sweep.rows)
    parts += ["\n".join(_wrapped(failures))] if failures else []
    parts += ["\n".join(_wrapped(_conclusions(sweep)))]
    parts += ["\n".join(["the recommended row again:", *_commands(again)])] if again else []
    parts += ["\n".join(_wrapped(_notes(sweep)))]
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
    accuracy = "SQNR dB" if sweep.metric == "sqnr" else fitted(sweep.metric or "", 12)
    header = ["  row", "size", TIMES, accuracy, "drop", "", *_sqnr(sweep), "ms", "integer"]
    rows = [
        [*_cells(sweep, row), *(cells[place] for _, cells in verdicts)]
        for place, row in enumerate(sweep.rows)
    ]
    align = "<>>>><" + ">" * (len(header) - 6)
    return table([*header, *(name for name, _ in verdicts)], rows, align=align)


def _sqnr(sweep: Sweep, row: Row | None = None) -> list[str]:
    """The head of the SQNR's column, or its cell; nothing where it is the accuracy itself."""
    if sweep.metric in (None, "sqnr"):
        return []
    return ["SQNR dB"] if row is None else [_decibels(row.sqnr)]


def _cells(sweep: Sweep, row: Row) -> list[str]:
    mark = _MARK if row.name == sweep.recommended else "  "
    if not row.ok:
        return [mark + row.name, "failed", *[""] * (6 + len(_sqnr(sweep, row)))]
    return [
        mark + row.name,
        size_text(row.size or 0),
        _figure(row.compression, ".1f"),
        _accuracy(row.accuracy, sweep.metric),
        _loss(row.drop, sweep.metric),
        _bar(row.drop, sweep.max_accuracy_drop),
        *_sqnr(sweep, row),
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
        return _decibels(value)
    return _figure(value, ".2%") if metric in _SHARES else _figure(value, ".4g")


def _decibels(value: float | None) -> str:
    return "exact" if value == _EXACT else _figure(value, ".1f")


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


def _notes(sweep: Sweep) -> Iterator[str]:
    """What the columns are, as far as they have anything."""
    made = [row for row in sweep.rows if row.ok]
    if any(row.drop is not None for row in made):
        is_drawn = any(_bar(row.drop, sweep.max_accuracy_drop) for row in made)
        limit = f"; its bar is full at {sweep.max_accuracy_drop:g} or more" if is_drawn else ""
        yield f"drop: {_drop_meaning(sweep.metric)}{limit}"
    if any(row.latency_ms is not None for row in made):
        machine = sweep.machine
        threads = f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'}"
        yield f"ms: median of warm runs, {threads}, {machine['delegate']}, {machine['cpu']}"
    if any(row.profiles for row in made):
        yield f"{_PASS} passes, {_FAIL} fails with so many errors"
    if made:
        yield f"rows: all are made of {_origin(sweep)}{_none_meaning(made)}"
    if sweep.directory is not None:
        models = ", and each row's .tflite" if made else ""
        yield f"files: {sweep.directory} (sweep.json{models})"


def _origin(sweep: Sweep) -> str:
    """The float32 model, by its file if there is one."""
    kept = any(row.name == "float32" and row.file for row in sweep.rows)
    return "float32.tflite" if kept else f"the float32 model of {fitted(sweep.model)}"


def _none_meaning(rows: Sequence[Row]) -> str:
    if not any(row.accuracy_level == "none" for row in rows):
        return ""
    return (
        ", so that `none` is LiteRT Quantizer alone (where tfq convert of a TensorFlow or Keras "
        "model takes TFLiteConverter)"
    )


def _drop_meaning(metric: str | None) -> str:
    if metric == "sqnr":
        return "the relative error of the outputs (accuracy is their SQNR in dB)"
    return "how much worse than float32"


def _wrapped(paragraphs: Sequence[str] | Iterator[str]) -> Iterator[str]:
    for text in paragraphs:
        yield from textwrap.wrap(
            printable(text), WIDTH, subsequent_indent="  ", break_on_hyphens=False
        )


def _commands(commands: Sequence[str]) -> Iterator[str]:
    """Commands in lines that a shell reads as one each."""
    for command in commands:
        line = _INDENT
        for word in map(shlex.quote, shlex.split(command)):
            if len(line) + len(word) > WIDTH - 2 and line.strip():
                yield printable(line + "\\")
                line = _INDENT * 3
            line += f"{word} "
        yield printable(line.rstrip())

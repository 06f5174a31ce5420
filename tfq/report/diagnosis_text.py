"""What a diagnosis found, for people."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from tfq.accuracy.diagnosis.decision import SHARES, figure
from tfq.accuracy.diagnosis.result import CAUSES
from tfq.report.sparkline import sparkline
from tfq.report.table import fitted, table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.accuracy.diagnosis.result import Cause, Check, Diagnosis, Evaluation, Layer, Remedy

WIDTH = 100
_INDENT = "  "
_NAME = 36
_MOST_BARS = 60
_MOST_CHECKS = 3
# Above, a layer's noise is below what 8 bits make at best.
_BEST = 50.0


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Describe a diagnosis: the verdict first, then what it rests on, then what to do.

    Args:
        diagnosis: What `tfq.diagnose` returned.

    Returns:
        The lines, without a line break at the end.
    """
    parts = [
        _head(diagnosis),
        _evaluations(diagnosis),
        _checks(diagnosis),
        _causes(diagnosis),
        _layers(diagnosis),
        _remedies(diagnosis),
        _list("model and data", [_advice(each.text, each.layer) for each in diagnosis.hygiene]),
        _list("not checked or tried", diagnosis.unchecked),
    ]
    return "\n\n".join(filter(None, parts))


def _head(diagnosis: Diagnosis) -> str:
    count, known = diagnosis.samples, diagnosis.available
    many = f"{count:,} sample{'' if count == 1 else 's'}"
    if known > count:
        many += f" of {known:,}"
    device = f", for {diagnosis.profile}" if diagnosis.profile else ""
    return "\n".join(
        [printable(f"{fitted(diagnosis.model)}{device}, {many}"), *_wrapped(diagnosis.sentence)]
    )


def _wrapped(text: str, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
    )


def _evaluations(diagnosis: Diagnosis) -> str:
    metrics = list(diagnosis.evaluations[0].scores or {})
    header = ["", *metrics, "SQNR dB", "worst output", "same top-1", "close", "how"]
    rows = [_row(each, metrics) for each in diagnosis.evaluations]
    lines = [table(header, rows, align="<" + ">" * len(metrics) + ">>>")]
    for each in diagnosis.evaluations:
        if each.error is not None:
            lines += _wrapped(f"{each.name}: {each.error}")
    for text in diagnosis.thresholds:
        lines += _wrapped(text)
    return "\n".join(lines)


def _row(row: Evaluation, metrics: Sequence[str]) -> list[str]:
    scores = row.scores or {}
    return [
        row.name,
        *(_score(scores.get(name), name) for name in metrics),
        _decibels(row.sqnr),
        _decibels(row.worst),
        "" if row.agreement is None else f"{row.agreement:.1%}",
        {None: "", True: "yes", False: "no"}[row.close],
        row.what,
    ]


def _score(value: float | None, metric: str) -> str:
    return "" if value is None else figure(value, metric)


def _decibels(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if math.isfinite(value) else str(value)


def _checks(diagnosis: Diagnosis) -> str:
    helping = [each for each in diagnosis.checks if each.helps]
    if not diagnosis.checks:
        return ""
    if not helping and diagnosis.verdict != "float_model":
        count = len(diagnosis.checks)
        return f"{count} other ways to prepare inputs and labels were tried: none does better"
    rows = [_check(each, diagnosis) for each in diagnosis.checks[: max(len(helping), _MOST_CHECKS)]]
    lines = ["float, with the data prepared otherwise (on at most 100 samples):"]
    lines.append(table(["", diagnosis.metric or "", "gain", ""], rows, align="<>>", indent=_INDENT))
    return "\n".join(lines)


def _check(check: Check, diagnosis: Diagnosis) -> list[str]:
    return [
        check.name,
        _score(check.score, diagnosis.metric or ""),
        _points(check.gain, diagnosis.metric),
        "helps" if check.helps else "",
    ]


def _points(gain: float | None, metric: str | None) -> str:
    if gain is None:
        return ""
    return f"{100 * gain:+.1f} pts" if metric in SHARES else f"{gain:+.3g}"


def _causes(diagnosis: Diagnosis) -> str:
    return _list("causes", [_cause(each) for each in diagnosis.causes])


def _cause(cause: Cause) -> str:
    return f"{CAUSES[cause.kind]}: {cause.text}. → {cause.remedy}"


def _layers(diagnosis: Diagnosis) -> str:
    if not diagnosis.layers:
        return ""
    lines = []
    if diagnosis.errors:
        lines.append(_course([sqnr for _, sqnr in diagnosis.errors]))
    header = ["op", "output", "own dB", "so far dB", "alone dB"]
    lines.append(table(header, map(_layer, diagnosis.layers), align="<<>>>", indent=_INDENT))
    lines.append(
        f"{_INDENT}own: fed by float; so far: as it runs; alone: at the model's outputs, if only "
        "it has 8 bits"
    )
    lines += _layer_causes(diagnosis.layers)
    return "\n".join(["layers with the largest errors of their own:", *lines])


def _layer_causes(layers: Sequence[Layer]) -> Iterator[str]:
    """Each kind of cause once, with the layers that have it."""
    kinds = dict.fromkeys((each.kind, each.remedy) for layer in layers for each in layer.causes)
    for kind, remedy in kinds:
        yield from _wrapped(f"{CAUSES[kind]}. → {remedy}", _INDENT * 2, _INDENT)
        for layer in layers:
            for each in layer.causes:
                if (each.kind, each.remedy) == (kind, remedy):
                    text = f"{layer.operator} {fitted(layer.op, _NAME)}: {each.text}"
                    yield from _wrapped(text, _INDENT * 3, _INDENT * 2)


def _layer(layer: Layer) -> list[str]:
    return [
        f"{layer.operator} {layer.op}",
        fitted(layer.name, _NAME),
        _decibels(layer.isolated),
        _decibels(layer.sqnr),
        _decibels(layer.alone),
    ]


def _course(values: Sequence[float]) -> str:
    """The SQNR along the graph; of many layers, the worst of some at a time."""
    step = -(-len(values) // _MOST_BARS)
    worst = [min(values[start : start + step]) for start in range(0, len(values), step)]
    bars = sparkline(worst, low=0.0, high=_BEST)
    return f"{_INDENT}SQNR along the graph (0 to {_BEST:g} dB): {bars}"


def _remedies(diagnosis: Diagnosis) -> str:
    if not diagnosis.remedies:
        return ""
    header = ["", "SQNR", "gain dB", diagnosis.metric or "", "gain", "close", "cost on the device"]
    rows = [header, *(_remedy(each, diagnosis) for each in diagnosis.remedies)]
    if diagnosis.metric is None:
        rows = [[*each[:3], *each[5:]] for each in rows]
    align = "<>>" if diagnosis.metric is None else "<>>>>"
    lines = ["what was tried against it, the best first:"]
    lines.append(table(rows[0], rows[1:], align=align, indent=_INDENT))
    lines += _refusals(diagnosis.remedies)
    if diagnosis.command is not None:
        lines += ["", f"do this ({diagnosis.recommended}):", printable(_INDENT + diagnosis.command)]
    return "\n".join(lines)


def _refusals(remedies: Sequence[Remedy]) -> Iterator[str]:
    for each in remedies:
        if each.evaluation.error is not None:
            yield from _wrapped(f"{each.name}: {each.evaluation.error}", _INDENT * 2, _INDENT)
        elif not each.allowed:
            yield from _wrapped(f"{each.name}: {each.reason}", _INDENT * 2, _INDENT)


def _remedy(remedy: Remedy, diagnosis: Diagnosis) -> list[str]:
    row = remedy.evaluation
    closeness = {None: "failed", True: "yes", False: "no"}[row.close]
    return [
        fitted(remedy.name),
        _decibels(row.sqnr),
        "" if remedy.gain_sqnr is None else f"{remedy.gain_sqnr:+.1f}",
        _score(row.score, diagnosis.metric or ""),
        _points(remedy.gain_score, diagnosis.metric),
        closeness,
        remedy.cost if remedy.allowed else "not allowed on the device",
    ]


def _advice(text: str, layer: str | None) -> str:
    return text if layer is None else f"{fitted(layer, _NAME)}: {text}"


def _list(title: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    lines = [line for each in texts for line in _wrapped(each, _INDENT * 2, _INDENT)]
    return "\n".join([f"{title}:", *lines])

"""What a diagnosis found, for people."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from tfq.accuracy.diagnosis.decision import figure
from tfq.accuracy.diagnosis.result import CAUSES
from tfq.accuracy.shares import SHARES
from tfq.numerics.noise import EXACT
from tfq.report.sparkline import sparkline, worst
from tfq.report.table import fitted, table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.accuracy.diagnosis.result import Cause, Check, Diagnosis, Evaluation, Layer, Remedy

WIDTH = 100
_INDENT = "  "
_NAME = 36
_OP = 24
_METRIC = 14
_HOW = 36
_MOST_METRICS = 2
_MOST_CHECKS = 3
# The verdicts that need no cause, or are one.
_NO_CAUSE = ("healthy", "input")
# Above, a layer's noise is below what 8 bits make at best.
_BEST = 50.0


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Describe a diagnosis in lines of at most 100 columns, but for words that are longer.

    The verdict comes first with the main reason and what to do, then what it rests on.

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
    device = f", for {fitted(diagnosis.profile, _NAME)}" if diagnosis.profile else ""
    lines = [printable(f"{fitted(diagnosis.model)}{device}, {many}")]
    lines += _wrapped(diagnosis.sentence)
    for name, text in (("why", _why(diagnosis)), ("do", _what_to_do(diagnosis))):
        if text:
            lines += _wrapped(text, " " * 5, f"{name:5}")
    return "\n".join(lines)


def _why(diagnosis: Diagnosis) -> str:
    """The one cause that explains most."""
    if diagnosis.verdict in _NO_CAUSE:
        return ""
    if diagnosis.causes:
        return _cause(diagnosis.causes[0])
    if not diagnosis.layers:
        return ""
    first = diagnosis.layers[0]
    layer = next((each for each in diagnosis.layers if each.causes), first)
    text = f"{fitted(layer.op, _OP)} {fitted(layer.name, _NAME)}"
    if layer.alone is not None:
        most = "costs most" if layer is first else "costs much"
        text += f" {most}: it alone in 8 bits leaves the outputs {_decibels(layer.alone)} dB"
    elif layer is first:
        text += " errs most"
    if not layer.causes:
        return text
    advice = "" if diagnosis.recommended else f" → {layer.causes[0].remedy}"
    return f"{text}; {layer.causes[0].text}{advice}"


def _what_to_do(diagnosis: Diagnosis) -> str:
    if diagnosis.verdict == "input":
        return f"if so: {next(each.advice for each in diagnosis.checks if each.helps)}"
    best = next((each for each in diagnosis.remedies if each.name == diagnosis.recommended), None)
    if best is None:
        return "nothing that was tried helps" if diagnosis.remedies else ""
    gain = f"{_decibels(best.gain_sqnr, signed=True)} dB"
    if best.gain_score is not None:
        gain = f"{_points(best.gain_score, diagnosis.metric)}, {gain}"
    is_close = "close to float" if best.evaluation.close else "not close to float, but the best"
    cost = "" if best.cost == "nothing" else f"; costs {best.cost}"
    return f"{best.name} ({gain}): {is_close}{cost}; the command is below"


def _wrapped(text: str, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _evaluations(diagnosis: Diagnosis) -> str:
    metrics = list(diagnosis.evaluations[0].scores or {})[:_MOST_METRICS]
    names = [fitted(each, _METRIC) for each in metrics]
    header = ["", *names, "SQNR dB", "same top-1", "close", "how"]
    rows = [_row(each, metrics) for each in diagnosis.evaluations]
    lines = [table(header, rows, align="<" + ">" * len(metrics) + ">>")]
    failed = dict.fromkeys(each.error for each in diagnosis.evaluations if each.error is not None)
    for error in failed:
        whose = [each.name for each in diagnosis.evaluations if each.error == error]
        # The sentence above has said it.
        if error is not None and error not in diagnosis.sentence:
            lines += _wrapped(f"{', '.join(whose)}: {error}")
    for text in diagnosis.thresholds:
        lines += _wrapped(text)
    return "\n".join(lines)


def _row(row: Evaluation, metrics: Sequence[str]) -> list[str]:
    scores = row.scores or {}
    return [
        row.name,
        *(_score(scores.get(name), name) for name in metrics),
        _decibels(row.worst),
        "" if row.agreement is None else f"{row.agreement:.1%}",
        _closeness(row),
        fitted(row.what, _HOW),
    ]


def _closeness(row: Evaluation) -> str:
    if row.error is not None:
        return "failed"
    return {None: "", True: "yes", False: "no"}[row.close]


def _score(value: float | None, metric: str) -> str:
    return "" if value is None else figure(value, metric)


def _decibels(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return ""
    if not signed and abs(value) >= EXACT:
        return "exact" if value > 0 else "-inf"
    return f"{value:+.1f}" if signed else f"{value:.1f}"


def _checks(diagnosis: Diagnosis) -> str:
    helping = [each for each in diagnosis.checks if each.helps]
    if not diagnosis.checks:
        return ""
    if not helping and diagnosis.verdict != "float_model":
        count = len(diagnosis.checks)
        return (
            f"{count} other ways to prepare inputs and labels were tried: none does clearly better"
        )
    rows = [_check(each, diagnosis) for each in diagnosis.checks[: max(len(helping), _MOST_CHECKS)]]
    metric = fitted(diagnosis.metric, _METRIC)
    lines = ["float, with the data prepared otherwise (on all samples if it seems to help):"]
    header = ["", metric, "gain", "samples", ""]
    lines.append(table(header, rows, align="<>>>", indent=_INDENT))
    return "\n".join(lines)


def _check(check: Check, diagnosis: Diagnosis) -> list[str]:
    return [
        check.name,
        _score(check.score, diagnosis.metric or ""),
        _points(check.gain, diagnosis.metric),
        f"{check.samples:,}",
        "helps" if check.helps else "",
    ]


def _points(gain: float | None, metric: str | None) -> str:
    if gain is None:
        return ""
    return f"{100 * gain:+.1f} pts" if metric in SHARES else f"{gain:+.3g}"


def _causes(diagnosis: Diagnosis) -> str:
    if diagnosis.verdict in _NO_CAUSE:
        return _list("worth a look", [_cause(each) for each in diagnosis.causes])
    # The first stands above.
    return _list("causes beside it", [_cause(each) for each in diagnosis.causes[1:]])


def _cause(cause: Cause) -> str:
    return f"{CAUSES[cause.kind]}: {cause.text}. → {cause.remedy}"


def _layers(diagnosis: Diagnosis) -> str:
    if not diagnosis.layers:
        return ""
    lines = []
    if diagnosis.errors:
        lines.append(_course([sqnr for _, sqnr in diagnosis.errors]))
    has_alone = any(each.alone is not None for each in diagnosis.layers)
    header = ["op", "output", "isolated", "so far", "alone in 8 bits"][: 5 if has_alone else 4]
    rows = [_layer(each)[: len(header)] for each in diagnosis.layers]
    lines.append(table(header, rows, align="<<>>>"[: len(header)], indent=_INDENT))
    legend = "isolated: at its output, fed with float's values; so far: there, as the model runs"
    if has_alone:
        legend += "; alone in 8 bits: at the model's worst output, with all other layers in float"
    lines += [*_wrapped(legend, _INDENT, _INDENT), *_layer_causes(diagnosis.layers)]
    return "\n".join(["layers with the largest isolated errors (SQNR, dB):", *lines])


def _layer_causes(layers: Sequence[Layer]) -> Iterator[str]:
    """Each kind of cause once, with the layers that have it."""
    kinds = dict.fromkeys((each.kind, each.remedy) for layer in layers for each in layer.causes)
    for kind, remedy in kinds:
        yield from _wrapped(f"{CAUSES[kind]}. → {remedy}", _INDENT * 2, _INDENT)
        for layer in layers:
            for each in layer.causes:
                if (each.kind, each.remedy) == (kind, remedy):
                    text = f"{layer.operator} {fitted(layer.op, _OP)}: {each.text}"
                    yield from _wrapped(text, _INDENT * 3, _INDENT * 2)


def _layer(layer: Layer) -> list[str]:
    return [
        fitted(f"{layer.operator} {layer.op}", _OP),
        fitted(layer.name, _NAME),
        _decibels(layer.isolated),
        _decibels(layer.sqnr),
        _decibels(layer.alone),
    ]


def _course(values: Sequence[float]) -> str:
    bars = sparkline(worst(values), low=0.0, high=_BEST)
    return f"{_INDENT}SQNR along the graph (0 to {_BEST:g} dB): {bars}"


def _remedies(diagnosis: Diagnosis) -> str:
    if not diagnosis.remedies:
        return ""
    scores = [] if diagnosis.metric is None else [fitted(diagnosis.metric, _METRIC), "gain"]
    gains = ["SQNR dB"] if scores else ["SQNR dB", "gain dB"]
    header = ["", *scores, *gains, "close", "cost on the device"]
    rows = [_remedy(each, diagnosis.metric) for each in diagnosis.remedies]
    align = "<" + ">" * len([*scores, *gains])
    lines = ["what was tried against it, the best first (gains over the 8-bit row above):"]
    lines.append(table(header, rows, align=align, indent=_INDENT))
    lines += _refusals(diagnosis.remedies)
    if diagnosis.command is not None:
        lines += ["", f"do this ({diagnosis.recommended}):", *_command(diagnosis.command)]
    return "\n".join(lines)


def _command(command: str) -> list[str]:
    """A command in lines that a shell reads as one."""
    lines = [_INDENT]
    for word in map(shlex.quote, shlex.split(command)):
        if len(lines[-1]) + len(word) > WIDTH - 2 and lines[-1].strip():
            lines[-1] += "\\"
            lines.append(_INDENT * 3)
        lines[-1] += f"{word} "
    lines[-1] = lines[-1].rstrip()
    return [printable(each) for each in lines]


def _refusals(remedies: Sequence[Remedy]) -> Iterator[str]:
    for each in remedies:
        if each.evaluation.error is not None:
            yield from _wrapped(f"{each.name}: {each.evaluation.error}", _INDENT * 2, _INDENT)
        elif not each.allowed:
            yield from _wrapped(f"{each.name}: {each.reason}", _INDENT * 2, _INDENT)


def _remedy(remedy: Remedy, metric: str | None) -> list[str]:
    row = remedy.evaluation
    gained = _decibels(remedy.gain_sqnr, signed=True)
    scores = [_score(row.score, metric or ""), _points(remedy.gain_score, metric)]
    return [
        fitted(remedy.name, _NAME),
        *(scores if metric is not None else []),
        *([_decibels(row.worst)] if metric is not None else [_decibels(row.worst), gained]),
        _closeness(row),
        remedy.cost if remedy.allowed else "the device refuses it",
    ]


def _advice(text: str, layer: str | None) -> str:
    return text if layer is None else f"{fitted(layer, _NAME)}: {text}"


def _list(title: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    lines = [line for each in texts for line in _wrapped(each, _INDENT * 2, _INDENT)]
    return "\n".join([f"{title}:", *lines])

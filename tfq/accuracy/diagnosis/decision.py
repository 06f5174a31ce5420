"""The decision of TI's guide: float, 16 bits and 8 bits side by side say where to look.

16 bits close to float and 8 bits not: quantization is the cause. 16 bits bad as well: something
else is (github.com/TexasInstruments/edgeai-tidl-tools, docs/tidl_fsg_quantization.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.accuracy.diagnosis.result import VERDICTS, Evaluation
from tfq.accuracy.shares import SHARES
from tfq.numerics.noise import EXACT

if TYPE_CHECKING:
    from tfq.accuracy.diagnosis.input_checks import InputReport

_SIXTEEN = ": 16 bits are close to float, 8 bits are not"
_WEIGHTS = ": 8-bit weights, with float activations, are not close to float"


def decide(
    report: InputReport, sixteen: Evaluation, eight: Evaluation, weights: Evaluation | None
) -> str:
    """Return the verdict, a key of `VERDICTS`.

    Args:
        report: What the float model says of the data.
        sixteen: With 16-bit activations.
        eight: With 8 bits.
        weights: With nothing but 8-bit weights; None where it was not asked.
    """
    # A suspicion about the data hides nothing that 8 bits do: it is told beside it.
    if report.is_void:
        return "input" if report.helping else "float_model"
    if eight.close is None:
        return "unmade"
    if eight.close:
        return "input" if report.helping else "healthy"
    # 16-bit activations have 8-bit weights: where these alone cost too much, the bits do.
    if sixteen.close or (weights is not None and weights.close is False):
        return "quantization"
    return "unproven" if sixteen.close is None else "elsewhere"


def sentence(
    verdict: str,
    report: InputReport,
    evaluations: tuple[Evaluation, ...],
    weights: Evaluation | None,
    metric: str | None,
) -> str:
    """Say the verdict, with its figures.

    Args:
        verdict: A key of `VERDICTS`.
        report: What the float model says of the data.
        evaluations: Float, 16 bits, 8 bits.
        weights: With nothing but 8-bit weights; None where it was not asked.
        metric: Of the scores; None without labels.
    """
    rows = evaluations if weights is None else (*evaluations, weights)
    figures = ", ".join(filter(None, (_figure(each, metric) for each in rows)))
    text = VERDICTS[verdict]
    suspected = suspicion(report, metric)
    if verdict == "input":
        return f"{text[0].upper()}{text[1:]}: {suspected}"
    if verdict == "float_model":
        text += _reason(report)
    elif verdict == "quantization":
        text += _SIXTEEN if evaluations[1].close else _WEIGHTS
    elif verdict == "unmade":
        text += f": {evaluations[-1].error}"
    said = f"{text[0].upper()}{text[1:]}{f' ({figures})' if figures else ''}."
    return f"{said} Beside that, {suspected}" if suspected else said


def suspicion(report: InputReport, metric: str | None) -> str:
    """Say which change of the data float does better with; empty where there is none.

    Args:
        report: What the float model says of the data.
        metric: Of the scores.
    """
    if not report.helping:
        return ""
    best = report.helping[0]
    before = best.score - best.gain * (1 if report.higher_is_better else -1)
    return (
        f"float itself gains {gained(best.gain, metric)} ({metric} {figure(before, metric)} as "
        f"they are, {figure(best.score, metric)} with this change: {best.name}); was the model "
        "trained on such data?"
    )


def gained(gain: float, metric: str | None) -> str:
    """Return a difference of scores as people write it: of shares in points.

    Args:
        gain: The difference.
        metric: Of the scores.
    """
    return f"{100 * gain:.1f} points" if metric in SHARES else f"{gain:.3g}"


def figure(score: float, metric: str | None) -> str:
    """Return a score as people write it: shares in percent.

    Args:
        score: The score.
        metric: Its name.
    """
    return f"{score:.1%}" if metric in SHARES else f"{score:.4g}"


def _figure(row: Evaluation, metric: str | None) -> str:
    if row.score is not None:
        return f"{row.name} {figure(row.score, metric)}"
    return "" if row.worst is None else f"{row.name} {decibels(row.worst)}"


def decibels(value: float) -> str:
    """Return a ratio as people write it.

    Args:
        value: Within ±120, which stand for no noise and nothing else.
    """
    return "exact" if value >= EXACT else f"{value:.1f} dB"


def _reason(report: InputReport) -> str:
    if report.causes:
        return f": {report.causes[0].text}"
    return (
        ": it scores no better than with labels in a random order, and none of the usual "
        "mistakes explains that"
    )

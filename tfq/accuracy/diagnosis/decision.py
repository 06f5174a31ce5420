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
_WEIGHTS = ": 8-bit weights alone, with float activations, are not close to float"


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
    if report.helping:
        return "input"
    if report.is_bad:
        return "float_model"
    if eight.close is None:
        return "unmade"
    if eight.close:
        return "healthy"
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
    if verdict == "input":
        best = report.helping[0]
        before = best.score - best.gain * (1 if report.higher_is_better else -1)
        text += f": {metric} is {figure(before, metric)} as they are, {figure(best.score, metric)} "
        return f"{text[0].upper()}{text[1:]}with this change: {best.name}."
    if verdict == "float_model":
        text += _reason(report)
    elif verdict == "quantization":
        text += _SIXTEEN if evaluations[1].close else _WEIGHTS
    elif verdict == "unmade":
        text += f": {evaluations[-1].error}"
    return f"{text[0].upper()}{text[1:]}{f' ({figures})' if figures else ''}."


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

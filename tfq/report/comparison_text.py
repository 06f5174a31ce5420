"""What a comparison found, for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tfq.accuracy.shares import SHARES
from tfq.report.cells import MOST_LISTED, more_text
from tfq.report.sparkline import sparkline, worst
from tfq.report.table import fitted, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.accuracy.comparison import Comparison
    from tfq.accuracy.layers import LayerError, LayerErrors
    from tfq.accuracy.outputs import OutputError

WIDTH = 100
_MODEL = 36
_NAME = 28
_LAYER_NAME = 20


def comparison_text(comparison: Comparison) -> str:
    """Describe a comparison in tables of at most 100 columns.

    Args:
        comparison: What `tfq.compare` returned.

    Returns:
        The lines, without a line break at the end.
    """
    count = comparison.samples
    title = (
        f"{fitted(comparison.candidate, _MODEL)} against {fitted(comparison.reference, _MODEL)}, "
        f"{count:,} sample{'' if count == 1 else 's'}"
    )
    parts = [title, _outputs(comparison.outputs)]
    if comparison.reference_scores is not None and comparison.candidate_scores is not None:
        parts.append(_scores(comparison))
    if comparison.layers is not None:
        parts.append(_layers(comparison.layers))
    return "\n\n".join(parts)


def _outputs(outputs: Sequence[OutputError]) -> str:
    header = ["output", "SQNR dB", "cosine", "max error", "mean error", "agreement"]
    rows = [
        [
            fitted(each.name, _NAME),
            decibel_text(each.sqnr),
            _figure(each.cosine, ".5f"),
            _figure(each.max_error),
            _figure(each.mean_error),
            "" if each.agreement is None else f"{each.agreement:.2%} of {each.positions:,}",
        ]
        for each in outputs
    ]
    return "\n".join([table(header, rows, align="<>>>>>"), *_remarks(outputs)])


def _remarks(outputs: Sequence[OutputError]) -> Iterator[str]:
    for each in outputs:
        name = fitted(each.name, _NAME)
        if each.not_finite:
            yield f"{name}: {each.not_finite:,} values are NaN or infinite in one model or both"
        if each.other_shape:
            yield f"{name}: left out where the shapes differ: {each.other_shape:,} samples"


def _scores(comparison: Comparison) -> str:
    before, after = comparison.reference_scores or {}, comparison.candidate_scores or {}
    sign = 1 if comparison.higher_is_better else -1
    rows = []
    for name, score in before.items():
        found = after.get(name, math.nan)
        drop = sign * (score - found)
        rows.append([fitted(name, _NAME), *(_score(name, each) for each in (score, found, drop))])
    return table(["score", "reference", "candidate", "drop"], rows, align="<>>>")


def _score(name: str, value: float) -> str:
    if not math.isfinite(value):
        return _figure(value)
    # A drop of nothing is not "-0".
    return f"{value + 0.0:.2%}" if name in SHARES else f"{value + 0.0:.6g}"


def _layers(layers: LayerErrors) -> str:
    share = f" ({layers.matched / layers.total:.0%})" if layers.total else ""
    lines = [f"layers: {layers.matched:,} of {layers.total:,} matched with the reference's{share}"]
    if not layers.layers:
        return lines[0]
    lines.append(_course(layers.layers))
    header = [
        "operator",
        "tensor",
        "SQNR dB",
        "isolated",
        "max error",
        "range",
        "clipped",
        "weights",
    ]
    rows = map(_layer, layers.layers[:MOST_LISTED])
    lines += ["", table(header, rows, align="<<>>>>>>")]
    more = more_text(len(layers.layers))
    return "\n".join([*lines, *([more] if more else [])])


def _layer(layer: LayerError) -> list[str]:
    return [
        fitted(f"{layer.operator} {layer.op}", _LAYER_NAME),
        fitted(layer.name, _LAYER_NAME),
        decibel_text(layer.sqnr),
        _optional(layer.isolated),
        _figure(layer.max_error),
        "" if layer.range_use is None else f"{layer.range_use:.0%}",
        "" if layer.saturation is None else f"{layer.saturation:.1%}",
        _optional(layer.weight_sqnr),
    ]


def _course(layers: Sequence[LayerError]) -> str:
    """The SQNR in the order in which the operators run."""
    ordered = sorted(layers, key=lambda each: (each.operator, each.tensor))
    values = worst([each.sqnr for each in ordered])
    finite = [value for value in values if math.isfinite(value)]
    scale = f"  {min(finite):.1f} to {max(finite):.1f} dB" if finite else ""
    return f"SQNR along the graph  {sparkline(values)}{scale}"


def _optional(value: float | None) -> str:
    return "" if value is None else decibel_text(value)


def decibel_text(value: float) -> str:
    """A ratio in dB; "exact" where there is no noise, "-inf" where there is nothing but noise."""
    return "exact" if value == math.inf else _figure(value, ".1f")


def _figure(value: float, spec: str = ".3g") -> str:
    return format(value, spec) if math.isfinite(value) else str(value)

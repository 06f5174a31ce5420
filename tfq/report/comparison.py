"""What a comparison found, as the JSON of schemas/compare.schema.json."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfq.accuracy.comparison import Comparison


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Describe a comparison.

    Args:
        comparison: What `tfq.compare` returned.

    Returns:
        What JSON has: numbers that are not finite are None.
    """
    layers = comparison.layers
    return {
        "reference": comparison.reference,
        "candidate": comparison.candidate,
        "candidate_sha256": comparison.candidate_sha256,
        "samples": comparison.samples,
        "sqnr": comparison.sqnr,
        "agreement": comparison.agreement,
        "metric": comparison.metric,
        "higher_is_better": comparison.higher_is_better,
        "reference_scores": _numbers(comparison.reference_scores),
        "candidate_scores": _numbers(comparison.candidate_scores),
        "drop": _number(comparison.drop),
        "outputs": [_numbers(asdict(each)) for each in comparison.outputs],
        "layers": None
        if layers is None
        else {
            "matched": layers.matched,
            "total": layers.total,
            "layers": [_numbers(asdict(each)) for each in layers.layers],
        },
    }


def _numbers(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: _number(value) for name, value in values.items()}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value

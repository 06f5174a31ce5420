"""What a comparison found, as the JSON of schemas/compare.schema.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tfq.report.json_text import finite

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Comparison


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Describe a comparison.

    Args:
        comparison: What `tfq.compare` returned.

    Returns:
        What JSON has: numbers that are not finite are None.
    """
    layers = comparison.layers
    found: dict[str, Any] = finite(
        {
            "reference": comparison.reference,
            "candidate": comparison.candidate,
            "candidate_sha256": comparison.candidate_sha256,
            "samples": comparison.samples,
            "sqnr": comparison.sqnr,
            "agreement": comparison.agreement,
            "metric": comparison.metric,
            "higher_is_better": comparison.higher_is_better,
            "reference_scores": comparison.reference_scores,
            "candidate_scores": comparison.candidate_scores,
            "drop": comparison.drop,
            "outputs": [asdict(each) for each in comparison.outputs],
            "layers": None if layers is None else asdict(layers),
        }
    )
    return found

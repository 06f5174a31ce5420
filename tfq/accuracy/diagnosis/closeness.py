"""What counts as close to float, said in one place.

The figure of 1 % is that of the MLPerf Inference rules, whose closed division asks of a quantized
model 99 % of the float model's quality (github.com/mlcommons/inference_policies,
inference_rules.adoc), and of TI's guide, which saw 8 bits lose less than 1 % with many networks
(github.com/TexasInstruments/edgeai-tidl-tools, docs/tidl_fsg_quantization.md). Without labels or
classes the same share is asked of the power of the outputs: noise of 1 % are 20 dB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Comparison
    from tfq.model import Model

SHARE = 0.99
"""Of the float model's score, or of the samples with its class."""

SQNR = 20.0
"""Decibels of outputs that hold no classes."""

ERROR_SQNR = 40.0
"""Decibels with which an error such as the RMSE may rise by more: there is next to no noise."""

FREE_SAMPLES = 2
"""So many samples may go wrong whatever the share: with few samples one is more than 1 %."""


def class_outputs(model: Model) -> frozenset[int]:
    """Return which outputs of a model hold classes for sure: a SOFTMAX or LOGISTIC made them.

    The largest of other numbers may mean nothing, as that of the corners of a box.
    """
    producers = [tensor.producer for tensor in model.outputs]
    return frozenset(
        index
        for index, each in enumerate(producers)
        if each is not None and each.name in ("SOFTMAX", "LOG_SOFTMAX", "LOGISTIC")
    )


def is_close(comparison: Comparison, classes: frozenset[int]) -> bool:
    """Say whether a model is close to the float model.

    Args:
        comparison: Of the two, on the evaluation data. Its scores decide where there are any, else
            its outputs: each must be close.
        classes: Which outputs hold classes, of `class_outputs`.
    """
    wanted, found = comparison.reference_scores, comparison.candidate_scores
    if wanted and found:
        first = next(iter(wanted))
        return _score_is_close(comparison, wanted[first], found[first])
    least = 1 - max(1 - SHARE, FREE_SAMPLES / max(comparison.samples, 1))
    return all(
        each.sqnr >= SQNR
        or (index in classes and each.agreement is not None and each.agreement >= least)
        for index, each in enumerate(comparison.outputs)
    )


def _score_is_close(comparison: Comparison, wanted: float, found: float) -> bool:
    if not math.isfinite(wanted) or not math.isfinite(found):
        return False
    slack = (1 - SHARE) * abs(wanted)
    if not comparison.higher_is_better:
        return found <= wanted + slack or comparison.sqnr >= ERROR_SQNR
    if comparison.metric == "top1":
        slack = max(slack, FREE_SAMPLES / max(comparison.samples, 1))
    # A share of samples is a sum of fractions: the last bit must not decide.
    return found >= wanted - slack - 1e-9


def thresholds(metric: str | None, higher_is_better: bool, has_classes: bool) -> tuple[str, ...]:
    """Say what counts as close.

    Args:
        metric: Of the scores; None without labels.
        higher_is_better: Whether a larger score is a better one.
        has_classes: Whether an output holds classes.

    Returns:
        A sentence for each rule that was applied.
    """
    few = f", or all but {FREE_SAMPLES} samples"
    if metric is not None and not higher_is_better:
        return (
            f"close: {metric} at most {1 - SHARE:.0%} above float's, or outputs with at least "
            f"{ERROR_SQNR:g} dB",
        )
    if metric is not None:
        return (f"close: {metric} at least {SHARE:.0%} of float's{few * (metric == 'top1')}",)
    found = f"close: each output at least {SQNR:g} dB (noise of 1 %) against float's"
    if has_classes:
        found += f", or, of classes, float's top-1 for at least {SHARE:.0%} of the samples{few}"
    return (found,)

"""Hybrid operators that LiteRT cannot compute as they were made."""

from __future__ import annotations

import warnings
from collections import Counter

from tfq import ops
from tfq.errors import ConversionWarning
from tfq.model import Model
from tfq.passes.weight_only import weight_only


def computable(model: Model) -> Model:
    """Makes weight-only of the operators that LiteRT computes wrongly with one scale.

    TFLiteConverter and LiteRT Quantizer make such models of dynamic range per tensor, and LiteRT
    runs them without a word, or does not load them without XNNPACK.

    Args:
        model: what either of them made.

    Returns:
        The new model, or `model` itself if it has no such operator; a warning says which.
    """
    lacking = Counter(operator.name for operator in ops.lacking_scales(model))
    if not lacking:
        return model
    layers = [op for each in model.subgraphs for op in each.operators if op.weights is not None]
    names = ", ".join(f"{name} ({count})" for name, count in lacking.items())
    warnings.warn(
        f"{lacking.total()} of {len(layers)} layers compute in float on their integer weights: "
        f"{names}; LiteRT's kernels for float activations need granularity per_channel there",
        ConversionWarning,
        stacklevel=4,
    )
    return weight_only(model)[0]

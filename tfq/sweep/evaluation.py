"""What is said of the file of a row: what it costs, and what it is worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.lint import lint
from tfq.report.json_text import finite
from tfq.runtime.latency import latency
from tfq.sweep import digests
from tfq.sweep.result import Verdict

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Comparison, Reference
    from tfq.model import Model, Operator
    from tfq.profiles import Profile

AGREEMENT, SQNR = "agreement", "sqnr"
_CHOICES = frozenset({"SOFTMAX", "LOG_SOFTMAX", "ARG_MAX", "ARG_MIN"})
_CARRIERS = frozenset({"CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE"})
_MILLISECONDS = 1e3


def metric_name(reference: Reference) -> str:
    """Say what the rows' accuracy is: the labels' metric, else the agreement or the SQNR."""
    if reference.metric is not None:
        return reference.metric.name
    return AGREEMENT if gives_answers(reference.model) else SQNR


def gives_answers(model: Model) -> bool:
    """Whether each output chooses between classes, so that two models can agree.

    Args:
        model: A float model.

    Returns:
        Whether each comes from a softmax or an argmax, but for what only reshapes it. Of others,
        such as boxes, the largest number has no meaning.
    """
    return bool(model.outputs) and all(_is_answer(tensor.producer) for tensor in model.outputs)


def _is_answer(operator: Operator | None) -> bool:
    while operator is not None and operator.name in _CARRIERS and operator.inputs:
        source = operator.inputs[0]
        operator = None if source is None else source.producer
    return operator is not None and operator.name in _CHOICES


def facts(model: Model) -> dict[str, Any]:
    """Return what the file itself says, as fields of a row."""
    operators = [operator for subgraph in model.subgraphs for operator in subgraph.operators]
    return {
        "size": model.size,
        "peak_memory": ops.weight_bytes(model) + ops.peak_activations(model).bytes,
        "integer_share": ops.integer_share(operators),
    }


def worth(reference: Reference, model: Model) -> dict[str, Any]:
    """Return what the outputs of a model say, as fields of a row.

    Raises:
        tfq.Error: If it cannot be run beside the reference.
    """
    from tfq.accuracy.comparison import against
    from tfq.numerics.noise import EXACT

    comparison = against(reference, model)
    broken = any(each.not_finite for each in comparison.outputs) and comparison.sqnr <= -EXACT
    return _scored(comparison, metric_name(reference)) | {
        "error": "its outputs hold NaN or infinity" if broken else _no_score(comparison),
        "agreement": finite(comparison.agreement),
        "sqnr": finite(comparison.sqnr),
    }


def milliseconds(reference: Reference, model: Model) -> float:
    """Measure how long a model takes for the first of the samples.

    Raises:
        tfq.Error: If it cannot be run.
    """
    return round(_MILLISECONDS * latency(model, _as_taken(reference, model)), 4)


def _no_score(comparison: Comparison) -> str | None:
    """Say that the metric returned no finite number, for the model or for the reference."""
    scored = {"": comparison.candidate_scores, " for float32": comparison.reference_scores}
    for whose, scores in scored.items():
        score = next(iter((scores or {}).values()), 0.0)
        if not math.isfinite(score):
            return f"metric returned {score}{whose}"
    return None


def _scored(comparison: Comparison, metric: str) -> dict[str, Any]:
    """The accuracy, and how much worse it is than float32's."""
    if comparison.candidate_scores is not None:
        scores = finite(comparison.candidate_scores)
        accuracy = next(iter(scores.values()), None)
        return {"accuracy": accuracy, "drop": finite(comparison.drop), "scores": scores}
    if metric == AGREEMENT:
        agreement = finite(comparison.agreement)
        return {"accuracy": agreement, "drop": None if agreement is None else 1 - agreement}
    return {"accuracy": finite(comparison.sqnr), "drop": relative_error(comparison.sqnr)}


def relative_error(sqnr: float) -> float:
    """Return the root-mean-square error divided by that of the signal: 10^(-SQNR/20).

    Args:
        sqnr: In dB, at most `EXACT`, which stands for no error at all.
    """
    from tfq.numerics.noise import EXACT

    return 0.0 if sqnr >= EXACT else float(10 ** (-sqnr / 20))


def _as_taken(reference: Reference, model: Model) -> dict[str, Any]:
    """The first sample, by the names of a candidate's inputs."""
    from tfq.accuracy.reading import with_own_names
    from tfq.runtime.fidelity import places_of

    names, own = reference.model.input_names, with_own_names(model).input_names
    places = places_of(names, own, "input", (reference.label, model.name))
    feed = next(iter(reference.feeds))
    return {own[place]: feed[name] for name, place in zip(names, places, strict=True)}


def verdict(model: Model, profile: Profile, key: str) -> Verdict:
    """Check a model for a device."""
    report = lint(model, profile)
    has_share = profile.operators and profile.engine == "accelerator"
    return Verdict(
        verdict=report.verdict,
        errors=report.count("error"),
        warnings=report.count("warning"),
        accelerator_share=report.placement.share if has_share else None,
        key=key,
    )


def verdict_key(sha256: str, profile: Profile) -> str:
    """Hash what a verdict depends on: the file, the profile and the linter."""
    return digests.key(sha256, repr(profile._replace(path="")), digests.versions()[0])

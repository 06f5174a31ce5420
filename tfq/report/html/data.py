"""What the page shows, as plain data."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.report.cells import counted
from tfq.report.html.findings import profile_data
from tfq.report.html.graph import graph, shortened
from tfq.report.html.numbers import constants_data
from tfq.report.html.places import Places
from tfq.report.inspection import all_operators, operator_data, stored_bytes, summary
from tfq.report.kinds import kinds
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.model import Model, Operator, Quantization, Subgraph
    from tfq.profiles import Profile

# Of a text out of a model, such as a tensor's name; its ends say most.
MOST_TEXT = 300
# Of the numbers of one option.
MOST_ITEMS = 1_000
_DIGITS = 7  # of float32, in which scales and most weights are
_SUMMARY = ("operators", "tensors", "macs", "parameters", "weight_bytes", "integer_share")


def page_data(
    models: Iterable[tuple[Model, dict[str, Any] | None]],
    profiles: Sequence[Profile],
    sweep: dict[str, Any] | None,
    title: str,
) -> dict[str, Any]:
    """Put together what the page shows.

    Args:
        models: Each with what `tfq compare` said of it, or None.
        profiles: The devices.
        sweep: The content of `sweep.json`, or None.
        title: The page's title.

    Returns:
        Only objects, lists, strings, booleans, finite numbers and None; texts are printable and of
        bounded length.

    Raises:
        MissingDependencyError: If fast-sugiyama is not installed.
    """
    from importlib import metadata

    return {
        "tfq": metadata.version("tfq"),
        "title": title,
        "models": [model_data(model, profiles, comparison) for model, comparison in models],
        "sweep": tidy(sweep),
    }


def model_data(
    model: Model, profiles: Sequence[Profile], comparison: dict[str, Any] | None
) -> dict[str, Any]:
    """Describe one model.

    Args:
        model: Any model.
        profiles: The devices to check it for.
        comparison: What `tfq compare --format=json` said of it, or None.

    Returns:
        An item of the page's `models`. Its `operators` and `tensors` are those of all subgraphs,
        one after the other, and are named by their places in these lists; what they do not have,
        such as a quantization, is left out of them.
    """
    places = Places.of(model)
    known = {each: kinds(each) for each in model.subgraphs}
    whole = summary(model, known)
    errors = _errors(comparison)
    data = {
        "name": model.path or "model",
        "size": model.size,
        "sha256": sha256(model),
        "summary": {name: whole[name] for name in _SUMMARY} | {"peak": _peak(model, places)},
        "subgraphs": [_subgraph(each, places) for each in model.subgraphs],
        "operators": [
            _operator(each, places) | errors.get(number, {})
            for number, each in enumerate(all_operators(model))
        ],
        "tensors": [
            each for subgraph in model.subgraphs for each in _tensors(subgraph, known[subgraph])
        ],
        "comparison": comparison and {name: comparison[name] for name in ("reference", "outputs")},
    }
    found: dict[str, Any] = tidy(data)
    return found | {"profiles": [_profile(model, profile, places) for profile in profiles]}


def _profile(model: Model, profile: Profile, places: Places) -> dict[str, Any]:
    data = profile_data(model, profile, places)
    found: dict[str, Any] = tidy(data)
    for group, own in zip(found["groups"], data["groups"], strict=True):
        group["text"] = own["text"]  # of a rule, not of a model: it keeps its lines
    return found


def sha256(model: Model) -> str:
    """The digest of a model's file, in hexadecimal."""
    import hashlib

    return hashlib.sha256(model.table.source.data).hexdigest()


def tidy(value: Any) -> Any:
    """Make a value fit to be shown.

    Args:
        value: What JSON has, also numbers that are not finite.

    Returns:
        The same with printable texts of at most some `MOST_TEXT` characters, and seven significant
        digits; numbers that are not finite become None.
    """
    if isinstance(value, str):
        return printable(shortened(value, MOST_TEXT))
    if isinstance(value, float):
        return _short_number(value)
    if isinstance(value, dict):
        return {tidy(key): tidy(each) for key, each in value.items()}
    return [tidy(each) for each in value] if isinstance(value, (list, tuple)) else value


def _short_number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    # 1.0 takes two characters more than 1.
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _peak(model: Model, places: Places) -> dict[str, Any]:
    peak = ops.peak_activations(model)
    return {"bytes": counted(peak.bytes), "operator": places.operator(peak.operator)}


def _subgraph(subgraph: Subgraph, places: Places) -> dict[str, Any]:
    return {
        "name": subgraph.name,
        "operators": len(subgraph.operators),
        "tensors": len(subgraph.tensors),
        "inputs": [places.tensor(tensor) for tensor in subgraph.inputs],
        "outputs": [places.tensor(tensor) for tensor in subgraph.outputs],
        "graph": graph(subgraph, places),
    }


def _operator(operator: Operator, places: Places) -> dict[str, Any]:
    data = operator_data(operator)
    stored = {ops.stored(each) for each in (*operator.all_weights, *operator.all_biases)}
    names = ("name", "version", "compute", "macs", "parameters")
    return _known(
        {name: data[name] or None for name in names}
        | {
            "custom": operator.is_custom,
            "inputs": [places.tensor(each) for each in operator.inputs],
            "outputs": [places.tensor(each) for each in operator.outputs],
            "weights": places.tensor(operator.weights),
            "bias": places.tensor(operator.bias),
            "options": _options(data),
            "calls": list(ops.called_subgraphs(operator)),
            "bytes": sum(stored_bytes(each) or 0 for each in stored) or None,
        }
    )


def _options(operator: dict[str, Any]) -> list[list[str]]:
    """Names and texts: what a file calls its options may not become names of the page's own."""
    found = operator["options"] or {}
    if operator["custom_options"]:
        found = {"custom options": operator["custom_options"]}
    some = list(found.items())[:MOST_ITEMS]
    return [[name, _option(value)] for name, value in some]


def _option(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        value = [*value[:MOST_ITEMS], f"and {len(value) - MOST_ITEMS} more"]
    return json.dumps(value, ensure_ascii=False)


def _tensors(subgraph: Subgraph, known: Sequence[str]) -> list[dict[str, Any]]:
    values = constants_data(subgraph)
    return [
        _known(
            {
                "name": tensor.name or None,
                "dtype": tensor.dtype,
                "shape": list(tensor.shape_signature),
                "kind": kind,
                "sparse": tensor.is_sparse,
                "external": tensor.is_external,
                "bytes": stored_bytes(tensor) or None,
                "quantization": _quantization(tensor.quantization),
            }
            | values.get(tensor.index, {})
        )
        for tensor, kind in zip(subgraph.tensors, known, strict=True)
    ]


def _quantization(quantization: Quantization | None) -> dict[str, Any] | None:
    if quantization is None:
        return None
    zeros = quantization.zero_points
    return _known(
        {
            "granularity": quantization.granularity,
            "scales": list(quantization.scales),
            "zero_points": [*zeros[:1]] if len(set(zeros)) == 1 else [*zeros],
            "dimension": quantization.quantized_dimension,
            "block_size": quantization.block_size or None,
            "power_of_two": quantization.power_of_two,
        }
    )


def _known(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not there: most tensors and operators do not have most of it."""
    return {
        name: value
        for name, value in data.items()
        if value not in (None, []) and value is not False
    }


def _errors(comparison: dict[str, Any] | None) -> dict[int, dict[str, Any]]:
    """By operator its errors in dB; of several outputs those of the worst."""
    layers = (comparison or {}).get("layers")
    found: dict[int, dict[str, Any]] = {}
    # The worst come first. What is compared is the first subgraph, whose numbers are its indices.
    for layer in layers["layers"] if layers else ():
        found.setdefault(layer["operator"], {"error": layer["sqnr"], "isolated": layer["isolated"]})
    return found

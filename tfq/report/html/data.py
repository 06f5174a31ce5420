"""What the page shows, as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.report.html.findings import profile_data
from tfq.report.html.graph import graph, shortened
from tfq.report.html.numbers import constants_data
from tfq.report.inspection import operator_data, stored_bytes, summary, tensor_data
from tfq.report.kinds import kinds
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfq.model import Model, Operator
    from tfq.profiles import Profile

# Of a text out of a model, such as a tensor's name; its ends say most.
MOST_TEXT = 300
# Of the numbers of one option.
MOST_ITEMS = 1_000
_DIGITS = 6


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
    """Describe one model; of several subgraphs the first in full.

    Args:
        model: Any model.
        profiles: The devices to check it for.
        comparison: What `tfq compare --format=json` said of it, or None.

    Returns:
        An item of the page's `models`.
    """
    subgraph = model.subgraphs[0]
    known = {each: kinds(each) for each in model.subgraphs}
    values = constants_data(subgraph)
    errors = _errors(comparison)
    none: dict[str, Any] = {"histogram": None, "channel_ranges": None}
    pairs = zip(subgraph.tensors, known[subgraph], strict=True)
    data = {
        "name": model.path or "model",
        "size": model.size,
        "sha256": sha256(model),
        "summary": summary(model, known),
        "subgraphs": [
            {"index": each.index, "name": each.name, "operators": len(each.operators)}
            for each in model.subgraphs
        ],
        "inputs": [tensor.index for tensor in subgraph.inputs],
        "outputs": [tensor.index for tensor in subgraph.outputs],
        "operators": [
            _operator(operator) | errors.get(operator.index, _NO_ERROR)
            for operator in subgraph.operators
        ],
        "tensors": [
            tensor_data(tensor, kind) | values.get(tensor.index, none) for tensor, kind in pairs
        ],
        "graph": graph(subgraph),
        "comparison": comparison,
    }
    found: dict[str, Any] = tidy(data)
    return found | {"profiles": [_profile(model, profile) for profile in profiles]}


def _profile(model: Model, profile: Profile) -> dict[str, Any]:
    data = profile_data(model, profile)
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
        The same with printable texts of at most some `MOST_TEXT` characters, and six significant
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


_NO_ERROR: dict[str, Any] = {"error": None, "isolated": None}


def _operator(operator: Operator) -> dict[str, Any]:
    data = operator_data(operator)
    for name in ("options", "custom_options"):
        data[name] = _fewer(data[name])
    stored = {ops.stored(each) for each in (*operator.all_weights, *operator.all_biases)}
    return data | {"bytes": sum(stored_bytes(each) or 0 for each in stored)}


def _fewer(value: Any) -> Any:
    """Leave out what nobody reads: the ends of long lists."""
    if isinstance(value, dict):
        return {key: _fewer(each) for key, each in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, list):
        more = len(value) - MOST_ITEMS
        return [*map(_fewer, value[:MOST_ITEMS]), *([f"and {more} more"] if more > 0 else [])]
    return value


def _errors(comparison: dict[str, Any] | None) -> dict[int, dict[str, Any]]:
    """By operator its errors in dB; of several outputs those of the worst."""
    layers = (comparison or {}).get("layers")
    found: dict[int, dict[str, Any]] = {}
    # The worst come first.
    for layer in layers["layers"] if layers else ():
        found.setdefault(layer["operator"], {"error": layer["sqnr"], "isolated": layer["isolated"]})
    return found

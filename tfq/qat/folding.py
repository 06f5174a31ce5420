"""Which normalization goes into which layer, as it will where the model runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tfq.errors import ArgumentError
from tfq.passes.scales import Scheme
from tfq.qat.graph import Call, Graph
from tfq.qat.simplify import Simplified
from tfq.qat.weighted import QuantizedWeights


def with_quantized_weights(simplified: Simplified, scheme: Scheme) -> Graph:
    """Fold normalization into the layers before it, and quantize the weights of all that have some.

    Args:
        simplified: A model of new layers; gets the rules of what is made here.
        scheme: How to quantize.

    Returns:
        The graph without BatchNormalization.
    """
    graph, rules = simplified.graph, simplified.rules
    norms = _norms(simplified)
    readers = graph.readers()
    made: dict[Any, QuantizedWeights] = {}

    def weighted(layer: Any, norm: Any) -> QuantizedWeights:
        if layer not in made:
            known = rules[layer]
            _check_weights(layer, known.weights)
            bits = scheme.weight_bits if known.four_bits else 8
            axes = {name: list(each) for name, each in known.weights.items()}
            made[layer] = QuantizedWeights(layer, axes, scheme, bits, norm, name=layer.name)
            rules[made[layer]] = known
        return made[layer]

    calls: list[Call] = []
    for call in graph.calls:
        known, norm = rules[call.layer], norms.get(call.layer)
        if known.kind == "norm" and call.layer not in norms.values():
            for each in simplified.normalizing(call):
                is_scale = bool(rules[each.layer].weights)
                layer = weighted(each.layer, call.layer) if is_scale else each.layer
                calls.append(replace(each, layer=layer))
        elif known.weights:
            # What was said of normalization, such as training=False, is then said of the layer.
            last = call if norm is None else readers[call.output][0]
            kwargs = {**call.kwargs, **last.kwargs}
            layer = weighted(call.layer, norm)
            calls.append(replace(call, layer=layer, kwargs=kwargs, outputs=last.outputs))
        elif known.kind != "norm":
            calls.append(call)
    return replace(graph, calls=calls)


def _check_weights(layer: Any, weights: Iterable[str]) -> None:
    for name in weights:
        if not hasattr(layer, name):
            raise ArgumentError(
                f"weights: expected a weight {name!r} of {type(layer).__name__}, as registered; "
                f"{layer.name!r} has none"
            )


def _norms(simplified: Simplified) -> dict[Any, Any]:
    """Find the BatchNormalization that a layer takes up, where all their calls are pairs."""
    graph, rules = simplified.graph, simplified.rules
    readers = graph.readers()
    followers: dict[Any, set[Any]] = {}
    norm_calls: dict[Any, int] = {}
    pairs: dict[Any, int] = {}
    for call in graph.calls:
        if rules[call.layer].kind == "norm":
            norm_calls[call.layer] = norm_calls.get(call.layer, 0) + 1
        if "kernel" not in rules[call.layer].weights:
            continue
        after = readers.get(call.output, [])
        is_pair = len(after) == 1 and not graph.is_output(call.output)
        follower = after[0].layer if is_pair else None
        is_norm = follower is not None and rules[follower].kind == "norm"
        followers.setdefault(call.layer, set()).add(follower if is_norm else None)
        if is_norm:
            pairs[follower] = pairs.get(follower, 0) + 1
    found = {}
    for layer, norms in followers.items():
        norm = next(iter(norms)) if len(norms) == 1 else None
        if norm is not None and pairs[norm] == norm_calls[norm]:
            found[layer] = norm
    # One normalization of several layers has statistics of all of them.
    return {layer: norm for layer, norm in found.items() if list(found.values()).count(norm) == 1}

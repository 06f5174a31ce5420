"""The Keras model that simulates quantization, built of a simplified graph."""

from __future__ import annotations

from typing import Any

import keras

from tfq.passes.scales import Scheme
from tfq.qat.graph import Call, Graph, Value
from tfq.qat.grouping import Group, Site, Sites, prescribed_ends
from tfq.qat.quantizer import ActivationQuantizer
from tfq.qat.simplify import Simplified


def built(graph: Graph, simplified: Simplified, scheme: Scheme, name: str) -> keras.Model:
    """Build the model.

    Args:
        graph: What to build, of new layers.
        simplified: Knows the layers' rules and names.
        scheme: How to quantize.
        name: Of the model.
    """
    return _Builder(graph, simplified, scheme).model(name)


class _Builder:
    """Calls layers and quantizers on symbolic tensors."""

    def __init__(self, graph: Graph, simplified: Simplified, scheme: Scheme) -> None:
        self._graph, self._simplified, self._scheme = graph, simplified, scheme
        self._sites = Sites(graph, simplified.rules)
        self._quantizers: dict[Group, ActivationQuantizer] = {}
        self._next: dict[Group, int] = {}
        for site in (*self._sites.outputs.values(), *self._sites.inputs.values()):
            site.group.root().sites += site.is_seen
        self._known: dict[Value, Any] = {}
        self._named: set[str] = set()

    def model(self, name: str) -> keras.Model:
        """Build the model on new inputs like those of the source."""
        values = keras.tree.flatten(self._graph.inputs)
        inputs = [
            keras.Input(batch_shape=value.shape, dtype=value.dtype, name=each)
            for value, each in zip(values, self._graph.input_names, strict=True)
        ]
        for value, tensor in zip(values, inputs, strict=True):
            self._take(value, tensor)
        for place, call in enumerate(self._graph.calls):
            self._call(place, call)
        named = zip(keras.tree.flatten(self._graph.outputs), self._graph.output_names, strict=True)
        outputs = [self._output(value, name) for value, name in named]
        return keras.Model(
            keras.tree.pack_sequence_as(self._graph.inputs, inputs),
            keras.tree.pack_sequence_as(self._graph.outputs, outputs),
            name=name,
        )

    def _output(self, value: Value, name: str) -> Any:
        """Return an output by the name that the source has for it, as losses are named so."""
        chosen = self._simplified.unique(name) if name in self._named else name
        self._named.add(name)
        return keras.layers.Identity(name=chosen)(self._known[value])

    def _call(self, place: int, call: Call) -> None:
        def tensor(leaf: Any) -> Any:
            if not isinstance(leaf, Value):
                return leaf
            site = self._sites.inputs.get((place, leaf))
            known = self._known[leaf]
            return known if site is None else self._quantized(known, site)

        args, kwargs = keras.tree.map_structure(tensor, (list(call.args), call.kwargs))
        made = keras.tree.flatten(call.layer(*args, **kwargs))
        for index, value in call.outputs.items():
            self._take(value, made[index])

    def _take(self, value: Value, tensor: Any) -> None:
        site = self._sites.outputs.get(value)
        self._known[value] = tensor if site is None else self._quantized(tensor, site)

    def _quantized(self, tensor: Any, site: Site) -> Any:
        group = site.group.root()
        if group not in self._quantizers:
            ends = prescribed_ends(group.fixed, self._scheme) if group.fixed else None
            name = self._simplified.unique(f"{group.name}_quantizer")
            sites = max(group.sites, 1)
            self._quantizers[group] = ActivationQuantizer(self._scheme, sites, ends, name=name)
        place = self._next.get(group, 0)
        self._next[group] = place + site.is_seen
        options: dict[str, Any] = {}
        if group.sites > 1 or not site.is_seen:
            options["site"] = place if site.is_seen else -1
        options.update({name: True for name in ("averages", "after_float") if getattr(site, name)})
        return self._quantizers[group](tensor, **options)

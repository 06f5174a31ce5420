"""What LiteRT refuses to prepare has an error, and what has one for that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphs import RUNTIME, Graph
from single_ops import CASES, MIDDLES, WEIGHTED, changed, content, refusals, single, weighted

from tfq.lint import lint
from tfq.lint.report import Report
from tfq.model import load

# Rules of which a finding means that LiteRT does not load the model, whatever the operator is.
ALWAYS_REFUSED = frozenset({"Q203", "Q403", "Q404", "Q501", "Q502", "Q514"})


def report(model: bytes) -> Report:
    return lint(load(model), RUNTIME)


def damages(graph: Graph) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every tensor's quantization changed in all ways, one at a time."""
    for tensor in graph.tensors:
        if not tensor.scales:
            continue
        factors = (-1, 2.0**-40, 0.5, 0.9, 1 + 2**-20, 1.0005, 1.03, 2, 2.0**13, 2.0**20, 2.0**40)
        scales = [0.0, float("nan"), float("inf"), 1e-42]
        for scale in (*scales, *(tensor.scale * factor for factor in factors)):
            yield tensor.name, {"scale": scale}
        for point in (-1000, -128, 3, 1000, 1 << 40):
            yield tensor.name, {"zero_points": (point,) * tensor.scales}
        yield tensor.name, {"zero_points": ()}
        yield tensor.name, {"scales": 0}
        for scales_and_axis in ((2, 0), (3, 0), (3, 9), (3, -1), (7, 0)):
            count, axis = scales_and_axis
            yield tensor.name, {"scales": count, "axis": axis, "zero_points": None}


def disagreements(schema: Any, pack: Any, graph: Graph) -> list[str]:
    """The damages of which LiteRT and the rules think differently."""
    found = []
    cases = list(damages(graph))
    models = [content(schema, pack, changed(graph, name, **values)) for name, values in cases]
    for (name, values), model, refused in zip(cases, models, refusals(models), strict=True):
        errors = [each for each in report(model).findings if each.severity == "error"]
        if refused and not errors:
            found.append(f"{name} {values}: refused, no finding: {refused}")
        if not refused and any(each.rule in ALWAYS_REFUSED for each in errors):
            found.append(f"{name} {values}: not refused: {errors}")
    return found


@pytest.mark.parametrize("dtype", MIDDLES)
@pytest.mark.parametrize("name", CASES)
def test_the_quantization_of_an_operator(
    name: str, dtype: str, bindings: ModuleType, pack: Callable[[Any], bytes]
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    graph = single(name, dtype)
    model = content(bindings, pack, graph)
    if refusals([model])[0]:
        pytest.skip(f"LiteRT has no kernel of {name} for {dtype}")
    assert report(model).findings == ()
    assert disagreements(bindings, pack, graph) == []


@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU_N1_TO_1", "RELU6"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("dtype", MIDDLES)
@pytest.mark.parametrize("name", WEIGHTED)
def test_the_quantization_of_a_layer(
    name: str,
    dtype: str,
    per_channel: bool,
    activation: str,
    bindings: ModuleType,
    pack: Callable[[Any], bytes],
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    graph = weighted(name, dtype, activation_name=activation, per_channel=per_channel)
    model = content(bindings, pack, graph)
    errors = [each.rule for each in report(model).findings if each.severity == "error"]
    assert errors == (["Q203"] if per_channel and dtype == "uint8" else [])
    assert any(refusals([model])) == bool(errors)
    assert disagreements(bindings, pack, graph) == []


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64", "float32"])
@pytest.mark.parametrize("dtype", MIDDLES)
@pytest.mark.parametrize("name", WEIGHTED)
def test_the_type_of_a_bias(
    name: str, dtype: str, kind: str, bindings: ModuleType, pack: Callable[[Any], bytes]
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    model = content(bindings, pack, changed(weighted(name, dtype), "b", dtype=kind))
    rules = {each.rule for each in report(model).findings if each.severity == "error"}
    assert ("Q501" in rules) == any(refusals([model]))


def test_real_models(model_path: Path) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    model = model_path.read_bytes()
    findings = report(model).findings
    foreign = [each for each in findings if each.rule in ("Q711", "Q712")]
    errors = [each for each in findings if each.severity == "error"]
    assert any(refusals([model])) == bool(foreign or errors)

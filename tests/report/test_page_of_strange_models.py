from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from layer_graphs import Graph

import tfq
from tfq.model import Model
from tfq.report.html import write_report

PROFILES = ["artpec8", "tidl-tda4vm"]
# The text of a file, and what the page shows of it.
HOSTILE = {
    "<script>alert(1)</script>": None,
    "<img src=x onerror=alert(1)>": None,
    "</script><script>alert(2)</script>": None,
    "{{data}} &lt;b&gt; ]]> <!--": None,
    "__proto__": None,
    "constructor": None,
    "javascript:alert(1)": None,
    "\"'`${alert(1)}\\": None,
    "line\u2028next\u2029one\n": "line\\u2028next\\u2029one\\n",
    "\u202egnp.exe\u2066": "\\u202egnp.exe\\u2066",
}
LONG = "begin" + "x" * 10_000 + "end"
# Clicks on many elements without moving the mouse to each.
CLICKS = """all => all.map(each => each.dispatchEvent(new MouseEvent("click", { bubbles: true })))
  .length"""

CLICKS_BY_NAME = """all => {
  const names = new Map(all.map(each => [each.querySelector(".name").textContent, each]));
  for (const each of [...names.values()].slice(-30))
    each.dispatchEvent(new MouseEvent("click", { bubbles: true }));
}"""
DETAILS = """all => all.map(each => {
  each.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  return document.getElementById("details").innerText;
}).join()"""


@pytest.fixture
def look(visit: Callable[..., Any], tmp_path: Path) -> Callable[[Sequence[Model]], Any]:
    """Opens a page of models, and clicks on all that each has: nothing may go wrong then."""

    def look(models: Sequence[Model]) -> Any:
        write_report(models, tmp_path / "report.html", profiles=PROFILES)
        page = visit(tmp_path / "report.html")
        for place, model in enumerate(models):
            if len(models) > 1:
                page.select_option("#model", str(place))
            _look_at(page, model)
        return page

    return look


def _look_at(page: Any, model: Model) -> None:
    rows = page.locator("#operators tbody tr")
    assert rows.count() == sum(len(each.operators) for each in model.subgraphs)
    assert page.locator("#subgraph").count() == (len(model.subgraphs) > 1)
    for subgraph in model.subgraphs:
        if len(model.subgraphs) > 1:
            page.select_option("#subgraph", str(subgraph.index))
        nodes = page.locator("g.node")
        count = len(subgraph.operators) + len(subgraph.inputs) + len(subgraph.outputs)
        assert nodes.count() == count
        nodes.evaluate_all(CLICKS_BY_NAME)
        assert page.locator("#details h3").count() == min(count, 1)
    if rows.count():
        rows.last.dispatch_event("click")
        last = [each for subgraph in model.subgraphs for each in subgraph.operators][-1]
        assert f"{last.name} op {last.index}" in page.locator("#details h3").inner_text()
    page.locator("main summary").evaluate_all(CLICKS)


def test_every_real_model_opens(
    look: Callable[..., Any], shared_models: Path, faces: dict[str, Path]
) -> None:
    models = []
    for path in [*sorted(shared_models.rglob("*.tflite")), *faces.values()]:
        try:
            models.append(tfq.load(path))
        except tfq.Error:
            continue
    assert len(models) > 20
    look(models)


def _nothing(bindings: ModuleType) -> Model:
    return Graph(bindings).made()


def _only_ends(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    data = net.input(1, 4)
    return net.made(data, data)


def _wide(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    inputs = [net.input(1, 1) for _ in range(500)]
    return net.made(net.op("CONCATENATION", inputs, 1, 500, axis=1))


def _one_name(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    first, second = net.input(1, 4, name="same"), net.input(1, 4, name="same")
    total = net.op("ADD", [first, second])
    both = net.ops("SPLIT", [net.constant(1, "i4"), total], [(1, 2), (1, 2)], numSplits=2)
    for tensor in net.graph.tensors:
        tensor.name = "same"
    return net.made(*both, total)


def _unnamed(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    total = net.op("ADD", [net.input(1, 4), net.input(1, 4)])
    for tensor in net.graph.tensors:
        tensor.name = None
    return net.made(total)


def _empty_tensors(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    data = net.input(0, 4)
    return net.made(net.op("ADD", [data, net.constant(np.zeros((0, 4)))]), net.constant(3.5))


def _free_sizes(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    data = net.input(1, 4)
    made_of = net.op("ADD", [data, net.constant(np.ones((1, 4)))])
    net.graph.tensors[data].shapeSignature = [-1, 4]
    net.graph.tensors[made_of].shapeSignature = [-1, 4]
    return net.made(made_of)


def _not_numbers(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    weights = np.full((20, 4), np.nan)
    made_of = net.dense(net.input(1, 4), weights)
    for scale, tensor in zip((np.nan, np.inf, 0), net.graph.tensors, strict=False):
        parameters = bindings.QuantizationParametersT()
        parameters.scale, parameters.zeroPoint = np.float32([scale]), np.array([0])
        tensor.quantization = parameters
    return net.made(made_of)


def _small_integers(bindings: ModuleType) -> Model:
    net = Graph(bindings)
    weights = net.constant(np.zeros((40, 2)), "i1")
    net.graph.tensors[weights].type = bindings.TensorType.INT4
    net.graph.tensors[weights].shape = [40, 4]
    scales = bindings.QuantizationParametersT()
    scales.scale = np.geomspace(1e-6, 1e6, 40).astype("f4")
    scales.zeroPoint = np.zeros(40, "i8")
    net.graph.tensors[weights].quantization = scales
    return net.made(net.op("FULLY_CONNECTED", [net.input(1, 4), weights, -1], 1, 40))


def _loop(bindings: ModuleType) -> Model:
    """Subgraphs 0: WHILE, IF, ASSIGN_VARIABLE; 1: LESS; 2: ADD, WHILE; 3: nothing."""
    net = Graph(bindings)
    _begin(net, "main", net.graph)
    loop = _call(net, "WHILE", net.input(1, 4, name="a"), cond=1, body=2)
    branch = _call(net, "IF", loop, then=2, otherwise=3)
    net.op("ASSIGN_VARIABLE", [net.tensor([], "resource", "r"), branch])
    net.graph.operators[-1].outputs = []
    net.graph.outputs = [loop, branch]
    _begin(net, "")
    compared = net.add("LESS", [net.input(1, name="x"), net.constant([3])], [(1,)], None, ("bool",))
    net.graph.outputs = [compared]
    _begin(net, "")
    total = net.op("ADD", [net.input(1, 4, name="x"), net.input(1, 4, name="s")])
    net.graph.outputs = [_call(net, "WHILE", total, cond=1, body=3)]
    _begin(net, "unused")
    return net.made(net.input(1, dtype="resource", name="x"))


def _begin(net: Graph, name: str, graph: Any = None) -> None:
    """What is added from now on is in another subgraph."""
    if graph is None:
        net.graph = net.schema.SubGraphT()
        net.model.subgraphs.append(net.graph)
        net.graph.tensors, net.graph.operators, net.graph.inputs = [], [], []
    net.graph.name = name


def _call(net: Graph, name: str, data: int, **callees: int) -> int:
    fields = {"cond": "cond", "body": "body", "then": "then", "otherwise": "else"}
    options = {f"{fields[key]}SubgraphIndex": value for key, value in callees.items()}
    return net.add(name, [data], [net.shape(data)], (f"{name.title()}Options", options))


STRANGE = [
    _nothing,
    _only_ends,
    _wide,
    _one_name,
    _unnamed,
    _empty_tensors,
    _free_sizes,
    _not_numbers,
    _small_integers,
    _loop,
]


def test_strange_models_open(look: Callable[..., Any], bindings: ModuleType) -> None:
    look([each(bindings) for each in STRANGE])


def test_a_subgraph_is_chosen_by_select_table_and_address(
    look: Callable[..., Any], bindings: ModuleType, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = look([_loop(bindings)])
    page.select_option("#subgraph", "0")
    drawn = page.locator("g.node .name")
    assert drawn.all_text_contents() == ["a", "WHILE", "IF", "ASSIGN_VARIABLE", "t1", "t2"]
    page.locator("g.node.op").first.click()
    page.locator("#details").get_by_role("button", name="subgraph 2", exact=True).click()
    assert page.locator("#subgraph").input_value() == "2"
    assert drawn.all_text_contents() == ["x", "s", "ADD", "WHILE", "t3"]
    page.locator("#operators tbody tr").nth(3).locator("td").last.click()
    assert page.locator("#subgraph").input_value() == "1"
    assert drawn.all_text_contents() == ["x", "LESS", "t2"]
    assert page.locator("#details h3").inner_text() == "LESS op 0, subgraph 1"
    assert page.url.endswith("#subgraph=1&op=0")
    again = visit(tmp_path / "report.html", "#subgraph=2&op=1")
    assert again.locator("#details h3").inner_text() == "WHILE op 1, subgraph 2"
    assert again.locator("g.node.selected").get_attribute("data-node") == "s2op1"


def test_text_of_a_model_stays_text(
    look: Callable[..., Any],
    digits: Callable[..., tfq.Model],
    edited: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    digits(mode="full_integer").save(tmp_path / "plain.tflite")
    names = [*HOSTILE, LONG]

    def change(model: Any) -> None:
        for place, tensor in enumerate(model.subgraphs[0].tensors):
            tensor.name = names[place % len(names)].encode()
        model.subgraphs[0].name = names[0].encode()

    path = tmp_path / "<b>&.tflite"
    path.write_bytes(edited(tmp_path / "plain.tflite", change))
    page = look([tfq.load(path)])
    page.locator("#verdict .findings").last.wait_for()
    shown = page.locator("g.node").evaluate_all(DETAILS)
    for text, expected in HOSTILE.items():
        assert (expected or text) in shown
    assert "beginxxx" in shown and "xxxend" in shown and LONG not in shown
    assert page.locator("main :is(script, img, b)").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.locator("h1").inner_text() == "<b>&.tflite"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400

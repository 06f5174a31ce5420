"""What `tfq retarget` repairs is what the findings say it repairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import Graph, Op, T, conv

from tfq.lint import formats, lint
from tfq.lint.rules import all_rules
from tfq.model import Model
from tfq.profiles import Profile
from tfq.retarget import STEPS

Build = Callable[..., Model]
Device = Callable[..., Profile]


def fixes(model: Model | Path, profile: str, *rules: str) -> list[str | None]:
    return [each.fix for each in lint(model, profile, select=rules).findings]


def test_the_rules_name_the_passes_that_retarget_runs_for_them() -> None:
    steps = {rule: step.name for step in STEPS for rule in step.rules}
    # Those of inputs and outputs follow the steps.
    steps |= dict.fromkeys(("Q102", "Q103", "Q107"), "integer_io")
    assert {each.id: each.fix for each in all_rules().values() if each.fix} == steps


def test_a_rule_with_a_fix_says_so_in_its_documentation() -> None:
    for rule in all_rules().values():
        advice = rule.section("Use instead") + rule.section("Fix safety")
        assert ("tfq retarget" in advice) == (rule.fix is not None), rule.id


def edges(*operators: Op) -> Graph:
    """int8 inside, float at both ends."""
    names = ["x", "a", "b", "y"]
    tensors = [T(name, "float32" if name in "xy" else "int8", int(name in "ab")) for name in names]
    return Graph(tensors, list(operators), ["x"], ["y"])


def test_float_ends_of_an_integer_model_are_repaired_and_those_of_a_float_model_are_not(
    build: Build,
) -> None:
    graph = edges(
        Op("QUANTIZE", ["x"], ["a"]), Op("RELU", ["a"], ["b"]), Op("DEQUANTIZE", ["b"], ["y"])
    )
    assert fixes(build(graph), "artpec8", "Q102", "Q103") == ["integer_io"] * 2
    assert fixes(build(conv(activations="float32")), "artpec8", "Q102", "Q103") == [None] * 2


def test_a_float_op_is_repaired_only_where_it_is_one_of_a_pair_that_cancels(build: Build) -> None:
    tensors = [T("x", scales=1), T("f", "float32"), T("b", scales=1), T("g", "float32")]
    tensors.append(T("y", scales=1))
    pair = [Op("DEQUANTIZE", ["x"], ["f"]), Op("QUANTIZE", ["f"], ["b"])]
    island = [
        Op("DEQUANTIZE", ["b"], ["g"]),
        Op("CEIL", ["g"], ["g"]),
        Op("QUANTIZE", ["g"], ["y"]),
    ]
    model = build(Graph(tensors, [*pair, *island], ["x"], ["y"]))
    found = fixes(model, "artpec8", "Q101")
    assert found[:2] == ["cancelling_pairs"] * 2
    assert found[3] is None


@pytest.mark.parametrize(("dtype", "fix"), [("uint8", "byte_types"), ("int16", None)])
def test_only_bytes_become_other_bytes(
    build: Build, device: Device, dtype: str, fix: str | None
) -> None:
    graph = Graph([T("x", dtype, 1), T("y", dtype, 1)], [Op("RELU", ["x"], ["y"])], ["x"], ["y"])
    report = lint(build(graph), device({"activations": ["int8"]}), select=["Q106"])
    assert [each.fix for each in report.findings] == [fix]


def test_people_read_it_last(build: Build) -> None:
    def last(model: Model, rule: str) -> str:
        report = lint(model, "artpec8", select=[rule])
        return formats.load("text").render([report], [], colour=False).splitlines()[-1]

    assert last(build(conv(scales=4)), "Q201") == "    Fix: tfq retarget"
    floats = build(conv(activations="float32"))
    assert last(floats, "Q104") == "    Fix: none without the source model"
    half = [T("x", "float32"), T("z", "float32"), T("a", scales=1), T("y", "float32")]
    operators = [Op("QUANTIZE", ["x"], ["a"]), Op("ABS", ["z"], ["y"])]
    some = build(Graph(half, operators, ["x", "z"], ["y"]))
    assert last(some, "Q102") == "    Fix: tfq retarget, for 1 of 2"


def test_programs_read_it_too(build: Build) -> None:
    report = lint(build(conv(scales=4)), "artpec8", select=["Q201"])
    content = json.loads(formats.load("json").render([report], [], colour=False))
    assert content["reports"][0]["findings"][0]["fix"] == "per_tensor"
    sarif = json.loads(formats.load("sarif").render([report], [], colour=False))
    rules = sarif["runs"][0]["tool"]["driver"]["rules"]
    assert {each["id"]: each["properties"]["fix"] for each in rules}["Q201"] == "per_tensor"

"""Whatever the device does not take is told, and what follows it blames the right operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import Graph, Op, T

from tfq import ops, profiles
from tfq.lint import Report, lint
from tfq.model import Model, Operator
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]
PROFILES = list(profiles.names())


def untold(report: Report) -> list[Operator]:
    """Operators that do not fit and about which no finding says anything."""
    told = {each.operator for each in report.findings}
    # What converts at the model's input or output is told with that tensor.
    edges = {each.tensor for each in report.findings if each.rule in ("Q102", "Q103")}
    is_told_as_a_whole = any(each.rule == "Q301" for each in report.findings)
    return [
        each.operator
        for each in report.placement.operators
        if each.reason
        and each.operator not in told
        and edges.isdisjoint([*each.operator.inputs, *each.operator.outputs])
        # What only unpacks constants is told with the operator that takes them.
        and not ops.unpacks_constant(each.operator)
        and not (is_told_as_a_whole and _is_quantized(each.operator))
    ]


def _is_quantized(operator: Operator) -> bool:
    tensors = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
    return any(each.quantization is not None for each in tensors)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_operator_that_does_not_fit_has_a_finding(profile: str, shared_models: Path) -> None:
    models = sorted(shared_models.rglob("*.tflite"))
    models = [each for each in models if "invalid" not in each.parts]
    reports = [lint(model, profile) for model in models]
    assert [(each.name, untold(each)) for each in reports if untold(each)] == []


def test_a_custom_op_that_is_listed_but_breaks_a_limit_is_told(
    build: Build, device: Device
) -> None:
    limit = {"require": {"inputs": {"max": 1}}, "why": "a small chip"}
    profile = device(operators={"mine": [limit]}, misfit={"target": "cpu"})
    graph = Graph(
        [T("a", scales=1), T("b", scales=1), T("y", scales=1)],
        [Op("mine", ["a", "b"], ["y"])],
        ["a", "b"],
        ["y"],
    )
    report = lint(build(graph), profile, select=["Q7"])
    assert [each.rule for each in report.findings] == ["Q702"]
    assert untold(report) == []


def test_integers_in_a_float_model_that_are_not_listed_are_told(
    build: Build, device: Device
) -> None:
    float_only = {"compute": "float", "inputs": None, "outputs": None}
    profile = device(float_only, operators={"RELU": []}, misfit={"target": "cpu"})
    graph = Graph([T("x", "int32"), T("y", "int32")], [Op("ABS", ["x"], ["y"])], ["x"], ["y"])
    report = lint(build(graph), profile)
    assert [each.message for each in report.findings] == [
        "op 0 ABS: chip has no ABS; it runs on the CPU"
    ]


def test_what_converts_a_float_input_is_not_blamed_for_the_end(
    build: Build, device: Device
) -> None:
    names = ["x", "q", "a", "b", "c"]
    tensors = [T("x", "float32"), *(T(name, scales=1) for name in names[1:])]
    steps = zip(["QUANTIZE", "RELU", "CEIL", "RELU"], names, names[1:], strict=False)
    operators = [Op(name, [given], [made]) for name, given, made in steps]
    profile = device(operators={"RELU": []}, misfit={"target": "cpu", "ends_accelerator": True})
    report = lint(build(Graph(tensors, operators, ["x"], ["c"])), profile, select=["Q703"])
    (finding,) = report.findings
    assert finding.message.startswith("op 3 RELU: needs what op 2 CEIL computes on the CPU")
    (after,) = [each for each in report.placement.operators if each.after_end]
    assert after.ended_by is report.model.operators[2]

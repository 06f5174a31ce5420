"""What the OASIS standard asks of a SARIF 2.1.0 log, by its section numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from graphs import conv

import tfq
from tfq.lint import Report, formats, lint
from tfq.lint.formats import Unreadable
from tfq.lint.rules import all_rules
from tfq.model import Model

Build = Callable[..., Model]

# By object, the properties that the standard requires and those others that tfq writes.
REQUIRED = {
    "sarifLog": ({"version", "runs"}, {"$schema"}),  # 3.13
    "run": ({"tool"}, {"invocations", "results", "automationDetails"}),  # 3.14
    "tool": ({"driver"}, set()),  # 3.18
    "toolComponent": ({"name"}, {"version", "rules"}),  # 3.19
    "reportingDescriptor": (  # 3.49
        {"id"},
        {
            "name",
            "shortDescription",
            "fullDescription",
            "help",
            "defaultConfiguration",
            "properties",
        },
    ),
    "invocation": ({"executionSuccessful"}, {"toolExecutionNotifications"}),  # 3.20
    "notification": ({"message"}, {"level", "locations"}),  # 3.58
    "result": (  # 3.27
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "partialFingerprints"},
    ),
    "location": (set(), {"physicalLocation", "logicalLocations"}),  # 3.28
    "physicalLocation": ({"artifactLocation"}, set()),  # 3.29
    "artifactLocation": (set(), {"uri", "uriBaseId"}),  # 3.4
    "logicalLocation": (set(), {"name", "fullyQualifiedName", "kind"}),  # 3.33
    "multiformatMessageString": ({"text"}, {"markdown"}),  # 3.12
    "message": ({"text"}, set()),  # 3.11
}


def check(kind: str, value: dict[str, Any]) -> None:
    required, others = REQUIRED[kind]
    assert required <= set(value) <= required | others, kind


def check_location(location: dict[str, Any]) -> None:
    check("location", location)
    check("physicalLocation", location["physicalLocation"])
    check("artifactLocation", location["physicalLocation"]["artifactLocation"])
    logical = location.get("logicalLocations", [])
    for each in logical:
        check("logicalLocation", each)
    # 3.28.4: an array of unique items.
    assert len({json.dumps(each) for each in logical}) == len(logical)


def run_of(*reports: Report, unreadable: tuple[Unreadable, ...] = ()) -> dict[str, Any]:
    log = json.loads(formats.load("sarif").render(reports, unreadable, colour=False))
    check("sarifLog", log)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return run


@pytest.fixture
def reports(shared_models: Path) -> list[Report]:
    names = ("hello_world_float", "hello_world_int8", "micro_speech_quantized")
    paths = [shared_models / f"micro/{name}.tflite" for name in names]
    return [lint(path, "artpec8", severity={"Q103": "hint", "Q201": "warning"}) for path in paths]


def test_it_has_the_structure_that_the_standard_asks_for(reports: list[Report]) -> None:
    run = run_of(*reports, unreadable=(Unreadable("x.tflite", "no such file"),))
    check("run", run)
    check("tool", run["tool"])
    check("toolComponent", run["tool"]["driver"])
    for rule in run["tool"]["driver"]["rules"]:
        check("reportingDescriptor", rule)
        check("multiformatMessageString", rule["help"])
        check("multiformatMessageString", rule["shortDescription"])
        check("multiformatMessageString", rule["fullDescription"])
    for invocation in run["invocations"]:
        check("invocation", invocation)
        for each in invocation["toolExecutionNotifications"]:
            check("notification", each)
            check("message", each["message"])
            for location in each["locations"]:
                check_location(location)
    for result in run["results"]:
        check("result", result)
        check("message", result["message"])
        for location in result["locations"]:
            check_location(location)


def test_the_rules_carry_their_documentation(reports: list[Report]) -> None:
    rules = run_of(*reports)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(all_rules())
    for rule in rules:
        assert "## Use instead" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")


def test_results_are_the_findings(reports: list[Report]) -> None:
    run = run_of(*reports)
    findings = [finding for report in reports for finding in report.findings]
    assert len(run["results"]) == len(findings) > 0
    levels = {"error": "error", "warning": "warning", "hint": "note"}
    assert {result["level"] for result in run["results"]} == set(levels.values())
    for result, finding in zip(run["results"], findings, strict=True):
        assert result["level"] == levels[finding.severity]
        assert result["ruleId"] == finding.rule
        # 3.27.6: the index is that of the rule's description.
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == finding.rule


def test_an_operator_and_its_tensor_are_logical_locations(build: Build) -> None:
    report = lint(build(conv(scales=4)), "artpec8", select=["Q201"])
    (result,) = run_of(report)["results"]
    operator, tensor = result["locations"][0]["logicalLocations"]
    assert operator["fullyQualifiedName"] == "subgraph 0 › op 0 CONV_2D"
    assert tensor["fullyQualifiedName"] == "subgraph 0 › tensor 1 kernel"


def test_an_unreadable_file_is_a_notification(build: Build) -> None:
    good = run_of(lint(build(conv()), "artpec8"))["invocations"][0]
    assert good["executionSuccessful"] is True
    bad = run_of(unreadable=(Unreadable("a b.tflite", "no such file"),))["invocations"][0]
    # 3.20.14: false because a notification has the level error.
    assert bad["executionSuccessful"] is False
    (notification,) = bad["toolExecutionNotifications"]
    assert notification["level"] == "error"
    place = notification["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "a%20b.tflite", "uriBaseId": "%SRCROOT%"}


def uri(path: str, build: Build) -> dict[str, str]:
    model = build(conv(scales=4))
    report = lint(model, "artpec8")
    named = Report(model, report.profile, report.findings, name=path)
    place: dict[str, str] = run_of(named)["results"][0]["locations"][0]["physicalLocation"][
        "artifactLocation"
    ]
    return place


def test_paths_are_relative_uris(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("m.tflite", "./m.tflite", "deep/../m.tflite", f"{tmp_path}/m.tflite"):
        assert uri(path, build) == {"uri": "m.tflite", "uriBaseId": "%SRCROOT%"}
    assert (
        uri("a:b/50% größe#1?.tflite", build)["uri"]
        == "a%3Ab/50%25%20gr%C3%B6%C3%9Fe%231%3F.tflite"
    )
    assert unquote(uri("..x/m.tflite", build)["uri"]) == "..x/m.tflite"
    outside = uri("../m.tflite", build)
    assert outside == {"uri": f"file://{tmp_path.parent}/m.tflite"}
    latin = os.fsdecode(b"\xe9.tflite")
    assert uri(latin, build)["uri"] == "%E9.tflite"


def test_fingerprints_stay_when_other_rules_are_asked_for(reports: list[Report]) -> None:
    def prints(run: dict[str, Any]) -> set[str]:
        return {each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]}

    one = tfq.lint(reports[0].model, "artpec8", select=["Q102"])
    assert len(prints(run_of(one))) == 1
    assert prints(run_of(one)) < prints(run_of(*reports))


def test_runs_for_different_devices_are_told_apart(build: Build) -> None:
    assert run_of(lint(build(conv()), "artpec8"))["automationDetails"] == {"id": "tfq/artpec8/"}

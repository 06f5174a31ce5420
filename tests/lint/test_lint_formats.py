from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphs import Graph, Op, T, conv

from tfq import profiles, schemas
from tfq.lint import Report, formats, lint
from tfq.lint.formats import Unreadable
from tfq.lint.rules import all_rules
from tfq.model import Model
from tfq.profiles.validate import violations
from tfq.terminal import printable

Build = Callable[..., Model]


def text(*reports: Any, unreadable: tuple[Unreadable, ...] = (), colour: bool = False) -> str:
    return formats.load("text").render(reports, unreadable, colour=colour)


def floats(count: int) -> Graph:
    """A chain of operators in float."""
    tensors = [T(f"t{at}", "float32") for at in range(count + 1)]
    operators = [Op("ADD", [f"t{at}"], [f"t{at + 1}"]) for at in range(count)]
    return Graph(tensors, operators, ["t0"], [f"t{count}"])


def test_the_verdict_comes_first_and_what_is_alike_shares_a_line(build: Build) -> None:
    report = lint(build(floats(12)), "artpec8")
    first, second, *lines = text(report).splitlines()
    assert first == f"{report.name}: artpec8: FAIL, 14 errors, 0 warnings"
    assert second == "  accelerator: 0 of 12 ops (0 %); cpu: 12 ADD"
    assert lines[:5] == [
        "",
        "  error Q101 Op computes in float: 12 ADD",
        "    ops 0-11: float compute",
        "    Use instead: `tfq convert --mode=full_integer` with calibration data.",
        "    Fix: none without the source model",
    ]


def test_subgraphs_are_kept_apart(build: Build) -> None:
    lines = text(lint(build(floats(2), floats(3)), "artpec8")).splitlines()
    assert lines[4:6] == ["    ops 0-1: float compute", "    subgraph 1 ops 0-2: float compute"]


def test_of_a_long_group_the_first_are_listed(build: Build) -> None:
    inputs = [f"x{at}" for at in range(13)]
    graph = Graph([T(name, "float32") for name in inputs], [], inputs, [])
    lines = text(lint(build(graph), "artpec8")).splitlines()
    assert lines[3] == "  error Q102 Model input is float"
    assert lines[13].startswith("    input 'x9' is float32")
    assert lines[14] == "    and 3 more; --format=json lists all"


def kernels(*scales: int, zero_point: int = 0) -> Graph:
    """Convolutions of which each has its own kernel, with so many scales."""
    made = [
        T(f"k{at}", "int8", count, True, zero_points=(zero_point,) * count)
        for at, count in enumerate(scales)
    ]
    operators = [Op("CONV_2D", ["x", each.name, None], ["y"]) for each in made]
    return Graph([T("x", scales=1), T("y", scales=1), *made], operators, ["x"], ["y"])


def test_what_differs_in_names_and_numbers_of_scales_shares_a_line(build: Build) -> None:
    report = lint(build(kernels(10, 1, 96, 24)), "artpec8", select=["Q201"])
    assert text(report).splitlines()[4] == (
        "    ops 0, 2-3: weights are per_channel with 10 to 96 scales; artpec8 wants per_tensor"
    )
    assert "weights 'k2' are per_channel with 96 scales" in report.findings[1].message
    assert "weights 'k2' are per_channel with 96 scales" in formats.load("json").render(
        [report], [], colour=False
    )


def test_two_lines_keep_their_names(build: Build) -> None:
    lines = text(lint(build(kernels(10, 96)), "artpec8", select=["Q201"])).splitlines()
    assert lines[4].startswith("    op 0 CONV_2D: weights 'k0' are per_channel with 10 scales")
    assert lines[5].startswith("    op 1 CONV_2D: weights 'k1' are per_channel with 96 scales")


def test_what_differs_otherwise_is_listed_one_by_one(build: Build) -> None:
    graph = kernels(4, 4, 4)
    graph.tensors[-1] = graph.tensors[-1]._replace(dtype="int16")
    lines = text(lint(build(graph), "tflm", select=["Q7"])).splitlines()
    assert not any("ops 0-2" in line for line in lines)


def test_a_report_without_findings_is_the_verdict_and_where_the_ops_run(build: Build) -> None:
    report = lint(build(conv()), "cpu", select=["Q10"])
    assert text(report).splitlines() == [report.summary, "  cpu: 1 of 1 ops"]


def test_several_models_end_in_a_total(build: Build) -> None:
    good = lint(build(conv()), "artpec8")
    bad = lint(build(conv(scales=4)), "artpec8")
    unreadable = (Unreadable("x.tflite", "x.tflite: no such file"),)
    assert text(good, bad, unreadable=unreadable).endswith(
        "\n\n3 models: 1 pass, 1 fail, 1 unreadable"
    )


def test_colour_only_where_it_is_wanted(build: Build) -> None:
    report = lint(build(conv(scales=4)), "artpec8")
    assert "\x1b[31mFAIL\x1b[0m" in text(report, colour=True)
    assert "\x1b" not in text(report, colour=False)


def test_hostile_names_reach_no_terminal(build: Build) -> None:
    graph = Graph(
        [T("in\x1b[2J\r\n", "float32"), T("out\u202e", "float32")],
        [Op("op\x1b]0;title\x07", ["in\x1b[2J\r\n"], ["out\u202e"])],
        ["in\x1b[2J\r\n"],
        ["out\u202e"],
    )
    report = lint(build(graph), "artpec8")
    assert all(line.isprintable() for line in text(report).split("\n"))
    assert len(text(lint(report.model, "artpec8", select=["Q10"])).split("\n")) == 17


def test_printable_keeps_letters_and_escapes_the_rest() -> None:
    assert printable("größe/重み") == "größe/重み"
    assert printable("a\x1b[31m\n\u202e\udc80") == r"a\x1b[31m\n\u202e\udc80"


def test_json_meets_its_schema(build: Build) -> None:
    reports = [lint(build(floats(3)), "artpec8"), lint(build(conv()), "artpec7")]
    unreadable = [Unreadable("x.tflite", "x.tflite: no such file")]
    content = json.loads(formats.load("json").render(reports, unreadable, colour=True))
    assert list(violations(content, schemas.load("lint.schema"))) == []
    first = content["reports"][0]
    assert first["counts"] == {"error": 5, "warning": 0, "hint": 0}
    assert first["findings"][0] == {
        "rule": "Q101",
        "name": "float-op",
        "severity": "error",
        "message": "op 0 ADD: float compute",
        "fix": None,
        "subgraph": 0,
        "operator": {"index": 0, "name": "ADD"},
        "tensor": None,
    }
    assert first["findings"][3]["tensor"] == {"index": 0, "name": "t0"}
    assert content["reports"][1]["findings"][0]["subgraph"] is None


def test_junit_has_a_suite_for_each_model_and_a_case_for_each_rule(build: Build) -> None:
    reports = [
        lint(build(conv(scales=4)), "artpec8"),
        lint(build(conv()), "artpec7", select=["Q2"]),
    ]
    unreadable = [Unreadable("x.tflite", "x.tflite: no such file")]
    root = ET.fromstring(formats.load("junit").render(reports, unreadable, colour=True))
    first, second, third = root.findall("testsuite")
    assert [case.attrib["name"].split()[0] for case in first.findall("testcase")] == [*all_rules()]
    (failure,) = first.findall("testcase/failure")
    assert failure.text is not None
    assert failure.text.startswith("op 0 CONV_2D: weights 'kernel' are per_channel with 4 scales")
    assert len(second.findall("testcase")) == sum(each.startswith("Q2") for each in all_rules())
    (output,) = second.findall("testcase/system-out")
    assert output.text is not None
    assert output.text.startswith("hint: Weights have one scale where")
    (error,) = third.findall("testcase/error")
    assert error.attrib["message"] == "x.tflite: no such file"
    assert (root.attrib["failures"], root.attrib["errors"]) == ("1", "1")
    assert int(root.attrib["tests"]) == len(root.findall("testsuite/testcase"))
    for suite in root.findall("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))


def test_github_has_an_annotation_for_each_cause(shared_models: Path) -> None:
    report = lint(shared_models / "micro/hello_world_float.tflite", "artpec8", select=["Q10"])
    first, *lines = formats.load("github").render([report], [], colour=True).split("\n")
    assert first.startswith("tfq lint: ")
    annotations = [line for line in lines if line.startswith("::")]
    assert [line.partition(" ")[0] for line in annotations] == ["::error"] * 3
    assert (
        f"file={report.name},title=Q101 Op computes in float%3A 3 FULLY_CONNECTED::"
        in (annotations[0])
    )
    assert annotations[0].endswith(
        "::ops 0-2: float compute%0A"
        "Use instead: `tfq convert --mode=full_integer` with calibration data."
    )


def test_markdown_has_a_row_for_each_model_and_folds_the_rest(build: Build) -> None:
    reports = [
        lint(build(conv(), name="a.tflite"), "cpu", select=["Q10"]),
        lint(build(conv()), "artpec7", select=["Q20"]),
    ]
    unreadable = [Unreadable("x.tflite", "x.tflite: no such file")]
    text = formats.load("markdown").render(reports, unreadable, colour=True)
    assert text.startswith("### tfq lint: FAIL\n\n| model | profile | verdict |")
    assert f"\n| `{reports[0].name}` | `cpu` | PASS | 0 | 0 | 0 |" in text
    assert "\n| `x.tflite` |  | **unreadable** |" in text
    assert text.count("<details>") == 1
    assert "**hint Q202** " in text


def test_where_operators_run_is_one_line_if_the_profile_says_it(
    build: Build, shared_models: Path, tmp_path: Path
) -> None:
    path = tmp_path / "chip.json"
    operators: dict[str, Any] = dict.fromkeys(profiles.load("artpec8").operators)
    operators["DEPTHWISE_CONV_2D"] = []
    path.write_text(json.dumps({"name": "chip", "extends": "artpec8", "operators": operators}))
    model = shared_models / "micro/micro_speech_quantized.tflite"
    report = lint(model, path, select=["Q3"])
    lines = text(report).splitlines()
    assert lines[1].startswith("  accelerator: 1 of 4 ops (25 %), ")
    assert "; cpu: 1 FULLY_CONNECTED, 1 RESHAPE, 1 SOFTMAX" in lines[1]
    assert " | 1 of 4 ops |" in formats.load("markdown").render([report], [], colour=False)
    content = json.loads(formats.load("json").render([report], [], colour=False))
    assert list(violations(content, schemas.load("lint.schema"))) == []
    placement = content["reports"][0]["placement"]
    assert (placement["on_accelerator"], placement["fits"]) == (1, False)
    assert len(placement["operators"]) == 4
    silent = lint(build(conv()), "cv25")
    assert "accelerator" not in text(silent)
    assert (
        json.loads(formats.load("json").render([silent], [], colour=False))["reports"][0][
            "placement"
        ]
        is None
    )


def test_what_a_baseline_hides_is_counted_and_what_it_no_longer_finds_is_noted(
    build: Build,
) -> None:
    found = lint(build(conv(scales=4)), "artpec8", select=["Q20"])
    report = Report(found.model, found.profile, (), accepted=found.findings, stale=2)
    note = "note: 2 findings of the baseline not found any more; --write_baseline renews it"
    lines = text(report).splitlines()
    assert lines[0].endswith("PASS, 0 errors, 0 warnings, 1 in the baseline")
    assert f"  {note}" in lines
    for name in ("sarif", "junit", "github", "markdown"):
        assert note in formats.load(name).render([report], [], colour=False)
    content = json.loads(formats.load("json").render([report], [], colour=False))
    assert content["reports"][0]["baseline"] == {"accepted": 1, "stale": 2}

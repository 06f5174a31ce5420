from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphs import Graph, Op, T, conv

from tfq import schemas
from tfq.lint import formats, lint
from tfq.lint.formats import Unreadable
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
    assert text(report).splitlines()[:6] == [
        f"{report.name}: artpec8: FAIL, 14 errors, 0 warnings",
        "",
        "  error Q101 Op computes in float: 12 ADD",
        "    ops 0-11: float compute",
        "    Use instead: `tfq convert --mode=full_integer` with calibration data.",
        "",
    ]


def test_subgraphs_are_kept_apart(build: Build) -> None:
    lines = text(lint(build(floats(2), floats(3)), "artpec8")).splitlines()
    assert lines[3:5] == ["    ops 0-1: float compute", "    subgraph 1 ops 0-2: float compute"]


def test_of_a_long_group_the_first_are_listed(build: Build) -> None:
    kernels = [T(f"kernel{at}", scales=4, constant=True) for at in range(13)]
    graph = Graph(
        [T("x", scales=1), T("y", scales=1), *kernels],
        [Op("CONV_2D", ["x", kernel.name, None], ["y"]) for kernel in kernels],
        ["x"],
        ["y"],
    )
    lines = text(lint(build(graph), "artpec8")).splitlines()
    assert lines[2] == "  error Q201 Weights have more than one scale: 13 CONV_2D"
    assert lines[12].startswith("    op 9 CONV_2D: weights 'kernel9' are per_channel with 4 scales")
    assert lines[13] == "    and 3 more; --format=json lists all"


def test_a_report_without_findings_is_one_line(build: Build) -> None:
    report = lint(build(conv()), "artpec8")
    assert text(report) == report.summary


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
    assert len(text(report).split("\n")) == 13


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
        "subgraph": 0,
        "operator": {"index": 0, "name": "ADD"},
        "tensor": None,
    }
    assert first["findings"][3]["tensor"] == {"index": 0, "name": "t0"}
    assert content["reports"][1]["findings"][0]["subgraph"] is None

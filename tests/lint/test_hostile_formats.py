"""Names from files that nobody trusts break no format; verdicts are the same in all of them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, Op, T, conv

from tfq import schemas
from tfq.lint import Report, formats, lint
from tfq.lint.formats import FORMATS, Unreadable
from tfq.lint.formats.markdown import MOST_CHARACTERS, code
from tfq.model import Model
from tfq.profiles.validate import violations

Build = Callable[..., Model]

NASTY = (
    "]]><x>&amp;\"'",
    "::error::x\n::stop-commands::y\r\n##[group]z",
    "a|b`c``d|\\|e\\",
    "</code></details><script>alert(1)</script>",
    "[link](https://example.com) @someone #1 :smile: $x$ *b* _i_",
    "\x00\x01\x1b[2J\x7f\x85\u2028\u202e\ufeff\ufffe\uffff",
    "100%0A%25,file=x",
    "{0} {{1}}",
    "重み größe 🦊",
    "n" * 200_000,
)


def render(name: str, *reports: Report, unreadable: tuple[Unreadable, ...] = ()) -> str:
    return formats.load(name).render(reports, unreadable, colour=False)


@pytest.fixture(params=range(len(NASTY)), ids=lambda at: NASTY[at][:8].encode("unicode_escape"))
def hostile(request: pytest.FixtureRequest, build: Build) -> tuple[Report, Unreadable]:
    """A report of a model in which everything that can have a name has a nasty one."""
    name = NASTY[request.param]
    graph = Graph(
        [T(name, "float32"), T(f"{name}!", "int8", 4, constant=True), T("y", "float32")],
        [Op(name, [name], ["y"]), Op("CONV_2D", [name, f"{name}!", None], ["y"])],
        [name],
        ["y"],
    )
    model = build(graph)
    report = lint(model, "artpec8")
    path = name[:100]
    return Report(model, report.profile, report.findings, name=path), Unreadable(path, name[:1000])


def every(reports: tuple[Report, Unreadable], name: str) -> str:
    return render(name, reports[0], unreadable=(reports[1],))


def test_text_and_github_and_markdown_have_only_printable_lines(
    hostile: tuple[Report, Unreadable],
) -> None:
    for name in ("text", "github", "markdown"):
        assert all(line.isprintable() for line in every(hostile, name).split("\n")), name


def test_json_meets_its_schema(hostile: tuple[Report, Unreadable]) -> None:
    content = json.loads(every(hostile, "json"))
    assert list(violations(content, schemas.load("lint.schema"))) == []
    assert content["reports"][0]["model"] == hostile[0].name


def test_junit_is_xml(hostile: tuple[Report, Unreadable]) -> None:
    root = ET.fromstring(every(hostile, "junit").encode())
    assert len(root.findall("testsuite")) == 2
    assert {each.tag for each in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "properties", "property"),
        *("failure", "error", "system-out"),
    }


def test_github_lines_are_annotations_or_start_with_our_name(
    hostile: tuple[Report, Unreadable],
) -> None:
    annotations = 0
    for line in every(hostile, "github").split("\n"):
        command = re.fullmatch(r"::(error|warning|notice) file=([^:,]*),title=([^:,]*)::(.*)", line)
        if command is None:
            assert line.startswith("tfq lint: ")
            assert "##[" not in line
        else:
            annotations += 1
            assert not re.search("%(?!25|0A|0D|3A|2C)", "".join(command.groups()))
    assert annotations == len({each.rule for each in hostile[0].findings}) + 1


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def as_html(text: str) -> Tags:
    """What a reader of GitHub's Markdown makes of a text."""
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    tags = Tags()
    tags.feed(markdown.render(text))
    return tags


def test_markdown_has_our_tags_only(hostile: tuple[Report, Unreadable]) -> None:
    page = as_html(every(hostile, "markdown"))
    ours = {*("h3", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "p")}
    assert set(page.found) <= ours | {"details", "summary", "ul", "li"}
    assert page.found.count("tr") == 3
    columns = page.found.count("th")
    assert columns == 6 + bool(hostile[0].profile.operators)
    assert page.found.count("td") == 2 * columns
    assert page.found.count("details") == 1


@pytest.mark.parametrize("name", [each for each in NASTY if each.isprintable()])
def test_code_shows_a_name_as_it_is(name: str) -> None:
    assert as_html(code(name)).text.strip() == name
    table = f"| a | b |\n| --- | --- |\n| {code(name)} | x |"
    assert name in as_html(table).text
    assert as_html(table).found.count("td") == 2


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


def test_sarif_has_no_control_characters_and_no_links(hostile: tuple[Report, Unreadable]) -> None:
    content = json.loads(every(hostile, "sarif"))
    (run,) = content["runs"]
    for text in strings([run["results"], run["invocations"]]):
        assert text.isprintable()
        assert len(text) < 2_000
    messages = [each["message"]["text"] for each in run["results"]]
    messages += [
        each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]
    ]
    assert not any("](" in message for message in messages)
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"([\w.~/-]|%[0-9A-F]{2})+", uri, re.ASCII)


# JSON has the whole name, wherever it is the name of something.
@pytest.mark.parametrize("name", [each for each in FORMATS if each != "json"])
def test_huge_names_do_not_make_huge_reports(build: Build, name: str) -> None:
    big = "n" * 1_000_000
    graph = Graph([T("x", "float32"), T("y", "float32")], [Op(big, ["x"], ["y"])] * 3, ["x"], ["y"])
    text = render(name, lint(build(graph), "artpec8"))
    assert len(text) < 300_000


def test_long_markdown_is_cut_before_github_refuses_it(shared_models: Path) -> None:
    report = lint(shared_models / "micro/hello_world_float.tflite", "artpec8")
    text = render("markdown", *[report] * 200)
    assert MOST_CHARACTERS / 2 < len(text) < 65_536
    assert "more with findings; `--format=json` lists all" in text
    assert text.count("<details>") == text.count("</details>")


def verdicts(name: str, reports: list[Report]) -> list[bool]:
    """Which models pass, as a format says it."""
    text = render(name, *reports)
    if name == "json":
        return [each["verdict"] == "pass" for each in json.loads(text)["reports"]]
    if name == "junit":
        suites = ET.fromstring(text.encode()).findall("testsuite")
        assert all(
            int(each.attrib["failures"]) == len(each.findall("*/failure")) for each in suites
        )
        return [each.attrib["failures"] == "0" for each in suites]
    if name == "sarif":
        results = json.loads(text)["runs"][0]["results"]
        failed = {
            each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for each in results
            if each["level"] == "error"
        }
        return [not any(Path(report.name).name in uri for uri in failed) for report in reports]
    if name == "github":
        return [f"::error file={report.name}," not in text for report in reports]
    words = re.findall(r"artpec7: (PASS|FAIL)|`artpec7` \| (PASS|\*\*FAIL\*\*)", text)
    return ["PASS" in word for word in words]


@pytest.mark.parametrize("name", FORMATS)
def test_the_verdicts_are_the_same_in_every_format(build: Build, name: str) -> None:
    levels = {"clean": None, "hint": "hint", "warning": "warning", "error": "error"}
    reports = [
        lint(
            build(conv(), name=f"{name}.tflite"),
            "artpec7",
            select=["Q202" if level else "Q201"],
            severity={"Q202": level} if level else {},
        )
        for name, level in levels.items()
    ]
    assert [len(report.findings) for report in reports] == [0, 1, 1, 1]
    assert verdicts(name, reports) == [True, True, True, False]

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from typing import Any

import pytest
from page_content import expanded

from tfq.report.html.packing import packed
from tfq.report.html.page import page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script>",
    "]]> & <!-- <script>",
    "{{csp}} {{data}} \\1 \\g<0>",
    "\u2028\u2029\ud800é",
]


def parts(text: str) -> dict[str, str]:
    """The page's policy, title, style, script and data."""
    patterns = {
        "policy": r'Content-Security-Policy" content="([^"]*)"',
        "title": r"<title>(.*?)</title>",
        "style": r"<style>(.*?)</style>",
        "data": r'<script type="application/json"[^>]*>(.*?)</script>',
        "script": r"<script>(.*?)</script>",
    }
    found = {name: re.findall(pattern, text, re.DOTALL) for name, pattern in patterns.items()}
    assert all(len(each) == 1 for each in found.values())
    return {name: each[0] for name, each in found.items()}


def made(**data: Any) -> dict[str, str]:
    return parts(page({"title": "t"} | data).decode("utf-8"))


def test_the_policy_lets_only_the_pages_own_scripts_and_styles_run() -> None:
    found = made()
    policy = dict(each.split(" ", 1) for each in found["policy"].split("; "))
    assert policy.pop("default-src") == policy.pop("base-uri") == "'none'"
    assert policy.pop("form-action") == "'none'" and policy.pop("img-src") == "data:"
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert policy.pop(f"{name}-src") == f"'sha256-{digest}'"
    assert policy == {}


def test_the_page_loads_nothing() -> None:
    text = page({"title": "t"}).decode("utf-8")
    assert re.findall(r"""(?:src|href)\s*=\s*["'][^#"']""", text) == []
    assert "@import" not in text and "url(http" not in text
    assert "{{" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_data_cannot_end_their_element(text: str) -> None:
    found = made(name=text, other={text: [text]})
    assert not re.search("[<>&]", found["data"]) and found["data"].isascii()
    assert expanded(json.loads(found["data"])) == {
        "title": "t",
        "name": text,
        "other": {text: [text]},
    }


def test_the_title_is_text() -> None:
    found = made(title="<b>&\"'{{data}}")
    assert found["title"] == "&lt;b&gt;&amp;&quot;&#x27;{{data}}"


REPEATED: dict[str, Any] = {"a long text": ["that is longer than a reference", None, True, {}, []]}
NESTED = [
    [REPEATED, [REPEATED, REPEATED], {"x": [REPEATED, "that is longer than a reference"]}],
    ["\x00", "\x001\x01", "\x001\x01", "\x000\x01 is long enough to share", "\x00" * 20] * 2,
    {},
    [[[[]]]],
    "text",
    None,
]


@pytest.mark.parametrize("data", NESTED)
def test_what_repeats_is_the_same_again(data: Any) -> None:
    assert expanded(json.loads(packed(data))) == data


def test_what_repeats_is_written_once() -> None:
    text = packed([REPEATED] * 100)
    assert text.count("a long text") == text.count("longer than a reference") == 1
    assert len(text) < 2_000
    # Its parts stand in it, as nothing else refers to them.
    assert len(json.loads(text)["shared"]) == 1


def test_lists_of_numbers_have_seven_digits() -> None:
    numbers = [math.pi, -1e-30, 0, 3, 1e30, 1 / 3, 2.5, -7]
    made_of = json.loads(packed(numbers))
    assert [*made_of["data"]] == ["f32"]
    assert expanded(made_of) == pytest.approx(numbers, rel=1e-7)


@pytest.mark.parametrize(
    "numbers", [[*range(20)], [0.5] * 7, [0.5, None] * 8, [1e300] + [0.5] * 8, [True, 0.5] * 8]
)
def test_other_lists_are_lists(numbers: list[Any]) -> None:
    assert json.loads(packed(numbers))["data"] == numbers


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        made(value=float("nan"))

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest

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
    assert json.loads(found["data"]) == {"title": "t", "name": text, "other": {text: [text]}}


def test_the_title_is_text() -> None:
    found = made(title="<b>&\"'{{data}}")
    assert found["title"] == "&lt;b&gt;&amp;&quot;&#x27;{{data}}"


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        made(value=float("nan"))

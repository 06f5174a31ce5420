from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Of texts and what is behind them, the contrast (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
CONTRASTS = """selectors => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = colour => {
    const [r, g, b] = rgba(colour).slice(0, 3).map(each => each / 255)
      .map(each => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    const box = node.closest(".node")?.querySelector(".box");
    if (box) return getComputedStyle(box).fill;
    for (let each = node; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  return selectors.map(selector => {
    const node = document.querySelector(selector);
    if (!node) return [selector, 0];
    const style = getComputedStyle(node);
    const text = node instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [light(text), light(behind(node))].sort((a, b) => a - b);
    return [selector, (high + 0.05) / (low + 0.05)];
  });
}"""
TEXTS = [
    "h1",
    "h2",
    "nav a",
    ".facts dt",
    ".facts dd",
    ".facts small",
    ".badge.pass",
    ".badge.fail",
    ".badge.error",
    ".badge.hint",
    ".cause",
    ".count",
    "figcaption span",
    ".plot .tick",
    ".plot .label",
    ".key li",
    "th button",
    "td",
    "td .link",
    ".node.op .name",
    ".node.op .detail",
    ".node.input .detail",
    ".details dt",
    ".details dd",
    ".details .link",
    "footer",
    "output",
    "label",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(visit: Callable[..., Any], float_page: Path, scheme: str) -> None:
    page = visit(float_page, color_scheme=scheme)
    page.locator("g.node.op").nth(1).click()
    texts = [each for each in TEXTS if each != ".badge.pass"]
    found = page.evaluate(CONTRASTS, texts)
    assert [each for each in found if each[1] < 4.5] == []
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 3 * 64) == (scheme == "dark")


# Elements that hide a part of themselves: what they cut off is not on the paper.
CLIPPED = """() => [...document.querySelectorAll("body *")].filter(node => {
  const style = getComputedStyle(node);
  if (node.closest("svg, .unseen, dialog, option") || !node.getClientRects().length) return false;
  const cut = axis => style[`overflow${axis}`] !== "visible";
  return (cut("X") && node.scrollWidth > node.clientWidth + 1) ||
    (cut("Y") && node.scrollHeight > node.clientHeight + 1);
}).map(node => node.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_has_everything_on_white(
    visit: Callable[..., Any], report_page: Path, scheme: str
) -> None:
    # A4 without its margins, at 96 dots an inch.
    page = visit(report_page, color_scheme=scheme, viewport={"width": 700, "height": 1000})
    page.locator("g.node.op").nth(1).dispatch_event("click")
    page.emulate_media(media="print", color_scheme=scheme)
    page.locator("details:not([open]):not(figure > details)").first.wait_for(state="detached")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    edges = page.locator("g.node").evaluate_all(
        "all => all.map(n => n.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert all(left >= 0 and right <= 700 for left, right in edges)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 32, 38)"
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgba(0, 0, 0, 0)"
    page.emulate_media(media="screen")
    page.locator("details:not([open])").first.wait_for()
    assert page.locator("svg.canvas[viewBox]").count() == 0


@pytest.mark.parametrize("width", [320, 400, 700, 1000, 1400])
def test_nothing_is_wider_than_the_window(
    visit: Callable[..., Any], report_page: Path, width: int
) -> None:
    page = visit(report_page, viewport={"width": width, "height": 900})
    page.locator("g.node.op").nth(1).dispatch_event("click")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_a_sentence_says_so(
    visit: Callable[..., Any], report_page: Path
) -> None:
    page = visit(report_page, java_script_enabled=False)
    assert "JavaScript" in page.locator("noscript").inner_text()

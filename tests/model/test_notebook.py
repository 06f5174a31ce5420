from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tfq.model import load
from tfq.model.notebook import MOST_ROWS, html, html_table


class Tags(HTMLParser):
    """Collects the tags and the text of a piece of HTML, after a look at whether they nest."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_every_part_of_every_real_model_is_a_table(model_path: Path) -> None:
    model = load(model_path)
    for subgraph in model.subgraphs:
        quantizations = [each.quantization for each in subgraph.tensors if each.quantization]
        for view in (model, subgraph, *subgraph.operators, *subgraph.tensors, *quantizations):
            tags = Tags(html(view))
            assert {"table", "caption", "tr", "td"} <= tags.seen
            assert tags.seen <= {"table", "caption", "tr", "td", "th", "p"}


def test_an_operator_shows_options_and_tensors(shared_models: Path) -> None:
    operator = load(shared_models / "micro/micro_speech_quantized.tflite").operators[1]
    text = Tags(html(operator)).text
    assert "<Operator 1 DEPTHWISE_CONV_2D>" in text
    assert text[text.index("padding") + 1] == "SAME"
    assert text[text.index("first_weights/read") + 1 :][:2] == ["int8", "1x10x8x8"]


def test_text_from_files_is_only_text(shared_models: Path, edited: Callable[..., bytes]) -> None:
    def rename(model: Any) -> None:
        model.description = "<script>alert(1)</script>"
        for tensor in model.subgraphs[0].tensors:
            tensor.name = "<img src=x onerror='alert(1)'>\x1b\u202e" * 100_000

    model = load(edited(shared_models / "micro/conv0.tflite", rename))
    for view in (model, model.subgraphs[0], model.operators[0], *model.tensors):
        content = html(view)
        assert Tags(content).seen.isdisjoint({"script", "img"})
        assert len(content) < 10_000
        assert "\x1b" not in content


@pytest.mark.parametrize("count", [0, MOST_ROWS, MOST_ROWS + 1])
def test_of_many_rows_the_first_are_shown(count: int) -> None:
    content = html_table("title", ["a"], [[number] for number in range(count)])
    assert content.count("<td>") == count
    assert (f"and {count - MOST_ROWS} more" in content) == (count > MOST_ROWS)


def test_other_views_show_their_repr(shared_models: Path) -> None:
    (signature,) = load(shared_models / "micro/dtln_noise_suppression.tflite").signatures
    assert html(signature).startswith("<code>&lt;Signature &#x27;serving_default&#x27;")

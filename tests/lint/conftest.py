from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphs import Builder, Graph

from tfq import profiles
from tfq.model import Model, load
from tfq.profiles import Profile


@pytest.fixture
def build(
    bindings: ModuleType, pack: Callable[[Any], bytes], tmp_path: Path
) -> Callable[..., Model]:
    """Makes a model of graphs; `name` is the file's, `signatures` are the graphs they call."""

    def build(
        *graphs: Graph, name: str = "model.tflite", signatures: tuple[int, ...] = ()
    ) -> Model:
        builder = Builder(bindings)
        for graph in graphs:
            builder.add(graph)
        for index in signatures:
            builder.sign(index)
        path = tmp_path / name
        path.write_bytes(pack(builder.model))
        return load(path)

    return build


@pytest.fixture
def device(tmp_path: Path) -> Callable[..., Profile]:
    """Makes a profile of a device for 8-bit integers of which nothing else is known.

    `quantization` is merged into what it says of types, where None takes a key away; other values
    are keys of a profile.
    """

    def device(quantization: dict[str, Any] | None = None, **values: Any) -> Profile:
        types = ("activations", "weights", "inputs", "outputs")
        merged = {"compute": "integer"} | {name: ["int8", "uint8"] for name in types}
        merged |= quantization or {}
        content = {
            "name": "chip",
            "title": "A chip",
            "vendor": "A vendor",
            "sources": [{"url": "chip.example", "read": "2026-11"}],
            "quantization": {name: value for name, value in merged.items() if value is not None},
            "convert": {"mode": "full_integer"},
            **values,
        }
        path = tmp_path / "chip.json"
        path.write_text(json.dumps(content))
        return profiles.load(path)

    return device

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphs import Builder, Graph

from tfq.model import Model, load


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

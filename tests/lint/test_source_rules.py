from __future__ import annotations

from collections.abc import Callable

import pytest
from graphs import Graph, Op, T, conv

from tfq.lint import lint
from tfq.model import Model
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]
FLOAT = {"compute": "float", "inputs": None, "outputs": None}


@pytest.mark.parametrize(
    ("activations", "counts"),
    [
        ("int8", "2 constants and 2 activations, 1 integer and 0 hybrid of 1 ops"),
        ("float32", "1 constants and 0 activations, 0 integer and 1 hybrid of 1 ops"),
    ],
)
def test_a_quantized_model_is_one_finding_where_float_is_wanted(
    build: Build, device: Device, activations: str, counts: str
) -> None:
    (finding,) = lint(build(conv(activations=activations)), device(FLOAT)).findings
    assert (finding.rule, finding.severity) == ("Q301", "error")
    assert finding.message == f"already quantized: {counts}; chip wants a float model"


def test_integers_that_are_no_quantized_numbers_do_not_count(build: Build, device: Device) -> None:
    graph = Graph(
        [T("x", "float32"), T("shape", "int32", constant=True, shape=(2,)), T("y", "float32")],
        [Op("RESHAPE", ["x", "shape"], ["y"])],
        ["x"],
        ["y"],
    )
    assert lint(build(graph), device(FLOAT)).ok

"""What the compiler for the CV25 takes: float models."""

from __future__ import annotations

from collections.abc import Callable

import device_ops as d
import pytest
from device_ops import A, ints
from graphs import Graph, conv

from tfq import profiles
from tfq.lint.placement import place
from tfq.model import Model

Build = Callable[..., Model]


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (d.convolution(dtype="float32"), ""),
        (d.convolution(), "integer compute, cv25 takes float"),
        (conv(activations="float32", weights="int8"), "hybrid compute, cv25 takes float"),
        (d.single("RESHAPE", [A((1, 4), "float32"), ints(4)], [A((4,), "float32")]), ""),
        # The arithmetic of shapes is done in integers in any float model.
        (d.single("PACK", [A((), "int32")] * 2, [A((2,), "int32")]), ""),
        (d.unary("TANH", A((1, 4), "uint8")), "integer compute, cv25 takes float"),
    ],
)
def test_what_is_quantized_already_is_refused(build: Build, graph: Graph, reason: str) -> None:
    (placed,) = place(build(graph), profiles.load("cv25")).operators
    assert reason in placed.reason
    assert placed.target == ("cpu" if placed.reason else "accelerator")
    assert bool(placed.reason) == bool(reason)


def test_such_a_model_is_rejected_not_slow() -> None:
    misfit = profiles.load("cv25").misfit
    assert misfit.target == "rejected"
    assert "wants a float model" in misfit.why

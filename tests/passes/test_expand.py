from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from kernel_cases import case
from op_nets import inputs_for, run_both, spans_of

from tfq.numerics.noise import sqnr
from tfq.passes.expand import expand
from tfq.passes.integer_kernels import KERNELS
from tfq.passes.quantize import Scheme, quantize

pytest.importorskip("ai_edge_litert.interpreter")

EXPANDED = {
    "ADD_N": "ADD",
    "DEPTH_TO_SPACE": "RESHAPE, TRANSPOSE, RESHAPE",
    "HARD_SWISH": "ADD, MUL, MUL",
    "NEG": "MUL",
    "PRELU": "RELU, MINIMUM, MUL, ADD",
    "RELU_0_TO_1": "MAXIMUM, MINIMUM",
    "RELU_N1_TO_1": "MAXIMUM, MINIMUM",
    "SPACE_TO_DEPTH": "RESHAPE, TRANSPOSE, RESHAPE",
    "SQUARE": "MUL",
    "SQUARED_DIFFERENCE": "SUB, MUL",
}


@pytest.mark.parametrize("name", EXPANDED)
def test_what_has_no_kernel_of_16_bits_becomes_what_has_one(
    name: str, bindings: ModuleType
) -> None:
    model = case(bindings, name)
    samples = inputs_for(model)
    expected = run_both(model, samples)[0][0]

    expanded, changes = expand(model, "int16")

    assert [each.what for each in changes.changed] == [f"became {EXPANDED[name]}"]
    for found in run_both(expanded, samples):
        np.testing.assert_allclose(found[0], expected, rtol=1e-6, atol=1e-6)
    quantized, kept = quantize(expanded, spans_of(expanded, samples), Scheme("int16"))
    assert not kept.kept
    assert min(sqnr(expected, found[0]) for found in run_both(quantized, samples)) > 80


@pytest.mark.parametrize("name", EXPANDED)
def test_what_has_a_kernel_of_8_bits_is_left_alone(name: str, bindings: ModuleType) -> None:
    model = case(bindings, name)

    assert (expand(model, "int8")[0] is model) == (name in KERNELS["int8"])


def test_only_chosen_operators_are_expanded(bindings: ModuleType) -> None:
    model = case(bindings, "PRELU")

    assert expand(model, "int16", ())[0] is model
    assert expand(model, "int16", model.operators)[0] is not model

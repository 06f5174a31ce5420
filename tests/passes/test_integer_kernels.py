from __future__ import annotations

from types import ModuleType

import pytest
from kernel_cases import CASES, case
from op_nets import Net, inputs_for, run_both, spans_of

from tfq.errors import InvalidModelError
from tfq.numerics.noise import sqnr
from tfq.passes.integer_kernels import KERNELS, obstacle
from tfq.passes.quantize import Scheme, quantize

pytest.importorskip("ai_edge_litert.interpreter")

# What these cases cannot show. NEG computes with the integers as they are, and so do comparisons of
# int16: right only where both scales happen to be the same.
LOOK_RIGHT = {("EQUAL", "int16"), ("NEG", "int16"), ("NOT_EQUAL", "int16")}


def precision(schema: ModuleType, name: str, dtype: str) -> float:
    """How well LiteRT computes an operator in integers, in dB; it may refuse to."""
    model = case(schema, name)
    samples = inputs_for(model, 6)
    expected = run_both(model, samples)[0]
    quantized, changes = quantize(model, spans_of(model, samples), Scheme(dtype))
    assert not changes.kept
    return min(
        sqnr(wanted, made)
        for found in run_both(quantized, samples)
        for wanted, made in zip(expected, found, strict=True)
    )


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("name", CASES)
def test_litert_computes_what_is_listed_and_nothing_else(
    name: str, dtype: str, bindings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in KERNELS[dtype]:
        assert precision(bindings, name, dtype) > 30
        return
    monkeypatch.setitem(KERNELS[dtype], name, 1)
    try:
        found = precision(bindings, name, dtype)
    except InvalidModelError:
        return
    assert found < 20 or (name, dtype) in LOOK_RIGHT


def test_every_listed_operator_has_a_case() -> None:
    assert KERNELS["int8"].keys() | KERNELS["int16"].keys() <= CASES.keys()


def test_a_divisor_that_may_become_zero_keeps_a_division_in_float(bindings: ModuleType) -> None:
    net = Net(bindings)
    divisor = net.constant([[1e-3, 1.0]])
    quotient = net.add("DIV", [net.input(1, 2), divisor], [(1, 2)], ("DivOptions", {}))

    assert obstacle(net.made(quotient).operators[0], "int8") == (
        "what it divides by may round to 0"
    )

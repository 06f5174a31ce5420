"""Where the operators of a model run on an Ethos-U, beside what Arm's compiler vela does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from many_ops import Row, build
from vela_rows import LIMITS, REFUSED

import tfq
from tfq import profiles
from tfq.lint.placement import misfit, place
from tfq.lint.verify import verify

DEVICES = ["ethos-u55", "ethos-u65", "ethos-u85"]
MODES = ["float32", "dynamic_range", "float16", "full_integer", "int16x8"]


@pytest.fixture(scope="module")
def limits(bindings: ModuleType) -> tfq.Model:
    return tfq.load(build(bindings, [limit.row for limit in LIMITS]))


@pytest.mark.parametrize("name", DEVICES)
def test_every_limit_of_the_report_has_two_sides(name: str, limits: tfq.Model) -> None:
    found = [each.target == "accelerator" for each in place(limits, profiles.load(name)).operators]
    wanted = [limit.u85 if name == "ethos-u85" else limit.u55 for limit in LIMITS]
    pairs = zip(limits.operators, found, wanted, strict=True)
    assert [(op.index, op.name, got) for op, got, want in pairs if got != want] == []


@pytest.mark.parametrize("name", DEVICES)
def test_vela_draws_the_same_limits(name: str, limits: tfq.Model) -> None:
    pytest.importorskip("ethosu")
    answer = verify(limits, profiles.load(name))
    assert answer is not None
    assert [str(each) for each in answer.disagreements] == []
    assert all(each.is_taken is not None for each in answer.operators)
    assert len(answer.operators) == len(LIMITS)


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name, rows in REFUSED.items() for row in rows]
)
def test_what_vela_refuses_as_a_whole_is_no_operator_of_the_npu(
    name: str, row: Row, bindings: ModuleType
) -> None:
    pytest.importorskip("ethosu")
    model, profile = tfq.load(build(bindings, [row])), profiles.load(name)
    answer = verify(model, profile)
    assert answer is not None
    assert answer.operators == ()
    assert answer.problem.startswith("refuses the model")
    assert misfit(model.operators[0], profile)


@pytest.mark.parametrize("name", ["ethos-u55", "ethos-u85"])
def test_vela_agrees_on_real_models(name: str, model_path: Path) -> None:
    pytest.importorskip("ethosu")
    answer = verify(tfq.load(model_path), profiles.load(name))
    assert answer is not None
    assert answer.disagreements == ()
    refused = model_path.stem in ("blockwise_quantized", "model_invoking_error")
    assert answer.agrees is not refused


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["ethos-u55", "ethos-u85"])
def test_vela_agrees_on_each_mode_of_a_model(
    name: str, mode: str, digits: Callable[..., tfq.Model]
) -> None:
    pytest.importorskip("ethosu")
    model, profile = digits(mode=mode), profiles.load(name)
    answer = verify(model, profile)
    assert answer is not None
    assert answer.agrees
    on_accelerator = place(model, profile).on_accelerator
    assert (on_accelerator > 0) == (mode in ("full_integer", "int16x8"))


def test_vela_agrees_on_models_of_faces(faces: dict[str, Path]) -> None:
    pytest.importorskip("ethosu")
    for path in faces.values():
        answer = verify(tfq.load(path), profiles.load("ethos-u55"))
        assert answer is not None
        assert answer.agrees


def test_an_operator_on_the_cpu_says_why(bindings: ModuleType) -> None:
    row = next(limit.row for limit in LIMITS if limit.row.name == "MEAN" and not limit.u55)
    model = tfq.load(build(bindings, [row]))
    found = place(model, profiles.load("ethos-u55")).operators[0]
    assert (found.target, found.reason) == ("cpu", "input batch is 2, expected 1")

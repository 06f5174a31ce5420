"""Q7xx, Q8xx and Q9xx: what a device says of operators, shapes and memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, Op, T, conv

from tfq.lint import lint
from tfq.model import Model
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]
NARROW = {"require": {"kernel_height": {"max": 2}}, "why": "a small chip"}


def found(model: Model | Path, profile: Profile) -> list[tuple[str, str, str]]:
    findings = lint(model, profile).findings
    return [(each.rule, each.severity, each.message) for each in findings]


def chain(*names: str, dtype: str = "int8", shape: tuple[int, ...] = (1, 4)) -> Graph:
    """Operators one after the other."""
    scales = int(dtype == "int8")
    tensors = [T(f"t{at}", dtype, scales, shape=shape) for at in range(len(names) + 1)]
    operators = [Op(name, [f"t{at}"], [f"t{at + 1}"]) for at, name in enumerate(names)]
    return Graph(tensors, operators, ["t0"], [f"t{len(names)}"])


@pytest.mark.parametrize(
    ("target", "rule", "severity", "consequence"),
    [
        ("rejected", "Q701", "error", "it refuses the model"),
        ("cpu", "Q702", "warning", "it runs on the CPU"),
    ],
)
def test_operators_that_the_device_does_not_take(
    build: Build, device: Device, target: str, rule: str, severity: str, consequence: str
) -> None:
    profile = device(operators={"RELU": [], "CONV_2D": [NARROW]}, misfit={"target": target})
    assert found(build(chain("RELU", "ABS")), profile) == [
        (rule, severity, f"op 1 ABS: chip has no ABS; {consequence}")
    ]
    reason = "kernel height is 3, expected at most 2 (a small chip)"
    assert found(build(conv()), profile) == [
        (rule, severity, f"op 0 CONV_2D: {reason}; {consequence}")
    ]


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_what_has_the_wrong_type_is_not_a_second_finding(
    build: Build, device: Device, dtype: str
) -> None:
    graph = chain("ABS", dtype=dtype)
    graph = graph._replace(tensors=[each._replace(scales=1) for each in graph.tensors])
    rules = [rule for rule, *_ in found(build(graph), device(operators={"RELU": []}))]
    assert rules == (["Q106"] if dtype == "int16" else ["Q101", "Q102", "Q103"])


def test_what_comes_after_the_end_names_what_ended_it(build: Build, device: Device) -> None:
    profile = device(operators={"RELU": []}, misfit={"target": "cpu", "ends_accelerator": True})
    after = "needs what op 1 ABS computes on the CPU, where the accelerated part ends"
    assert found(build(chain("RELU", "ABS", "RELU", "NEG", "RELU")), profile) == [
        ("Q702", "warning", "op 1 ABS: chip has no ABS; it runs on the CPU"),
        ("Q702", "warning", "op 3 NEG: chip has no NEG; it runs on the CPU"),
        ("Q703", "warning", f"op 2 RELU: {after}"),
        ("Q703", "warning", f"op 4 RELU: {after}"),
    ]


def test_custom_operators_and_those_of_tensorflow(build: Build, device: Device) -> None:
    model = build(chain("Odd", "FlexAngle", "TFLite_Detection_PostProcess"))
    expected = [
        ("Q711", "warning", "op 0 Odd: custom op; the application must bring its kernel"),
        ("Q712", "warning", "op 1 FlexAngle: an op of TensorFlow; it needs the Flex delegate"),
    ]
    assert found(model, device()) == expected
    known = device(operators={name: [] for name in ("Odd", "TFLite_Detection_PostProcess")})
    assert found(model, known) == expected[1:]
    refusing = device(operators={"RELU": []}, misfit={"target": "rejected"})
    assert [rule for rule, *_ in found(model, refusing)] == ["Q701"] * 3


def with_shape(signature: tuple[int, ...], shape: tuple[int, ...] = (1, 4)) -> Graph:
    graph = chain("RELU", shape=shape)
    tensors = [each._replace(signature=signature) for each in graph.tensors]
    return graph._replace(tensors=tensors)


def test_open_dimensions_where_the_device_wants_none(build: Build, device: Device) -> None:
    static = device(shapes={"static": True})
    assert found(build(with_shape((1, -1))), static) == [
        (
            "Q801",
            "error",
            "input 't0' has the shape [1, -1]; chip wants all dimensions known",
        )
    ]
    assert found(build(with_shape((-1, 4))), static) == [
        ("Q802", "hint", "input 't0' has the shape [-1, 4]; the batch size is open")
    ]
    assert found(build(with_shape((1, -1))), device()) == []


def test_an_operator_that_opens_a_dimension_is_named(build: Build, device: Device) -> None:
    graph = chain("ABS", "RELU")
    tensors = [
        each._replace(signature=(1, -1)) if each.name != "t0" else each for each in graph.tensors
    ]
    message = "op 0 ABS: output 't1' has the shape [1, -1]; chip wants all dimensions known"
    assert found(build(graph._replace(tensors=tensors)), device(shapes={"static": True})) == [
        ("Q801", "error", message)
    ]


def test_ranks_and_batch_sizes(build: Build, device: Device) -> None:
    model = build(chain("RELU", shape=(2, 1, 1, 1, 4)))
    assert found(model, device(shapes={"rank": 4, "batch": 1})) == [
        ("Q803", "warning", "op 0 RELU: tensor 't0' has 5 dimensions; chip takes 4 or fewer"),
        (
            "Q804",
            "warning",
            "input 't0' has the shape [2, 1, 1, 1, 4]; chip takes a batch size of 1",
        ),
    ]
    assert found(model, device(shapes={"rank": 5, "batch": 2})) == []


def test_several_entry_points(build: Build, device: Device) -> None:
    model = build(chain("RELU"), chain("RELU"), signatures=(0, 1))
    assert found(model, device()) == [
        ("Q811", "hint", "2 entry points: subgraphs 0, 1; compilers take the first")
    ]
    assert found(model, device(engine="cpu")) == []


def test_memory(build: Build, device: Device) -> None:
    def memory(**values: Any) -> Profile:
        return device(memory={**values, "why": "the rest is fetched"})

    # 48 filters of 3x3x16 and 48 biases of 4 bytes; 4x4x16 in and 2x2x48 out.
    model = build(conv())
    assert found(model, memory(weights=7103)) == [
        (
            "Q901",
            "warning",
            "weights take 7,104 bytes; chip has room for 7,103: the rest is fetched",
        )
    ]
    assert found(model, memory(activations=447)) == [
        (
            "Q902",
            "warning",
            "op 0 CONV_2D: activations take 448 bytes; chip has room for 447: the rest is fetched",
        )
    ]
    assert found(model, memory(weights=7104, activations=448)) == []


def test_advice_is_a_hint(build: Build, device: Device) -> None:
    row = {"require": {"output_depth": {"multiple_of": 32}}, "why": "32 at a time"}
    message = "op 0 CONV_2D: output depth is 48, expected a multiple of 32 (32 at a time)"
    assert found(build(conv()), device(advice=[row])) == [("Q911", "hint", message)]


def test_a_device_of_which_nothing_is_known_says_nothing(
    shared_models: Path, device: Device
) -> None:
    models = ["edgetpu_pairs/keras_lstm_mnist_ptq.tflite", "micro/hello_world_int8.tflite"]
    assert [found(shared_models / name, device()) for name in models] == [[], []]

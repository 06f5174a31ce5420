from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphs import Graph, Op, T, conv

from tfq.lint import lint
from tfq.model import Model

Build = Callable[..., Model]


def test_per_channel_weights_are_a_finding_a_layer(shared_models: Path) -> None:
    report = lint(shared_models / "micro/micro_speech_quantized.tflite", "artpec8")
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("Q201", "error")
    assert finding.message == (
        "op 1 DEPTHWISE_CONV_2D: weights 'first_weights/read' are per_channel with 8 scales; "
        "artpec8 wants per_tensor"
    )
    assert finding.operator is report.model.operators[1]
    assert finding.tensor is finding.operator.weights


def test_a_device_that_allows_both_has_nothing_to_say(build: Build) -> None:
    assert lint(build(conv(scales=4)), "artpec9").findings == ()
    assert lint(build(conv(scales=1)), "artpec9").findings == ()


def test_an_lstm_with_many_weights_is_one_finding(build: Build) -> None:
    weights = [T(f"w{at}", scales=4, constant=True, shape=(4, 4)) for at in range(8)]
    graph = Graph(
        [T("x", scales=1), *weights, T("y", scales=1)],
        [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", ["x", *(each.name for each in weights)], ["y"])],
        ["x"],
        ["y"],
    )
    assert [each.rule for each in lint(build(graph), "artpec8").findings] == ["Q201"]


def test_per_tensor_weights_are_one_hint_where_per_channel_is_recommended(
    shared_models: Path,
) -> None:
    report = lint(shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite", "artpec7")
    (finding,) = report.findings
    assert (finding.rule, finding.severity, report.ok) == ("Q202", "hint", True)
    assert finding.message.startswith("28 of 28 convolutions have per_tensor weights")


def test_one_output_channel_cannot_have_more_scales(build: Build) -> None:
    graph = conv()
    tensors = [each._replace(shape=(1, 1, 1, 4)) for each in graph.tensors]
    assert lint(build(graph._replace(tensors=tensors)), "artpec7").findings == ()

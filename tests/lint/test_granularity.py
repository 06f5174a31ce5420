from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphs import Graph, Op, T, conv
from single_ops import weighted

from tfq.lint import lint
from tfq.model import Model
from tfq.profiles import Profile

Build = Callable[..., Model]
Device = Callable[..., Profile]
ONE_SCALE = {"granularity": {"required": "per_tensor"}}
MANY_SCALES = {"granularity": {"recommended": "per_channel", "why": "they cost nothing"}}


def test_per_channel_weights_are_a_finding_a_layer(shared_models: Path, device: Device) -> None:
    report = lint(shared_models / "micro/micro_speech_quantized.tflite", device(ONE_SCALE))
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("Q201", "error")
    assert finding.message == (
        "op 1 DEPTHWISE_CONV_2D: weights 'first_weights/read' are per_channel with 8 scales; "
        "chip wants per_tensor"
    )
    assert finding.operator is report.model.operators[1]
    assert finding.tensor is finding.operator.weights


def test_a_device_that_allows_both_has_nothing_to_say(build: Build, device: Device) -> None:
    assert lint(build(conv(scales=4)), device()).findings == ()
    assert lint(build(conv(scales=1)), device()).findings == ()


def test_an_lstm_with_many_weights_is_one_finding(build: Build, device: Device) -> None:
    weights = [T(f"w{at}", scales=4, constant=True, shape=(4, 4)) for at in range(8)]
    graph = Graph(
        [T("x", scales=1), *weights, T("y", scales=1)],
        [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", ["x", *(each.name for each in weights)], ["y"])],
        ["x"],
        ["y"],
    )
    assert [each.rule for each in lint(build(graph), device(ONE_SCALE)).findings] == ["Q201"]


def test_per_tensor_weights_are_one_hint_where_per_channel_is_recommended(
    shared_models: Path, device: Device
) -> None:
    model = shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite"
    report = lint(model, device(MANY_SCALES), select=["Q2"])
    (finding,) = report.findings
    assert (finding.rule, finding.severity, report.ok) == ("Q202", "hint", True)
    assert finding.message == (
        "28 of 28 convolutions have per_tensor weights; "
        "chip recommends per_channel: they cost nothing"
    )


def test_one_output_channel_cannot_have_more_scales(build: Build, device: Device) -> None:
    graph = conv()
    tensors = [
        each._replace(shape=(1, *each.shape[1:])) if each.name in ("kernel", "bias") else each
        for each in graph.tensors
    ]
    assert lint(build(graph._replace(tensors=tensors)), device(MANY_SCALES)).findings == ()


def test_uint8_activations_go_with_one_scale(build: Build, device: Device) -> None:
    graph = weighted("CONV_2D", "uint8", per_channel=True)
    (finding,) = lint(build(graph), device(), select=["Q2"]).findings
    assert (finding.rule, finding.severity) == ("Q203", "error")
    assert finding.message == (
        "op 0 CONV_2D: weights 'w' are per_channel with 3 scales beside uint8 activations; "
        "LiteRT refuses it"
    )
    # Where the device wants one scale anyway, that is the finding.
    (finding,) = lint(build(graph), device(ONE_SCALE), select=["Q2"]).findings
    assert finding.rule == "Q201"


def depthwise_in_integers(model: Model, *, per_channel: bool) -> Model:
    """The same model with the weights of its depthwise convolutions in int8."""
    import numpy as np

    from tfq.passes.parameters import Parameters, encoded, quantized
    from tfq.passes.rewrite import Rewrite

    rewrite = Rewrite(model)
    for op in model.operators:
        if op.name == "DEPTHWISE_CONV_2D" and op.weights is not None:
            values = op.weights.numpy().astype(np.float64)
            tops = np.abs(values).max(axis=(0, 1, 2)) if per_channel else np.abs(values).max(None)
            scales = tuple(np.atleast_1d(tops / 127).tolist())
            target = Parameters("int8", scales, (0,) * len(scales), 3 if per_channel else 0)
            draft = rewrite.view(op.weights)
            rewrite.set_parameters(draft, target)
            rewrite.set_data(draft, encoded(quantized(values, target), "int8"))
    return rewrite.finish()


def test_litert_computes_garbage_where_hybrid_depthwise_weights_have_one_scale(
    digits: Callable[..., Model], samples: Path
) -> None:
    import numpy as np
    import pytest

    litert = pytest.importorskip("ai_edge_litert.interpreter")
    images = np.load(samples / "calibration.npz")["image"][:20, None].astype(np.float32)

    def outputs(model: Model) -> np.ndarray:
        runner = litert.Interpreter(model_content=model.bytes)
        runner.allocate_tensors()
        found = []
        for image in images:
            runner.set_tensor(runner.get_input_details()[0]["index"], image)
            runner.invoke()
            found.append(runner.get_tensor(runner.get_output_details()[0]["index"])[0])
        return np.stack(found)

    plain = digits(mode="float32")
    wrong, right = (depthwise_in_integers(plain, per_channel=each) for each in (False, True))

    expected = outputs(plain)
    assert np.abs(outputs(right) - expected).max() < 0.1
    # What it reads behind the scale is often no number at all.
    assert not np.abs(outputs(wrong) - expected).max() < 0.1
    found = [each.rule for each in lint(wrong, "cpu", select=["Q204"]).findings]
    assert found == ["Q204"] * 4
    assert not lint(right, "cpu", select=["Q204"]).findings

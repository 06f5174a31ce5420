from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_models import as_samples, photographs, run
from layer_graphs import Graph, dice

import tfq
from tfq.model import Model
from tfq.numerics.noise import sqnr
from tfq.passes.absorb_bias import absorb_bias, absorb_bias_needs
from tfq.passes.channels import Channels
from tfq.passes.equalize import _apply, equalize
from tfq.passes.float_weights import check_finite, float_weights
from tfq.passes.observe import extremes, observe
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.rewrite import Rewrite

FACES = (
    "face_detection_back",
    "face_detection_front",
    "face_detection_full_range",
    "face_detection_full_range_sparse",
    "face_detection_short_range",
    "face_landmark",
    "iris_landmark",
)


@pytest.fixture(scope="module", params=FACES)
def face(request: pytest.FixtureRequest, faces: dict[str, Path]) -> Model:
    pytest.importorskip("ai_edge_litert.interpreter")
    return tfq.load(faces[request.param])


def test_unpacked_constants_compute_the_very_same(face: Model) -> None:
    unpacked, changes = float_weights(face)

    assert changes.modified == any(op.name == "DEQUANTIZE" for op in face.operators)
    assert not {"DEQUANTIZE", "DENSIFY"} & {op.name for op in unpacked.operators}
    samples = photographs(face.inputs[0].shape, 1, seed=1)
    for before, after in zip(run(face, samples), run(unpacked, samples), strict=True):
        np.testing.assert_array_equal(after, before)
    assert float_weights(unpacked)[0] is unpacked


def test_equalized_models_compute_the_same(face: Model) -> None:
    unpacked, _ = float_weights(face)

    equalized, changes = equalize(unpacked)

    assert changes.modified
    samples = photographs(face.inputs[0].shape, 2, seed=2)
    for before, after in zip(run(unpacked, samples), run(equalized, samples), strict=True):
        assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


def test_only_the_last_layers_of_face_models_keep_their_channels(face: Model) -> None:
    """Their residual blocks pad channels with zeros; the heads go to the outputs."""
    unpacked, _ = float_weights(face)
    channels = Channels(unpacked.subgraphs[0])

    weighty = [op for op in unpacked.operators if op.weights is not None and op.name != "PRELU"]
    assert [layer.operator for layer in channels.layers] == weighty
    kept = [layer for layer in channels.layers if channels.fixed[layer.makes].any()]
    # One for each head: up to two sizes of boxes, and their scores.
    assert len(unpacked.outputs) <= len(kept) <= 4


def test_biases_of_face_models_are_absorbed_without_a_difference(face: Model) -> None:
    unpacked, _ = float_weights(face)
    samples = photographs(face.inputs[0].shape, 3, seed=5)
    seen = extremes(unpacked, absorb_bias_needs(unpacked), as_samples(unpacked, samples))

    absorbed, changes = absorb_bias(unpacked, seen)

    assert changes.modified
    for before, after in zip(run(unpacked, samples), run(absorbed, samples), strict=True):
        assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


def test_every_face_model_becomes_a_full_integer_per_tensor_model(face: Model) -> None:
    equalized, _ = equalize(float_weights(face)[0])
    samples = as_samples(equalized, photographs(face.inputs[0].shape, 8, seed=3))
    ranges = observe(equalized, samples)

    quantized, changes = quantize(equalized, ranges.spans("moving_average"), Scheme())

    assert all(op.compute == "integer" for op in quantized.operators)
    assert not any("stays" in change.what for change in changes.changed)
    for op in quantized.operators:
        if op.weights is not None and op.weights.quantization is not None:
            assert op.weights.quantization.granularity == "per_tensor"
    samples = photographs(face.inputs[0].shape, 4, seed=4)
    expected = run(float_weights(face)[0], samples)
    # The regression of boxes or landmarks; scores of pictures without faces are all noise.
    assert sqnr(expected[0], run(quantized, samples)[0]) > 12


def rescaled(model: Model, seed: int) -> Model:
    """The same function with channels a thousand times larger and smaller."""
    channels = Channels(model.subgraphs[0])
    dice = np.random.default_rng(seed)
    scales = np.ones(len(channels.fixed))
    for group in channels.groups:
        scales[group] = np.exp(dice.uniform(-3.5, 3.5, len(group)))
    rewrite = Rewrite(model)
    _apply(rewrite, channels, scales)
    return rewrite.finish()


def test_rescaled_channels_are_found_and_undone(digits: Any, samples: Path) -> None:
    plain = digits(mode="float32")
    rough = rescaled(plain, seed=5)
    images = list(np.load(samples / "calibration.npz")["image"][:40, None].astype(np.float32))
    expected = run(plain, images)[0]
    np.testing.assert_allclose(run(rough, images)[0], expected, atol=1e-5)

    def integers(model: Model) -> Model:
        return quantize(model, observe(model, as_samples(model, images)).spans(), Scheme())[0]

    without = sqnr(expected, run(integers(rough), images)[0])
    mended = sqnr(expected, run(integers(equalize(rough)[0]), images)[0])
    assert without < 15
    assert mended > 25


def test_equalizing_again_changes_next_to_nothing(digits: Any) -> None:
    once, _ = equalize(rescaled(digits(mode="float32"), seed=6))

    twice, _ = equalize(once)

    for before, after in zip(once.tensors, twice.tensors, strict=True):
        if before.is_constant and before.dtype == "float32":
            np.testing.assert_allclose(after.numpy(), before.numpy(), rtol=0.05, atol=1e-6)


def test_hybrid_depthwise_weights_keep_a_scale_for_each_channel(digits: Any, samples: Path) -> None:
    """LiteRT's kernel would read behind a single one."""
    from tfq.passes import per_tensor

    dynamic = digits(mode="dynamic_range", granularity="per_channel")
    images = list(np.load(samples / "calibration.npz")["image"][:20, None].astype(np.float32))

    changed, changes = per_tensor(dynamic)

    assert any("reads a scale for each channel" in each.why for each in changes.kept) or not any(
        op.name == "DEPTHWISE_CONV_2D" and op.compute == "hybrid" for op in dynamic.operators
    )
    assert sqnr(run(dynamic, images)[0], run(changed, images)[0]) > 20


def constant(schema: Any, values: Any, *, half: bool = False) -> Model:
    """A dense layer with these weights, as they are or in float16 behind DEQUANTIZE."""
    graph, values = Graph(schema), np.asarray(values)
    weights = graph.constant(values, "f2" if half else "f4")
    if half:
        weights = graph.op("DEQUANTIZE", [weights])
    data = graph.input(1, values.shape[1])
    return graph.made(graph.op("FULLY_CONNECTED", [data, weights], 1, len(values)))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinity")])
def test_weights_must_be_numbers(value: float, word: str, half: bool, bindings: Any) -> None:
    weights = dice(1, 3, 4)
    check_finite(constant(bindings, weights, half=half))
    weights[1, 2] = value

    with pytest.raises(tfq.ConversionError) as error:
        check_finite(constant(bindings, weights, half=half))

    name = "t0"
    assert str(error.value).endswith(f": expected finite weights, got {word} in {name!r}")


def test_biases_must_be_numbers(bindings: Any) -> None:
    graph = Graph(bindings)
    model = graph.made(graph.dense(graph.input(1, 4), dice(1, 2, 4), [0, np.nan]))

    with pytest.raises(tfq.ConversionError, match="got NaN in"):
        check_finite(model, model.name)


def test_infinity_may_be_a_mask_or_what_pads(bindings: Any) -> None:
    graph = Graph(bindings)
    mask = graph.constant([0, -np.inf, 0, -np.inf])
    masked = graph.op("ADD", [graph.input(1, 4), mask])
    sizes = graph.constant([[0, 0], [1, 1]], "i4")
    padded = graph.op("PADV2", [masked, sizes, graph.constant([-np.inf])], 1, 6)

    check_finite(graph.made(graph.dense(padded, dice(1, 3, 6))))


def test_weights_in_another_file_are_named(bindings: Any, pack: Any) -> None:
    plain = constant(bindings, dice(1, 3, 4))
    tree = bindings.ModelT.InitFromPackedBuf(bytes(plain), 0)
    group, buffer = bindings.ExternalBufferGroupT(), bindings.ExternalBufferT()
    group.name, buffer.id, buffer.length = "weights.bin", 5, 48
    tree.externalBufferGroups, tree.externalBuffers = [group], [buffer]
    tensor = tree.subgraphs[0].tensors[0]
    tensor.buffer, tensor.externalBuffer = 0, 5

    with pytest.raises(tfq.ConversionError, match="own file, got those of 't0' in another"):
        check_finite(tfq.load(pack(tree)))

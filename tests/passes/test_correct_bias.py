from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_models import as_samples, decibels, photographs

import tfq
from tfq.model import Model
from tfq.passes.correct_bias import correct_bias
from tfq.passes.equalize import equalize
from tfq.passes.float_weights import float_weights
from tfq.passes.observe import observe
from tfq.passes.parameters import encoded
from tfq.passes.quantize import Scheme, quantize
from tfq.passes.rewrite import Rewrite


@pytest.fixture(scope="module", params=["face_detection_front"])
def face(request: pytest.FixtureRequest, faces: dict[str, Path]) -> tuple[Model, Model]:
    """A float model, equalized, and the same in integers with one scale a tensor."""
    reference, _ = equalize(float_weights(tfq.load(faces[request.param]))[0])
    samples = as_samples(reference, photographs(reference.inputs[0].shape, 16, seed=3))
    spans = observe(reference, samples).spans("moving_average")
    return reference, quantize(reference, spans, Scheme())[0]


@pytest.fixture
def images(samples: Path) -> list[np.ndarray]:
    return list(np.load(samples / "calibration.npz")["image"][:40, None].astype(np.float32))


@pytest.fixture
def float_digits(digits: Any) -> Model:
    found: Model = digits(mode="float32")
    return found


@pytest.fixture(params=["int8", "int16"])
def pair(
    request: pytest.FixtureRequest, float_digits: Model, images: list[np.ndarray]
) -> tuple[Model, Model]:
    """The digits model, and the same in integers."""
    spans = observe(float_digits, as_samples(float_digits, images)).spans()
    return float_digits, quantize(float_digits, spans, Scheme(activations=request.param))[0]


def test_corrected_models_are_nearer_to_the_float_model_on_unseen_photographs(
    face: tuple[Model, Model],
) -> None:
    reference, model = face
    shape = reference.inputs[0].shape

    corrected, changes = correct_bias(
        model, reference, as_samples(reference, photographs(shape, 16, seed=3))
    )

    assert changes.modified
    assert changes.changed[-1].place == "outputs"
    unseen = photographs(shape, 16, seed=4)
    assert decibels(reference, corrected, unseen) > decibels(reference, model, unseen) + 0.2


def test_only_biases_change(face: tuple[Model, Model]) -> None:
    reference, model = face
    samples = as_samples(reference, photographs(reference.inputs[0].shape, 4, seed=3))

    corrected, _ = correct_bias(model, reference, samples)

    biases = {op.bias.index for op in model.operators if op.bias is not None}
    for before, after in zip(model.tensors, corrected.tensors, strict=True):
        assert (before.name, before.quantization) == (after.name, after.quantization)
        if before.index not in biases:
            assert bytes(before.data) == bytes(after.data)


def test_biases_that_are_wrong_everywhere_are_found_again(
    pair: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    reference, model = pair
    dice, rewrite = np.random.default_rng(1), Rewrite(model)
    for operator in model.operators:
        if operator.bias is not None:
            quantization = operator.outputs[0].quantization
            assert quantization is not None
            assert operator.bias.quantization is not None
            full = 255 if operator.outputs[0].dtype == "int8" else 65535
            size = 0.05 * full * quantization.scales[0] / operator.bias.quantization.scales[0]
            shifted = operator.bias.numpy() + dice.normal(0, size, operator.bias.shape)
            rewrite.set_data(
                rewrite.view(operator.bias), encoded(np.rint(shifted), operator.bias.dtype)
            )
    wrong = rewrite.finish()

    corrected, changes = correct_bias(wrong, reference, as_samples(reference, images))

    assert len(changes.changed) > 1
    unspoilt = decibels(reference, model, images)
    assert decibels(reference, wrong, images) < unspoilt - 10
    assert decibels(reference, corrected, images) > decibels(reference, wrong, images) + 10


def test_a_dense_layer_without_a_bias_gets_one(
    pair: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    plain, model = pair
    bare, biased = Rewrite(model), Rewrite(plain)
    (dense,), (twin,) = (
        [op for op in each.operators if op.name == "FULLY_CONNECTED"] for each in (model, plain)
    )
    bare.operator(dense)["inputs"] = bare.operator(dense)["inputs"][:2]
    assert twin.bias is not None
    logits = np.random.default_rng(2).normal(0, 8, twin.bias.shape)
    biased.set_data(biased.view(twin.bias), logits.astype("<f4").tobytes())
    without, reference = bare.finish(), biased.finish()

    corrected, _ = correct_bias(without, reference, as_samples(reference, images))

    made = corrected.operators[dense.index].bias
    assert made is not None
    assert dense.bias is not None
    assert (made.dtype, made.shape) == (dense.bias.dtype, dense.bias.shape)
    before, after = (decibels(reference, each, images) for each in (without, corrected))
    assert after > before + 5


def test_layers_that_share_a_bias_get_their_own(
    pair: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    reference, model = pair
    first, second = _two_of_one_bias_shape(model)
    rewrite = Rewrite(model)
    assert first.bias is not None
    assert second.bias is not None
    rewrite.read(rewrite.operator(second), second.bias.index, first.bias.index)
    shared = rewrite.finish()

    corrected, _ = correct_bias(shared, reference, as_samples(reference, images))

    own = [corrected.operators[op.index].bias for op in (first, second)]
    assert own[0] is not own[1]
    assert decibels(reference, corrected, images) > decibels(reference, shared, images)


def _two_of_one_bias_shape(model: Model) -> tuple[Any, Any]:
    found: dict[tuple[int, ...], Any] = {}
    for operator in model.operators:
        if operator.bias is not None:
            if operator.bias.shape in found:
                return found[operator.bias.shape], operator
            found[operator.bias.shape] = operator
    pytest.skip("no two layers of the model have as many channels")


def test_layers_with_other_names_are_kept(
    pair: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    reference, model = pair
    rewrite = Rewrite(reference)
    for tensor in reference.tensors:
        if tensor not in reference.inputs:
            rewrite.view(tensor)["name"] = f"other/{tensor.index}"

    corrected, changes = correct_bias(model, rewrite.finish(), as_samples(reference, images))

    assert corrected is model
    assert len(changes.kept) == sum(op.bias is not None for op in model.operators)
    assert all("the float model has no activation" in each.why for each in changes.kept)


def test_without_a_gain_the_model_stays_as_it_is(
    pair: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    """What was corrected as far as it goes offers the same correction once more."""
    reference, model = pair
    samples = as_samples(reference, images[:4])

    for _ in range(6):
        corrected, changes = correct_bias(model, reference, samples)
        if corrected is model:
            break
        assert decibels(reference, corrected, images[:4]) > decibels(reference, model, images[:4])
        model = corrected

    assert corrected is model
    assert changes.kept[-1].place == "outputs"
    assert "gains at the outputs" in changes.kept[-1].why


def test_what_cannot_be_compared_is_refused(
    pair: tuple[Model, Model], face: tuple[Model, Model], images: list[np.ndarray]
) -> None:
    reference, model = pair
    with pytest.raises(tfq.ArgumentError, match="correct_bias: expected samples, got none"):
        correct_bias(model, reference, [])
    with pytest.raises(tfq.ArgumentError, match="expected a float model with outputs"):
        correct_bias(model, face[0], as_samples(reference, images))
    with pytest.raises(tfq.ArgumentError, match="expected a value for each of"):
        correct_bias(model, reference, [{"nobody": images[0]}])

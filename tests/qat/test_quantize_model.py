"""`tfq.qat.quantize_model`: what it makes of a model, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from qat_nets import BUILDERS, inputs, nested, plain, several, train, unlike

import tfq
import tfq.qat
from tfq.runtime import Runner


@pytest.fixture(scope="module")
def digits_network(samples: Path) -> keras.Model:
    return keras.models.load_model(samples / "digits.keras")


@pytest.fixture(scope="module")
def evaluation(samples: Path) -> Any:
    return np.load(samples / "evaluation.npz")


@pytest.fixture(scope="module")
def trained_digits(digits_network: keras.Model, evaluation: Any) -> keras.Model:
    """The sample, trained for a profile for a few steps."""
    trained = tfq.qat.quantize_model(digits_network, profile="artpec8")
    trained.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
    trained.fit(evaluation["image"], evaluation["y"], batch_size=100, epochs=1, verbose=0)
    return trained


def test_the_sample_passes_its_profile_without_calibration_data(
    trained_digits: keras.Model, evaluation: Any
) -> None:
    file = tfq.convert(trained_digits, profile="artpec8")

    assert file.report is not None and file.report.ok
    assert (file.mode, file.granularity) == ("full_integer", "per_tensor")
    assert file.applied.level == "trained"
    image = evaluation["image"]
    expected = trained_digits.predict(image, verbose=0)
    runner = Runner(file)
    found = np.concatenate([runner.run({"image": each})[0] for each in image[:, None]])
    assert np.mean(found.argmax(-1) == expected.argmax(-1)) >= 0.995
    assert np.abs(found - expected).mean() / file.outputs[0].quantization.scales[0] <= 2


@pytest.mark.parametrize("build", BUILDERS, ids=lambda each: each.__name__)
def test_before_training_the_model_computes_nearly_the_same(build: Any) -> None:
    model = unlike(build())
    data = inputs(model)
    before = [each.copy() for each in model.get_weights()]

    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme(per_channel=True))

    expected, found = (keras.tree.flatten(each(data, training=False)) for each in (model, made))
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).max() <= 0.06 * np.abs(one).max()
    assert keras.tree.map_structure(lambda each: each.shape, made.input) == (
        keras.tree.map_structure(lambda each: each.shape, model.inputs[0])
        if isinstance(model, keras.Sequential)
        else keras.tree.map_structure(lambda each: each.shape, model.input)
    )
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_outputs_keep_their_names() -> None:
    made = tfq.qat.quantize_model(several(), profile="artpec8")
    assert set(made(inputs(made))) == {"one", "two"}
    assert tfq.qat.quantize_model(plain(), profile="artpec8").output_names == ["probabilities"]


def test_a_nested_layer_is_excluded_by_its_path() -> None:
    made = tfq.qat.quantize_model(nested(), profile="artpec8", exclude=["encoder/deep"])
    assert type(made.get_layer("deep")) is keras.layers.Conv2D


def test_a_saved_model_is_loaded_and_trained_on(tmp_path: Path) -> None:
    model = unlike(several())
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, profile="tidl-tda4vm")
    train(trained, data)
    path = tmp_path / "trained.keras"
    trained.save(path)

    loaded = keras.models.load_model(path)

    expected, found = (keras.tree.flatten(each(data)) for each in (trained, loaded))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    profile = "tidl-tda4vm"
    assert bytes(tfq.convert(path, profile=profile)) == bytes(tfq.convert(trained, profile=profile))
    train(loaded, data)
    assert any(
        np.any(np.asarray(one) != np.asarray(other))
        for one, other in zip(loaded.weights, trained.weights, strict=True)
    )


class _Subclass(keras.Model):  # type: ignore[misc]
    def call(self, inputs: object) -> object:
        return inputs


def test_models_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(tfq.ArgumentError, match=r"subclass _Subclass.*keras\.Model\(inputs"):
        tfq.qat.quantize_model(_Subclass(), profile="artpec8")
    with pytest.raises(tfq.ArgumentError, match="built"):
        tfq.qat.quantize_model(keras.Sequential([keras.layers.Dense(2)]), profile="artpec8")
    with pytest.raises(tfq.ArgumentError, match="Keras 3 model, got str"):
        tfq.qat.quantize_model("digits.keras", profile="artpec8")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(tfq.ArgumentError, match="float16"):
        tfq.qat.quantize_model(half, profile="artpec8")


def test_a_model_is_quantized_only_once(trained_digits: keras.Model) -> None:
    with pytest.raises(tfq.ArgumentError, match="'digits' simulates quantization already"):
        tfq.qat.quantize_model(trained_digits, profile="artpec8")


def test_devices_and_schemes_without_integers_are_refused(digits_network: keras.Model) -> None:
    def refused(match: str, **options: Any) -> None:
        with pytest.raises(tfq.ArgumentError, match=match):
            tfq.qat.quantize_model(digits_network, **options)

    refused("cv25 computes in float", profile="cv25")
    refused("one of both", profile="artpec8", scheme=tfq.qat.Scheme())
    refused("one of both")
    refused("int8 or int16, got 'int4'", scheme=tfq.qat.Scheme("int4"))
    refused("4 or 8 bits, got 3", scheme=tfq.qat.Scheme(weight_bits=3))
    refused("beside weights of 4 bits", scheme=tfq.qat.Scheme("int16", weight_bits=4))
    refused("Scheme, got str", scheme="power_of_two")
    refused("no layer of 'digits' fits 'nothing'", profile="artpec8", exclude=["nothing"])
    refused("patterns in a list", profile="artpec8", annotate="stem")


def test_registrations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(tfq.ArgumentError, match="class of Keras layers"):
        tfq.qat.register(str)
    with pytest.raises(tfq.ArgumentError, match="kind: expected one of"):
        tfq.qat.register(keras.layers.Dense, kind="guesses")


class _Odd(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def call(self, inputs: object) -> object:
        return inputs


def test_layers_that_cannot_be_made_again_or_lack_a_weight_are_refused() -> None:
    image = keras.Input((4,))
    with pytest.raises(tfq.ArgumentError, match="configuration"):
        tfq.qat.quantize_model(keras.Model(image, _Odd(3)(image)), profile="artpec8")
    tfq.qat.register(_Plain, weights={"core": -1})
    with pytest.raises(tfq.ArgumentError, match="expected a weight 'core' of _Plain"):
        tfq.qat.quantize_model(keras.Model(image, _Plain()(image)), profile="artpec8")


class _Plain(keras.layers.Layer):  # type: ignore[misc]
    def call(self, inputs: object) -> object:
        return inputs


def test_ranges_must_be_known_and_finite() -> None:
    model = tfq.qat.quantize_model(plain(), profile="artpec8")
    with pytest.raises(tfq.ConversionError, match="no range at 'image_quantizer': train it"):
        tfq.convert(model, profile="artpec8")
    train(model, np.full((4, 12, 12, 3), np.nan, np.float32), steps=1)
    with pytest.raises(tfq.ConversionError, match="finite range at 'image_quantizer', got nan"):
        tfq.convert(model, profile="artpec8")


def test_conversion_does_what_training_was_for(trained_digits: keras.Model) -> None:
    def refused(match: str, **options: Any) -> None:
        with pytest.raises(tfq.ArgumentError, match=match):
            tfq.convert(trained_digits, **options)

    refused("granularity: this model was trained for per_tensor", granularity="per_channel")
    refused("mode: this model was trained for full_integer", mode="int16x8")
    refused("passes: this model was trained for its own ranges", passes="mse")
    refused("weight_bits: this model was trained for 8, got 4", weight_bits=4)
    assert tfq.convert(trained_digits, profile="edgetpu").granularity == "per_tensor"
    io = {"input_type": "uint8", "output_type": "float32"}
    file = tfq.convert(trained_digits, profile="artpec8", accuracy="none", **io)
    assert [file.inputs[0].dtype, file.outputs[0].dtype] == ["uint8", "float32"]


def test_tfq_itself_does_not_import_it() -> None:
    import subprocess

    code = "import tfq, sys; sys.exit('tfq.qat' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_regularizers_of_separable_convolutions_stay() -> None:
    image = keras.Input((6, 6, 3))
    options = {"depthwise_regularizer": "l2", "pointwise_regularizer": "l2"}
    model = keras.Model(image, keras.layers.SeparableConv2D(4, 3, **options)(image))
    made = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    assert len(made.losses) == len(model.losses) == 2

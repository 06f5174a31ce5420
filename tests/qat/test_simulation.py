"""What training simulates is what the device computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import keras
import numpy as np
import pytest
from qat_nets import BUILDERS, SCHEMES, distances, encoder_decoder, inputs, residual, train, unlike

import tfq
import tfq.qat

MOST_STEPS = 2.0


@pytest.mark.parametrize("build", BUILDERS, ids=lambda each: each.__name__)
def test_every_kind_of_layer_computes_as_simulated(build: Callable[[], keras.Model]) -> None:
    keras.utils.set_random_seed(1)
    model = unlike(build())
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    train(trained, data)

    file = tfq.convert(trained)

    assert {op.compute for op in file.operators} == {"integer"}
    assert max(each.mean for each in distances(trained, file, data)) < MOST_STEPS


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_computes_as_simulated(scheme: str) -> None:
    keras.utils.set_random_seed(2)
    model = unlike(residual())
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, scheme=SCHEMES[scheme])
    train(trained, data)

    file = tfq.convert(trained)

    weights = [op.inputs[1] for op in file.operators if op.name == "CONV_2D"]
    assert {each.dtype for each in weights} == {f"int{SCHEMES[scheme].weight_bits}"}
    fine = any(len(each.quantization.scales) > 1 for each in weights)
    assert fine == SCHEMES[scheme].per_channel
    assert {op.outputs[0].dtype for op in file.operators} == {SCHEMES[scheme].activations}
    assert max(each.mean for each in distances(trained, file, data)) < 0.6


@pytest.mark.parametrize("activation", ["hard_silu", "hard_sigmoid", "silu"])
def test_activations_without_kernels_of_16_bits_are_taken_apart(activation: str) -> None:
    image = keras.Input((6, 6, 2))
    x = keras.layers.Activation(activation)(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, x)
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, scheme=SCHEMES["16x8"])
    train(trained, data)

    file = tfq.convert(trained)

    assert {op.compute for op in file.operators} == {"integer"}
    assert distances(trained, file, data)[0].mean < 0.1


def test_scales_of_powers_of_two_are_powers_of_two() -> None:
    model = unlike(residual())
    trained = tfq.qat.quantize_model(model, profile="tidl-tda4vm")
    train(trained, inputs(model))

    file = tfq.convert(trained, profile="tidl-tda4vm")

    assert file.report is not None and file.report.ok
    assert file.mode == "full_integer"
    scales = [
        each.quantization.scales[0]
        for each in file.tensors
        if each.quantization is not None and each.dtype == "int8"
    ]
    assert scales and all(np.log2(each) == round(np.log2(each)) for each in scales)


def test_scales_are_those_of_training() -> None:
    model = unlike(encoder_decoder())
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    train(trained, inputs(model))

    file = tfq.convert(trained)

    ranges = [each for each in trained.layers if isinstance(each, tfq.qat.ActivationQuantizer)]
    learned = [tuple(map(float, each.learned_ends())) for each in ranges if each.ends is None]
    scales = {round((high - low) / 255, 6) for low, high in learned}
    found = {
        round(each.quantization.scales[0], 6)
        for each in file.tensors
        if each.dtype == "int8" and not each.is_constant
    }
    assert found == scales | {round(1 / 256, 6)}


def test_float_layers_stay_in_float_with_a_warning() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.LayerNormalization(name="strange")(x)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="last")(x))
    with pytest.warns(tfq.ConversionWarning, match="strange"):
        trained = tfq.qat.quantize_model(model, profile="artpec8")
    data = inputs(model)
    train(trained, data)

    with pytest.raises(tfq.ConversionError, match="allow_float_fallback"):
        tfq.convert(trained, profile="artpec8")
    file = tfq.convert(trained, profile="artpec8", allow_float_fallback=True)

    assert [op.compute for op in file.operators if op.name == "CONV_2D"] == ["integer"] * 2
    assert max(each.mean for each in distances(trained, file, data)) < MOST_STEPS


@pytest.mark.parametrize("options", [{"exclude": ["sec*"]}, {"annotate": ["first", "pool*"]}])
def test_only_chosen_layers_are_quantized(options: dict[str, list[str]]) -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="first")(image)
    x = keras.layers.MaxPooling2D(name="pool")(x)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="second")(x))
    trained = tfq.qat.quantize_model(model, profile="artpec8", **options)
    train(trained, inputs(model))

    file = tfq.convert(trained, profile="artpec8", allow_float_fallback=True)

    computed = {op.name: [] for op in file.operators}
    for op in file.operators:
        computed[op.name].append(op.compute)
    assert computed["CONV_2D"] == ["integer", "float"]
    assert computed["MAX_POOL_2D"] == ["integer"]


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):  # type: ignore[misc]
    """A layer of somebody's own."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.matrix = self.add_weight(shape=(input_shape[-1], 4), name="matrix")

    def call(self, inputs: object) -> object:
        return keras.ops.matmul(inputs, self.matrix)


def test_a_registered_layer_is_quantized() -> None:
    image = keras.Input((6,))
    model = keras.Model(image, keras.layers.ReLU()(Doubled()(image)))
    tfq.qat.register(Doubled, weights={"matrix": -1})
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme(per_channel=True))
    train(trained, data)

    file = tfq.convert(trained)

    assert [op.name for op in file.operators] == ["FULLY_CONNECTED"]
    assert distances(trained, file, data)[0].mean < 0.5


def test_layer_by_layer_the_file_is_what_was_simulated() -> None:
    model = unlike(residual())
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    data = inputs(model)
    train(trained, data)

    found = tfq.compare(trained, tfq.convert(trained), np.asarray(data)[:8], per_layer=True)

    assert found.layers is not None and found.layers.matched == found.layers.total
    assert min(each.isolated for each in found.layers.layers if each.isolated is not None) > 30
    assert found.sqnr > 30


def test_a_sweep_says_that_the_scheme_was_chosen_in_training() -> None:
    model = unlike(residual())
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    data = inputs(model)
    train(trained, data)

    (row,) = tfq.sweep(trained, calibration_data=np.asarray(data), modes=["float16"]).rows

    assert "was trained for one scheme" in str(row.error)


def test_a_dense_layer_on_images_reads_what_was_trained() -> None:
    image = keras.Input((6, 6, 3))
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
    gate = keras.layers.Dense(3, activation="sigmoid")(keras.layers.Dense(8, activation="relu")(x))
    model = keras.Model(image, keras.layers.Multiply()([image, gate]))
    data = inputs(model)
    trained = tfq.qat.quantize_model(model, scheme=tfq.qat.Scheme())
    train(trained, data)

    with warnings.catch_warnings():
        warnings.simplefilter("error", tfq.ConversionWarning)
        file = tfq.convert(trained)

    assert distances(trained, file, data)[0].mean < 0.6

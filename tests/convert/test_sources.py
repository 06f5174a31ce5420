"""Everything that a user may call a model, converted for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq import errors
from tfq.runtime import Runner

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
IMAGES = RNG.random((24, 8, 8, 3), np.float32)
AGES = RNG.random((24, 4), np.float32)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Random weights, but the same ones every time: TensorFlow quantizes some and some not."""
    keras.utils.set_random_seed(0)


def convert(source: object, data: object = IMAGES, **options: object) -> tfq.Model:
    return tfq.convert(source, calibration_data=data, granularity="per_tensor", **options)


def interface(model: tfq.Model) -> tuple[list[str], list[str]]:
    (signature,) = model.signatures
    return list(signature.inputs), list(signature.outputs)


@pytest.fixture(scope="module")
def small() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.Conv2DTranspose(4, 3)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(3, name="class")(x))


@pytest.fixture(scope="module")
def two_inputs() -> keras.Model:
    image, age = keras.Input((8, 8, 3), name="image"), keras.Input((4,), name="age-group")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.Concatenate()([x, age])
    outputs = [keras.layers.Dense(3, name="class")(x), keras.layers.Dense(2, name="box")(x)]
    return keras.Model([image, age], outputs)


class TestKeras:
    def test_a_functional_model(self, small: keras.Model) -> None:
        model = convert(small)
        assert interface(model) == (["image"], ["class"])
        assert model.inputs[0].shape == (1, 8, 8, 3)
        assert {op.name for op in model.operators} >= {"CONV_2D", "TRANSPOSE_CONV"}

    def test_the_model_is_not_changed(self, small: keras.Model) -> None:
        before = [np.array(weights) for weights in small.get_weights()]
        convert(small)
        for old, new in zip(before, small.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    @pytest.mark.parametrize("suffix", [".keras", ".h5"])
    def test_a_file(self, small: keras.Model, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"small{suffix}"
        small.save(path)
        assert interface(convert(path)) == (["image"], ["class"])

    def test_several_inputs_and_outputs(self, two_inputs: keras.Model) -> None:
        model = convert(two_inputs, {"image": IMAGES, "age-group": AGES})
        inputs, outputs = interface(model)
        assert set(inputs) == {"image", "age_group"}
        assert set(outputs) == {"class", "box"}

    def test_dictionaries_of_inputs_and_outputs(self, two_inputs: keras.Model) -> None:
        image, age = two_inputs.inputs
        first, second = two_inputs.outputs
        model = keras.Model({"p": image, "q": age}, {"c": first, "b": second})
        names = interface(convert(model, {"p": IMAGES, "q": AGES}))
        assert (set(names[0]), set(names[1])) == ({"p", "q"}, {"c", "b"})

    def test_a_sequential_model_that_was_only_called(self) -> None:
        model = keras.Sequential([keras.layers.Dense(2)])
        model(np.zeros((1, 4), np.float32))
        assert interface(convert(model, AGES)) == (["input_0"], ["output_0"])

    def test_a_subclassed_model_that_was_called(self) -> None:
        class Custom(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.dense = keras.layers.Dense(2)

            def call(self, x: object) -> object:
                return self.dense(x)

        model = Custom()
        with pytest.raises(errors.ConversionError, match="no known inputs"):
            convert(model, AGES)
        model(np.zeros((1, 4), np.float32))
        assert convert(model, AGES).inputs[0].shape == (1, 4)

    def test_dropout_and_batch_normalization_are_traced_for_inference(self) -> None:
        image = keras.Input((8, 8, 3))
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
        model = keras.Model(image, keras.layers.Dropout(0.5)(keras.layers.ReLU()(x)))
        assert [op.name for op in convert(model).operators] == ["CONV_2D"]

    @pytest.mark.parametrize("name", ["silu", "gelu", "hard_silu", "elu", "tanh", "mish"])
    def test_activations_with_gradients_of_their_own(self, name: str) -> None:
        image = keras.Input((8, 8, 3))
        model = keras.Model(image, keras.layers.Conv2D(4, 3, activation=name)(image))
        converted = tfq.convert(model, mode="float32")
        expected = np.asarray(model(IMAGES[:1]))
        (found,) = Runner(converted).run({"input_0": IMAGES[:1]})
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_swish_in_integers_and_from_a_saved_model(self, tmp_path: Path) -> None:
        image = keras.Input((8, 8, 3))
        model = keras.Model(image, keras.layers.Conv2D(4, 3, activation="swish")(image))
        model.export(tmp_path / "exported", verbose=False)
        for source in (model, tmp_path / "exported"):
            assert {op.compute for op in convert(source).operators} == {"integer"}

    def test_integer_inputs_keep_their_type(self) -> None:
        ids = keras.Input((6,), dtype="int32", name="ids")
        x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4)(ids))
        model = convert(keras.Model(ids, keras.layers.Dense(2)(x)), RNG.integers(0, 9, (24, 6)))
        assert model.inputs[0].dtype == "int32"
        assert model.outputs[0].dtype == "int8"

    def test_an_open_image_size_is_that_of_the_samples(self) -> None:
        image = keras.Input((None, None, 3))
        model = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
        assert convert(model).inputs[0].shape == (1, 8, 8, 3)
        shapes = {"input_0": (1, 16, 12, 3)}
        shaped = convert(model, None, mode="dynamic_range", input_shapes=shapes)
        assert shaped.inputs[0].shape == (1, 16, 12, 3)

    def test_the_batch_may_be_chosen_or_stay_open(self, small: keras.Model) -> None:
        for mode in ("full_integer", "int16x8"):
            assert convert(small, mode=mode, batch_size=5).inputs[0].shape == (5, 8, 8, 3)
        assert convert(small, batch_size=None).inputs[0].shape_signature == (-1, 8, 8, 3)

    def test_a_recurrent_layer_says_what_to_do_instead_of_crashing(self) -> None:
        for layer in (keras.layers.LSTM(4), keras.layers.SimpleRNN(4)):
            with pytest.raises(errors.ConversionError, match="unroll=True"):
                convert(keras.Sequential([keras.Input((8, 3)), layer]), IMAGES[:, 0])
        # Not the LSTM: of one model and the same data, TensorFlow leaves a SPLIT in float in some
        # runs and not in others.
        unrolled = keras.Sequential([keras.Input((8, 3)), keras.layers.SimpleRNN(4, unroll=True)])
        assert {op.compute for op in convert(unrolled, IMAGES[:, 0]).operators} == {"integer"}


class TestKeras2:
    def test_a_model_object_and_its_files(self, tmp_path: Path) -> None:
        tf_keras = pytest.importorskip("tf_keras")
        layers = tf_keras.layers
        model = tf_keras.Sequential(
            [layers.Conv2D(4, 3, input_shape=(8, 8, 3)), layers.Flatten(), layers.Dense(3)]
        )
        model.save(tmp_path / "two.h5")
        model.save(tmp_path / "two.keras")
        model.save(tmp_path / "saved_model")
        for source in (model, *tmp_path.iterdir()):
            assert convert(source, unsafe_load=True).operators[0].name == "CONV_2D"

    def test_a_file_is_not_left_to_it_unless_it_is_trusted(self, tmp_path: Path) -> None:
        tf_keras = pytest.importorskip("tf_keras")
        x = tf_keras.Input((4,))
        model = tf_keras.Model(x, tf.math.sin(x))  # a call of TensorFlow, in the file by name
        for name in ("call.h5", "call.keras"):
            model.save(tmp_path / name)
            with pytest.raises(errors.InvalidModelError, match="you trust it"):
                convert(tmp_path / name, AGES)

    @pytest.mark.parametrize("name", ["in", "self", "_", "None", "1st"])
    def test_any_input_name(self, name: str) -> None:
        x = keras.Input((4,), name=name)
        assert convert(keras.Model(x, keras.layers.Dense(2)(x)), AGES).inputs

    def test_its_lstm_stays_one_fused_operator(self) -> None:
        tf_keras = pytest.importorskip("tf_keras")
        layers = [tf_keras.layers.LSTM(4, input_shape=(8, 3)), tf_keras.layers.Dense(2)]
        model = convert(tf_keras.Sequential(layers), IMAGES[:, 0])
        assert model.operators[0].name == "UNIDIRECTIONAL_SEQUENCE_LSTM"
        assert model.operators[0].compute == "integer"


class TestTensorFlow:
    def test_a_saved_model(self, small: keras.Model, tmp_path: Path) -> None:
        small.export(tmp_path / "exported", verbose=False)
        assert interface(convert(tmp_path / "exported")) == (["image"], ["output_0"])

    def test_a_signature_of_several(self, tmp_path: Path) -> None:
        module = tf.Module()
        spec = [tf.TensorSpec([None, 4], tf.float32, name="x")]
        module.double = tf.function(lambda x: {"twice": 2 * x}, input_signature=spec)
        module.add = tf.function(lambda x: {"more": x + 1}, input_signature=spec)
        signatures = {"double": module.double, "add": module.add}
        tf.saved_model.save(module, str(tmp_path / "m"), signatures=signatures)
        assert interface(convert(tmp_path / "m", AGES, signature="add")) == (["x"], ["more"])
        with pytest.raises(errors.InvalidModelError, match=r"it has (double|add), (double|add)"):
            convert(tmp_path / "m", AGES)

    def test_functions(self) -> None:
        function = tf.function(lambda x: tf.nn.relu(x) * 2)
        spec = tf.TensorSpec([None, 4], tf.float32, name="x")
        with_signature = tf.function(function, input_signature=[spec])
        for source in (with_signature, function.get_concrete_function(spec)):
            assert interface(convert(source, AGES)) == (["x"], ["output_0"])
        with pytest.raises(errors.ArgumentError, match="input_signature"):
            convert(function, AGES)


class TestTflite:
    @pytest.fixture(scope="class")
    def path(self, small: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("float") / "small.tflite"
        tfq.convert(small, mode="float32").save(path)
        return path

    @pytest.mark.parametrize("mode", ["full_integer", "int16x8", "dynamic_range", "weight_only"])
    def test_a_float_model_in_every_integer_mode(self, path: Path, mode: str) -> None:
        model = convert(path, mode=mode)
        assert interface(model) == (["image"], ["class"])
        assert "int8" in {tensor.dtype for tensor in model.tensors}

    def test_float_inputs_and_outputs(self, path: Path) -> None:
        model = convert(path, input_type="float32", output_type="float32")
        assert model.operators[0].name == "QUANTIZE"
        assert model.operators[-1].name == "DEQUANTIZE"

    def test_a_model_without_a_signature(self, small: keras.Model) -> None:
        function = tf.function(small).get_concrete_function(tf.TensorSpec([1, 8, 8, 3]))
        frozen = tfq.convert(function, mode="float32")
        bare = tfq.load(_without_signature(bytes(frozen)))
        assert not bare.signatures
        assert {op.compute for op in convert(bare).operators} == {"integer"}

    def test_an_open_batch_becomes_one_unless_asked_otherwise(self, shared_models: Path) -> None:
        image = keras.Input((8, 8, 3))
        x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(4, 3)(image))
        opened = tfq.convert(keras.Model(image, x), mode="float32", batch_size=None)
        assert opened.inputs[0].shape_signature == (-1, 8, 8, 3)
        for options, batch in (({}, 1), ({"batch_size": 3}, 3)):
            model = convert(opened, **options)
            assert model.inputs[0].shape_signature == (batch, 8, 8, 3)
            assert all(-1 not in tensor.shape_signature for tensor in model.tensors)
        path = shared_models / "litert" / "simple_add_dynamic_shape.tflite"
        add = tfq.convert(path, mode="float32", batch_size=7)
        assert add.inputs[0].shape[0] == 7

    def test_a_quantized_model_is_refused(self, path: Path) -> None:
        with pytest.raises(errors.ConversionError, match="already quantized"):
            convert(convert(path))

    @pytest.mark.parametrize("accuracy", ["none", "standard"])
    def test_uint8_inputs_are_made(self, path: Path, accuracy: str) -> None:
        model = convert(path, input_type="uint8", accuracy=accuracy)
        assert [tensor.dtype for tensor in model.inputs] == ["uint8"]
        assert [tensor.dtype for tensor in model.outputs] == ["int8"]


def _without_signature(content: bytes) -> bytes:
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    model.signatureDefs = []
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class TestRefused:
    @pytest.mark.parametrize("suffix", [".keras", ".h5"])
    def test_a_lambda_layer_needs_a_word_of_trust(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"lambda{suffix}"
        layers = [keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2, name="times_two")]
        keras.Sequential(layers).save(path)
        with pytest.raises(errors.InvalidModelError, match=r"layer 'times_two'.*unsafe_load"):
            convert(path, AGES)
        if suffix == ".keras":
            assert convert(path, AGES, unsafe_load=True).operators[0].name == "MUL"

    @pytest.mark.parametrize("name", ["a.keras", "a.h5", "a.hdf5", "a.tflite"])
    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"\x89HDF\r\n\x1a\n", b"x" * 500])
    def test_broken_files(self, tmp_path: Path, name: str, content: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(errors.InvalidModelError, match=name) as caught:
            convert(path)
        assert "\n" not in str(caught.value)

    def test_a_truncated_keras_file(self, samples: Path, tmp_path: Path) -> None:
        path = tmp_path / "cut.keras"
        path.write_bytes((samples / "digits.keras").read_bytes()[:-1000])
        with pytest.raises(errors.InvalidModelError, match="Keras 3 file"):
            convert(path)

    def test_weights_alone(self, small: keras.Model, tmp_path: Path) -> None:
        small.save_weights(tmp_path / "only.weights.h5")
        with pytest.raises(errors.InvalidModelError, match="weights without a model"):
            convert(tmp_path / "only.weights.h5")

    def test_a_directory_that_is_no_saved_model(self, tmp_path: Path) -> None:
        with pytest.raises(errors.InvalidModelError, match=r"no saved_model\.pb"):
            convert(tmp_path)
        (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
        with pytest.raises(errors.InvalidModelError, match="TensorFlow cannot load it"):
            convert(tmp_path)

    @pytest.mark.parametrize("source", [None, 42, [1, 2], object()])
    def test_something_else_entirely(self, source: object) -> None:
        with pytest.raises(errors.ArgumentError, match="expected a Keras model"):
            convert(source)

    def test_keras_on_another_backend(self) -> None:
        pytest.importorskip("jax")
        code = (
            "import keras, tfq\n"
            "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\n"
            "try:\n    tfq.convert(model, mode='float32')\n"
            "except tfq.ConversionError as error:\n    print(error)\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "KERAS_BACKEND": "jax"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "TensorFlow backend, found 'jax'" in run.stdout

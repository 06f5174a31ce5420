"""TFLiteConverter, told what each mode needs."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from tfq.convert import tracing
from tfq.convert.calibration import Samples
from tfq.convert.request import Request
from tfq.convert.sources import GraphSource, InputSpec
from tfq.errors import ConversionError, one_line
from tfq.runtime import quiet


def convert_graph(
    source: GraphSource,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
) -> bytes:
    """Converts a TensorFlow source to the bytes of a `.tflite`.

    Args:
        source: the model.
        inputs: its inputs with the shapes to convert.
        request: the mode and its options.
        samples: calibration data, for modes that need them.

    Raises:
        ConversionError: the model cannot be traced, or TFLiteConverter refuses it; the message
            names the ops at fault and what to do.
    """
    import tensorflow as tf

    with (
        quiet.silenced(request.verbose) as noise,
        tempfile.TemporaryDirectory(prefix="tfq-") as directory,
    ):
        names = tracing.freeze(source, inputs, Path(directory), request.mode)
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        _configure(tf, converter, request)
        feed = None if samples is None else _Feed(samples, inputs, names, noise.terminal)
        converter.representative_dataset = feed
        try:
            return bytes(converter.convert())
        except Exception as error:  # TFLiteConverter raises many types
            raise _explain(error, source.label, request) from error
        finally:
            if feed is not None:
                feed.close()


def _configure(tf: Any, converter: Any, request: Request) -> None:
    """Sets the options that TensorFlow's guide gives for the mode."""
    name = request.mode.name
    ops = tf.lite.OpsSet
    supported = [ops.TFLITE_BUILTINS]
    if name not in ("float32", "weight_only"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if name == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif name == "full_integer":
        supported = [ops.TFLITE_BUILTINS_INT8]
    elif name == "int16x8":
        supported = [ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    if request.mode.integer:
        converter.inference_input_type = tf.as_dtype(request.input_type)
        converter.inference_output_type = tf.as_dtype(request.output_type)
        if request.allow_float_fallback:
            supported.append(ops.TFLITE_BUILTINS)
    if request.allow_select_tf_ops:
        supported.append(ops.SELECT_TF_OPS)
    converter.target_spec.supported_ops = supported
    converter.allow_custom_ops = request.allow_custom_ops
    if request.granularity == "per_tensor":
        # TF2's only override. The first covers convolutions, and dense layers only until
        # TensorFlow 2.13; since then the second is theirs.
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True


class _Feed:
    """Gives samples to a converter, as often as it asks, with a progress bar on a terminal."""

    def __init__(
        self,
        samples: Samples,
        inputs: Sequence[InputSpec],
        names: dict[str, str],
        terminal: TextIO,
    ) -> None:
        self._samples = samples
        self._inputs = inputs
        self._names = names
        self._terminal = terminal
        self._bar: Any = None

    def __call__(self) -> Iterator[dict[str, Any]]:
        from tqdm import tqdm

        self._bar = tqdm(
            self._samples.batches(self._inputs),
            "calibrating",
            len(self._samples) // self._inputs[0].batch_size or None,
            file=self._terminal,
            leave=False,
            disable=bool(os.environ.get("CI")) or None,  # None: silent but on a terminal
        )
        for sample in self._bar:
            yield {self._names[name]: value for name, value in sample.items()}

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


_MISSING_OPS = re.compile(r"(TF Select|Custom) ops: (.+?)(?: Details:|$)")
_UNQUANTIZED_OP = re.compile(r"not yet supported for op: '?\"?([\w.]+)")
_FLOAT_TYPE = re.compile(r"tensor<[^>]*?\b(?:\d+x)*(f64|bf16|f16)>")
_FAILED_OP = re.compile(r"'?tf\.(\w+)'? op is neither a custom op nor a flex op")


def _explain(error: Exception, label: str, request: Request) -> ConversionError:
    """Says which ops TFLiteConverter stumbled over, and what can be done about it."""
    text = " ".join(str(error).split())
    missing: dict[str, str] = dict(_MISSING_OPS.findall(text))
    start = f"{label} cannot be converted to {request.mode.name}: "
    if "Custom" in missing:
        ops = missing["Custom"].strip()
        return ConversionError(
            f"{start}neither LiteRT nor TensorFlow has ops for {ops}; replace them, or keep them as"
            " custom ops with allow_custom_ops"
        )
    floats = sorted(set(_FLOAT_TYPE.findall(text)))
    if floats:
        return ConversionError(
            f"{start}LiteRT computes in float32, but the model in {' and '.join(floats)}; build it "
            "with the float32 dtype policy"
        )
    select = missing.get("TF Select") or ", ".join(sorted(set(_FAILED_OP.findall(text))))
    if select:
        return ConversionError(
            f"{start}LiteRT has no ops for {select.strip()}; replace them, or keep them as "
            "TensorFlow ops with allow_select_tf_ops (no device accelerates those)"
        )
    unquantized = sorted(set(_UNQUANTIZED_OP.findall(text)))
    if unquantized:
        return ConversionError(
            f"{start}no integer kernel for {', '.join(unquantized)}; replace them, or leave them in"
            " float with allow_float_fallback"
        )
    return ConversionError(start + one_line(error))

"""TFLiteConverter, told what each mode needs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfq.convert import tracing
from tfq.convert.calibration import Samples
from tfq.convert.feed import Feed
from tfq.convert.request import Request
from tfq.convert.sources import GraphSource, InputSpec
from tfq.errors import ConversionError, one_line
from tfq.runtime import quiet


class FrozenGraph:
    """A TensorFlow source, traced and frozen once, and converted as often as needed.

    Attributes:
        names: the name of each input in what is converted, by the name the user knows.
    """

    def __init__(self, source: GraphSource, inputs: Sequence[InputSpec], request: Request) -> None:
        """Traces the source.

        Args:
            source: the model.
            inputs: its inputs with the shapes to convert.
            request: the mode that it is at last converted to.

        Raises:
            ConversionError: the model cannot be traced, or not be converted to that mode.
        """
        self._source, self._inputs, self._aim = source, inputs, request
        self._directory = tempfile.TemporaryDirectory(prefix="tfq-")
        with quiet.silenced(request.verbose):
            try:
                self.names = tracing.freeze(
                    source, inputs, Path(self._directory.name), request.mode
                )
            except ConversionError:
                self.close()
                raise
            except Exception as error:  # TensorFlow raises many types
                self.close()
                raise _explain(error, source.label, request) from error

    def convert(self, request: Request, samples: Samples | None) -> bytes:
        """Converts it to the bytes of a `.tflite`.

        Args:
            request: the mode and its options.
            samples: calibration data, for modes that need them.

        Raises:
            ConversionError: TFLiteConverter refuses; the message names the ops at fault and what
                to do.
        """
        import tensorflow as tf

        with quiet.silenced(request.verbose) as terminal:
            feed = None
            try:
                converter = tf.lite.TFLiteConverter.from_saved_model(self._directory.name)
                _configure(tf, converter, request)
                if request.mode.needs_calibration and samples is not None:
                    feed = Feed(samples, self._inputs, self.names, terminal)
                    converter.representative_dataset = lambda: iter(feed)
                return bytes(converter.convert())
            except Exception as error:  # TensorFlow raises many types
                raise _explain(error, self._source.label, self._aim) from error
            finally:
                if feed is not None:
                    feed.close()

    def close(self) -> None:
        """Removes what was frozen."""
        self._directory.cleanup()


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
        # TF2's only override. In TensorFlow 2.21 the first covers dense layers too; the second is
        # theirs alone.
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True


_MISSING_OPS = re.compile(r"(TF Select|Custom) ops: (.+?)(?: Details:|$)")
_UNQUANTIZED_OP = re.compile(r"not yet supported for op: '?\"?([\w.]+)")
_FLOAT_TYPE = re.compile(r"tensor<(?:[\d?*]+x)*(f64|bf16|f16)>")
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

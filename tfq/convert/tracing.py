"""From any TensorFlow source to a frozen SavedModel, the one form that is then converted.

Tracing once with static shapes and freezing the variables makes conversion several times faster
than `TFLiteConverter.from_keras_model` (benchmarks/conversion.py), and it is what int8 conversion
of Keras 3 models needs. A SavedModel keeps the names of inputs and outputs as a signature.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfq.convert.modes import Mode
from tfq.convert.sources import GraphSource, InputSpec, distinct
from tfq.errors import ConversionError, one_line


def freeze(
    source: GraphSource, inputs: Sequence[InputSpec], directory: Path, mode: Mode
) -> dict[str, str]:
    """Traces `source` with the given shapes and saves it with its variables as constants.

    Args:
        source: the model.
        inputs: its inputs with the shapes to trace.
        directory: where the SavedModel goes.
        mode: what it will be converted to.

    Returns:
        The signature's name for each input, by the name the user knows.

    Raises:
        ConversionError: the model cannot be traced, has a loop and is to be calibrated, or has
            weights that are no numbers and is to be quantized.
    """
    import tensorflow as tf

    module = tf.Module()
    try:
        traced, output_names = _trace(source, inputs)
        if _has_fused_layers(traced):
            flat, module.variables_of_source = traced, list(traced.variables)
        else:
            flat = _with_constants(traced)
    except Exception as error:  # the model's own code runs here
        raise ConversionError(f"{source.label} cannot be traced: {one_line(error)}") from error
    if mode.granularities:
        _check_finite(source, traced.variables)
    if mode.needs_calibration and any("While" in op.type for op in flat.graph.get_operations()):
        # TensorFlow 2.21 does not fail here: its calibrator crashes the process.
        raise ConversionError(
            f"{source.label} has a loop, which TensorFlow cannot calibrate; if it is a recurrent "
            "layer, build it with unroll=True"
        )
    arguments = signature_names(inputs)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator, unused-ignore]
    def serve(**keywords: Any) -> dict[str, Any]:
        outputs = tf.nest.flatten(flat(*(keywords[name] for name in arguments.values())))
        return dict(zip(output_names, outputs, strict=True))

    module.serve = serve
    signature = serve.get_concrete_function(
        **{
            arguments[spec.name]: tf.TensorSpec(spec.shape, spec.dtype, name=arguments[spec.name])
            for spec in inputs
        }
    )
    # Gradients are not needed, and those of frozen functions, such as swish has, cannot be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(directory), signatures=signature, options=options)
    return arguments


def _trace(source: GraphSource, inputs: Sequence[InputSpec]) -> tuple[Any, list[str]]:
    """A concrete function from flat inputs to flat outputs, and the outputs' names."""
    import tensorflow as tf

    names: list[str] = []

    def flat(*tensors: Any) -> list[Any]:
        outputs = source.call(tensors)
        names[:] = outputs
        return list(outputs.values())

    specs = [tf.TensorSpec(spec.shape, spec.dtype) for spec in inputs]
    return tf.function(flat, autograph=False).get_concrete_function(*specs), names


def simulates_quantization(source: GraphSource, inputs: Sequence[InputSpec]) -> bool:
    """Says whether a model has what TensorFlow calls fake quantization.

    Args:
        source: the model.
        inputs: its inputs with the shapes to trace.
    """
    try:
        graph = _trace(source, inputs)[0].graph.as_graph_def()
    except Exception:  # the model's own code runs here; conversion says what is wrong
        return False
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return any(node.op.startswith("FakeQuant") for node in nodes)


def _check_finite(source: GraphSource, variables: Sequence[Any]) -> None:
    for variable in variables:
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
            raise ConversionError(
                f"{source.label}: expected finite weights; {variable.name.split(':')[0]!r} "
                "holds NaN or infinity"
            )


def _has_fused_layers(traced: Any) -> bool:
    """Whether functions inside say which kernel they are, as Keras 2's LSTM does.

    TFLiteConverter makes UNIDIRECTIONAL_SEQUENCE_LSTM of them; freezing would inline them.
    """
    functions = traced.graph.as_graph_def().library.function
    return any("api_implements" in function.attr for function in functions)


def _with_constants(traced: Any) -> Any:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def signature_names(inputs: Sequence[InputSpec]) -> dict[str, str]:
    """The names of inputs as TensorFlow accepts them for arguments: identifiers, each once.

    Args:
        inputs: a model's.

    Returns:
        The signature's name for each, by the name the user knows.
    """
    plain = [re.sub(r"\W", "_", spec.name, flags=re.ASCII) for spec in inputs]
    made = distinct([name if _is_argument(name) else f"input_{name}" for name in plain])
    return {spec.name: name for spec, name in zip(inputs, made, strict=True)}


def _is_argument(name: str) -> bool:
    is_word = name.isidentifier() and not keyword.iskeyword(name)
    return is_word and name != "self" and not name.startswith("_")

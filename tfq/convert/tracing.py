"""From any TensorFlow source to a frozen SavedModel, the one form that is then converted.

Tracing once with static shapes and freezing the variables makes conversion several times faster
than `TFLiteConverter.from_keras_model` (benchmarks/conversion.py), and it is what int8 conversion
of Keras 3 models needs. A SavedModel keeps the names of inputs and outputs as a signature.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfq.convert.sources import GraphSource, InputSpec, one_line
from tfq.errors import ConversionError

def freeze(source: GraphSource, inputs: Sequence[InputSpec], directory: Path) -> dict[str, str]:
    """Traces `source` with the given shapes and saves it with its variables as constants.

    Args:
        source: the model.
        inputs: its inputs with the shapes to trace.
        directory: where the SavedModel goes.

    Returns:
        The signature's name for each input, by the name the user knows.

    Raises:
        ConversionError: the model cannot be traced.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2 as freeze_variables,
    )

    specs = [tf.TensorSpec(spec.shape, spec.dtype) for spec in inputs]
    output_names: list[str] = []

    def flat(*tensors: Any) -> list[Any]:
        outputs = source.call(tensors)
        output_names[:] = outputs
        return list(outputs.values())

    try:
        traced = tf.function(flat, autograph=False).get_concrete_function(*specs)
        frozen = freeze_variables(traced, lower_control_flow=False)
    except Exception as error:  # the model's own code runs here
        raise ConversionError(f"{source.label} cannot be traced: {one_line(error)}") from error

    arguments = _signature_names([spec.name for spec in inputs])

    @tf.function(autograph=False)  # type: ignore[untyped-decorator, unused-ignore]
    def serve(**keywords: Any) -> dict[str, Any]:
        outputs = frozen(*(keywords[name] for name in arguments))
        flat_outputs = [outputs] if len(output_names) == 1 and tf.is_tensor(outputs) else outputs
        return dict(zip(output_names, flat_outputs, strict=True))

    module = tf.Module()
    module.serve = serve
    signature = serve.get_concrete_function(
        **{
            name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
            for name, spec in zip(arguments, inputs, strict=True)
        }
    )
    tf.saved_model.save(module, str(directory), signatures=signature)
    return {spec.name: name for spec, name in zip(inputs, arguments, strict=True)}


def _signature_names(names: Sequence[str]) -> list[str]:
    """The names as TensorFlow accepts them for arguments: identifiers, each once."""
    result: list[str] = []
    for name in names:
        base = re.sub(r"\W", "_", name, flags=re.ASCII) or "input"
        base = f"input_{base}" if base[0].isdigit() else base
        unique, number = base, 1
        while unique in result:
            unique, number = f"{base}_{number}", number + 1
        result.append(unique)
    return result

"""From a trained model to a `.tflite`, in the mode and granularity that a device wants.

Nothing heavy is imported here: `import tfq` imports this module.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tfq.errors import CalibrationDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfq.convert.converted import ConvertedModel
    from tfq.profiles import Profile

__all__ = ["convert"]


def convert(
    source: Any,
    *,
    mode: str | None = None,
    granularity: str | None = None,
    calibration_data: Any = None,
    profile: str | os.PathLike[str] | Profile | None = None,
    input_type: str | None = None,
    output_type: str | None = None,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    batch_size: int | None = 1,
    input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
    signature: str | None = None,
    allow_float_fallback: bool = False,
    allow_select_tf_ops: bool = False,
    allow_custom_ops: bool = False,
    unsafe_load: bool = False,
    verbose: bool = False,
) -> ConvertedModel:
    """Converts a model to a `.tflite` and checks that the result is what was asked.

    Args:
        source: a Keras 3 or tf_keras model, a `tf.function` with an input signature, a concrete
            function, a float `tfq.Model`, or a path to a `.keras`, `.h5`, `.hdf5` or `.tflite`
            file or a SavedModel directory.
        mode: "float32", "float16", "dynamic_range", "weight_only", "full_integer" or "int16x8".
            By default the profile's, else "full_integer".
        granularity: "per_tensor" or "per_channel" scales of weights. By default the profile's,
            else "per_channel".
        calibration_data: samples of what the device will see, for "full_integer" and "int16x8":
            an array or dictionary of arrays (first axis: samples), a path to a `.npy`, `.npz`,
            TFRecord or directory of images, a `tf.data.Dataset`, or a generator, list or function
            of samples. Other modes only take open image sizes from them. What may never end is
            read up to 500 samples.
        profile: a device, by name or path; sets what is not given here, and lints the result.
        input_type: of the float inputs in the result: "int8" (the default), "uint8" or "float32"
            in "full_integer", "int16" or "float32" in "int16x8".
        output_type: likewise, of the outputs.
        image_scale: how pixels become inputs: "0..1", "-1..1", "0..255" or "MEAN,STD".
        parse_function: makes a sample of a serialized example, for TFRecords.
        batch_size: for models that leave the batch open; None keeps it open.
        input_shapes: whole shapes by input name, where the model leaves more than the batch open.
        signature: which signature of a SavedModel.
        allow_float_fallback: leave operators without integer kernels in float.
        allow_select_tf_ops: keep operators that LiteRT lacks as TensorFlow's own.
        allow_custom_ops: keep unknown operators as custom ones.
        unsafe_load: load Keras files with Lambda layers, whose Python code then runs.
        verbose: let TensorFlow's log through to stderr.

    Returns:
        The model, with `mode`, `granularity` and, where a profile was given, the lint `report`.

    Raises:
        tfq.ArgumentError: an argument is unknown or contradicts another.
        tfq.InvalidModelError: `source` is missing, broken or of another kind.
        tfq.CalibrationDataError: calibration data are missing or do not fit the model.
        tfq.ConversionError: the converter refuses the model, or what it made is not what was asked.
        tfq.ProfileError: the profile is unknown or broken.
        tfq.MissingDependencyError: a package that this conversion needs is not installed.

    Example:
        >>> model = tfq.convert("digits.keras", profile="artpec8", calibration_data="data.npz")
        >>> model.report.ok
        True
        >>> model.save("digits.tflite")
    """
    from tfq.convert import calibration, converted, request, shapes, sources
    from tfq.profiles import load as load_profile

    device = load_profile(profile) if isinstance(profile, (str, os.PathLike)) else profile
    asked = request.complete(
        device,
        mode=mode,
        granularity=granularity,
        input_type=input_type,
        output_type=output_type,
        allow_float_fallback=allow_float_fallback,
        allow_select_tf_ops=allow_select_tf_ops,
        allow_custom_ops=allow_custom_ops,
        verbose=verbose,
    )
    opened = sources.open_source(
        source, signature=signature, unsafe_load=unsafe_load, verbose=verbose
    )
    request.check_source(asked, opened)
    inputs = shapes.resolve(opened.inputs, batch_size, input_shapes or {})
    samples = None
    if calibration_data is not None:
        samples = calibration.read(
            calibration_data, inputs, image_scale=image_scale, parse_function=parse_function
        )
        inputs = shapes.fill(inputs, samples.shapes)
    if asked.mode.needs_calibration:
        if samples is None:
            wanted = "; ".join(map(str, inputs))
            raise CalibrationDataError(f"{asked.mode.name} needs calibration_data for {wanted}")
        calibration.check_ranges(samples, inputs)
    return converted.make(opened, inputs, asked, samples, device)

"""From a trained model to a `.tflite`, in the mode and granularity that a device wants.

Nothing heavy is imported here: `import tfq` imports this module.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    accuracy: str | None = None,
    passes: str | Sequence[str] | None = None,
    save_ranges: str | os.PathLike[str] | None = None,
    load_ranges: str | os.PathLike[str] | None = None,
    weight_bits: int = 8,
    block_size: int | None = None,
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
            read up to 500 samples. A model that simulates quantization (`tfq.qat`) needs none.
        profile: a device, by name or path; sets what is not given here, and lints the result.
        input_type: of the float inputs in the result: "int8" (the default), "uint8" or "float32"
            in "full_integer", "int16" or "float32" in "int16x8".
        output_type: likewise, of the outputs.
        accuracy: "none": what TFLiteConverter alone makes (of a `.tflite`: LiteRT Quantizer);
            "standard", the default for "full_integer" and "int16x8": the float model is equalized,
            ways to choose ranges are tried, and weights rounded with regard to their inputs,
            unless "none" has the better outputs on the calibration data; "best": biases are
            absorbed and corrected, too.
        passes: what is done instead of a level, in words or one text with commas: "equalize",
            "absorb_bias", "clip_weights"; one of "minmax" (the default), "moving_average",
            "percentile:99.99", "mse", "entropy" and "search" (the best of these), and
            "mse@PATTERN" for activations of such names; "round_weights"; "symmetric",
            "power_of_two"; "int16:PATTERN" or "float:PATTERN" for
            layers of such names, "int16:10%" for those that gain most within so much of the MACs;
            "correct_bias" or "correct_bias:ITERATIONS". Other modes than "full_integer" and
            "int16x8" only take "equalize".
        save_ranges: where to write what calibration saw of the activations, as JSON.
        load_ranges: such a file, of this model: no sample is needed for calibration.
        weight_bits: of quantized weights: 8 or 4. Layers that cannot have 4 keep 8.
        block_size: how many weights along the input channels share a scale: 32, 64, 128 or 256, in
            "dynamic_range" with 4 bits; by default all of a channel or tensor.
        image_scale: how pixels become inputs: "0..1", "-1..1", "0..255" or "MEAN,STD".
        parse_function: makes a sample of a serialized example, for TFRecords.
        batch_size: for models that leave the batch open; None keeps it open.
        input_shapes: whole shapes by input name, where the model leaves more than the batch open.
        signature: which signature of a SavedModel or `.tflite`.
        allow_float_fallback: leave operators without integer kernels in float.
        allow_select_tf_ops: keep operators that LiteRT lacks as TensorFlow's own.
        allow_custom_ops: keep unknown operators as custom ones.
        unsafe_load: load Keras files with Lambda layers, whose Python code then runs.
        verbose: let TensorFlow's log through to stderr.

    Returns:
        The model, with `mode`, `granularity`, `applied` (what was done for accuracy, also in its
        metadata as "tfq") and, where a profile was given, the lint `report`.

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
    from tfq.convert import converted, opening, ranges_files, request, trained
    from tfq.errors import ArgumentError
    from tfq.format import check_apart
    from tfq.profiles import resolve

    device = None if profile is None else resolve(profile)
    options: dict[str, Any] = {
        "mode": mode,
        "granularity": granularity,
        "input_type": input_type,
        "output_type": output_type,
        "accuracy": accuracy,
        "passes": passes,
        "weight_bits": weight_bits,
        "block_size": block_size,
        "allow_float_fallback": allow_float_fallback,
        "allow_select_tf_ops": allow_select_tf_ops,
        "allow_custom_ops": allow_custom_ops,
        "verbose": verbose,
    }
    asked = request.complete(device, **options)
    check_apart(
        {"save_ranges": save_ranges},
        {"source": source, "calibration_data": calibration_data, "load_ranges": load_ranges},
    )
    saved = ranges_files.prepare(asked, save_ranges, load_ranges)
    opened = opening.open_all(
        source,
        calibration_data,
        image_scale=image_scale,
        parse_function=parse_function,
        batch_size=batch_size,
        input_shapes=input_shapes,
        signature=signature,
        unsafe_load=unsafe_load,
        verbose=verbose,
    )
    asked = trained.adapted(asked, opened, device, options)
    is_trained = asked.plan.level == trained.LEVEL
    if is_trained and (save_ranges is not None or load_ranges is not None):
        raise ArgumentError("save_ranges, load_ranges: the ranges are those of training")
    needs_samples = asked.mode.needs_calibration and not is_trained
    if needs_samples and (saved is None or opened.samples is not None):
        opening.samples_for(opened, asked.mode.name)
    saves = save_ranges is not None
    model = converted.make(*opened[:2], asked, opened.samples, device, saved, for_all_modes=saves)
    if save_ranges is not None:
        ranges_files.save(model, save_ranges)
    return model

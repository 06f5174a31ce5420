"""Finds out why a model loses accuracy in 8 bits, and what helps.

The float model, its 16-bit and its 8-bit form are run on the data, against the labels where there
are any. If 16 bits are close to float and 8 bits are not, quantization is the cause: the layers
that err are named, with the reason, and what can be done is tried and measured. If 16 bits are bad
as well, or the float model itself is, the usual mistakes are looked for: the scale of the inputs,
the order of their channels, the numbers of the labels, calibration data unlike the others.
"""

from __future__ import annotations

from absl import flags

from tfq.cli.data_flags import input_shapes, one_line_warnings
from tfq.errors import ArgumentError

FLAGS = flags.FlagValues()
USAGE = "--model=MODEL --data=DATA [--labels=FILE] [--profile=DEVICE] [--calibration_data=DATA]"

flags.DEFINE_string(
    "model",
    None,
    "The float model: .keras, .h5, .hdf5, a float .tflite, or a SavedModel directory.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "data",
    None,
    "Evaluation data: .npy, .npz (one array, or one named after each input, and labels as y), a "
    "TFRecord, a directory of images, or FILE.py:FUNCTION that returns samples. At most 500 "
    "samples are run.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "labels",
    None,
    "One a sample: .npy, or .npz with y. By default those among the data.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "metric",
    None,
    "What the labels are for: top1, miou, map, mae, rmse, or module:function, which gets the list "
    "of outputs and the labels. By default seen from the shape of the labels.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "profile",
    None,
    "The device: a name that `tfq profiles` lists, or a file. What it does not take is not "
    "recommended.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "candidate",
    None,
    "An 8-bit .tflite of this model, to diagnose instead of what tfq makes of it.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "calibration_data",
    None,
    "Samples of what the device will see, in any form of --data. By default the evaluation data.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "image_scale",
    None,
    "What pixels become: 0..1, -1..1, 0..255 or MEAN,STD in units of pixels.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "parse_function",
    None,
    "FILE.py:FUNCTION that makes a sample of a TFRecord's serialized example.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "batch_size",
    1,
    "For models that leave the batch open; 0 keeps it open.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "input_shape",
    [],
    "NAME:1,224,224,3: a whole shape, where the model leaves more than the batch open. May repeat.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "signature", None, "Which signature of a SavedModel or .tflite.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "allow_float_fallback",
    False,
    "Leave operators without integer kernels in float.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "allow_select_tf_ops",
    False,
    "Keep operators that LiteRT lacks as TensorFlow's own.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "allow_custom_ops", False, "Keep unknown operators as custom ones.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "unsafe_load",
    False,
    "Load Keras files with Lambda layers, whose Python code then runs.",
    flag_values=FLAGS,
)
flags.DEFINE_enum("format", "text", ["text", "json"], "How to print.", flag_values=FLAGS)
flags.DEFINE_integer(
    "verbosity", 0, "1 lets TensorFlow's log through.", lower_bound=0, flag_values=FLAGS
)


def run(arguments: list[str]) -> int:
    """Diagnoses and prints.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0, whatever the verdict.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.accuracy.diagnosis import diagnose
    from tfq.convert.readers import load_function
    from tfq.report.diagnosis import diagnosis_data
    from tfq.report.diagnosis_text import diagnosis_text
    from tfq.report.json_text import to_json

    if arguments:
        raise ArgumentError(f"expected flags only, got {arguments[0]!r}; the model is --model")
    for name in ("model", "data"):
        if not FLAGS[name].value:
            raise ArgumentError(f"--{name} is missing: tfq diagnose {USAGE}")
    with one_line_warnings():
        found = diagnose(
            FLAGS.model,
            FLAGS.data,
            labels=FLAGS.labels,
            metric=FLAGS.metric,
            profile=FLAGS.profile,
            candidate=FLAGS.candidate,
            calibration_data=FLAGS.calibration_data,
            image_scale=FLAGS.image_scale,
            parse_function=load_function(FLAGS.parse_function) if FLAGS.parse_function else None,
            batch_size=FLAGS.batch_size or None,
            input_shapes=input_shapes(FLAGS.input_shape),
            signature=FLAGS.signature,
            allow_float_fallback=FLAGS.allow_float_fallback,
            allow_select_tf_ops=FLAGS.allow_select_tf_ops,
            allow_custom_ops=FLAGS.allow_custom_ops,
            unsafe_load=FLAGS.unsafe_load,
            verbose=FLAGS.verbosity > 0,
        )
    print(to_json(diagnosis_data(found)) if FLAGS.format == "json" else diagnosis_text(found))
    return 0

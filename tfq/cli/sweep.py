"""Converts a model in every mode, compares what comes out, and recommends one.

The model is a .keras, .h5, .hdf5 or float .tflite file, or a SavedModel directory. The directory
--output gets a .tflite for each row of the table and sweep.json; what is there already and still
valid is not done again. A mode that fails is a row with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from tfq.cli.data_flags import input_shapes, one_line_warnings
from tfq.errors import ArgumentError
from tfq.sweep import MAX_ACCURACY_DROP, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = flags.FlagValues()
USAGE = (
    "--model=MODEL --output=DIR [--profiles=DEVICE,...] [--calibration_data=DATA] "
    "[--evaluation_data=DATA]"
)

flags.DEFINE_string("model", None, "What to convert.", flag_values=FLAGS)
flags.DEFINE_string(
    "output",
    None,
    "The directory for the results; other files in it are left alone.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "profiles",
    [],
    "The devices: names that `tfq profiles` lists, or files. Each row is linted for each.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "calibration_data",
    None,
    "Samples of what the device will see: .npy, .npz (one array, or one named after each input), "
    "a TFRecord, a directory of images, or FILE.py:FUNCTION that returns samples. Without, the "
    "integer modes fail.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "evaluation_data",
    None,
    "Likewise, samples to compare the rows on, with labels as y or without. By default the "
    "calibration data.",
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
    "of outputs and the labels. By default seen from the shape of the labels; without labels the "
    "agreement with float32, or the SQNR.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "max_accuracy_drop",
    MAX_ACCURACY_DROP,
    "The most that the recommended row may lose of the metric.",
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "modes",
    [],
    "Patterns of rows' names, such as full_integer.*, to run fewer. By default all.",
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
flags.DEFINE_integer(
    "verbosity", 0, "1 lets TensorFlow's log through.", lower_bound=0, flag_values=FLAGS
)
flags.DEFINE_enum(
    "format", "text", ["text", "json"], "How to print; json: sweep.json.", flag_values=FLAGS
)


def run(arguments: list[str]) -> int:
    """Sweeps, and prints the table or what `sweep.json` holds.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0, whatever is recommended.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.report.json_text import to_json
    from tfq.report.sweep_text import sweep_text

    if arguments:
        raise ArgumentError(f"expected flags only, got {arguments[0]!r}; the model is --model")
    for name in ("model", "output"):
        if not FLAGS[name].value:
            raise ArgumentError(f"--{name} is missing: tfq sweep {USAGE}")
    with one_line_warnings():
        found = sweep(
            FLAGS.model,
            profiles=_words(FLAGS.profiles),
            calibration_data=FLAGS.calibration_data,
            evaluation_data=FLAGS.evaluation_data,
            labels=FLAGS.labels,
            metric=FLAGS.metric,
            max_accuracy_drop=FLAGS.max_accuracy_drop,
            modes=_words(FLAGS.modes),
            output=FLAGS.output,
            image_scale=FLAGS.image_scale,
            parse_function=_function(FLAGS.parse_function),
            batch_size=FLAGS.batch_size or None,
            input_shapes=input_shapes(FLAGS.input_shape),
            signature=FLAGS.signature,
            allow_float_fallback=FLAGS.allow_float_fallback,
            allow_select_tf_ops=FLAGS.allow_select_tf_ops,
            allow_custom_ops=FLAGS.allow_custom_ops,
            unsafe_load=FLAGS.unsafe_load,
            verbose=FLAGS.verbosity > 0,
        )
    print(to_json(found.to_data()) if FLAGS.format == "json" else sweep_text(found))
    return 0


def _function(place: str | None) -> Callable[..., Any] | None:
    # Where nothing is to be done, NumPy is not even loaded.
    if not place:
        return None
    from tfq.convert.readers import load_function

    return load_function(place)


def _words(texts: list[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]

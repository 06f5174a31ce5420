"""Converts a model in every mode, compares what comes out, and recommends one.

The model is a .keras, .h5, .hdf5 or float .tflite file, or a SavedModel directory. The directory
--output gets a .tflite for each row of the table and sweep.json; what is there already and still
valid is not done again. A mode that fails is a row with its reason: exit status 1 if all do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from tfq.cli import data_flags
from tfq.sweep import MAX_ACCURACY_DROP, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfq.sweep.result import Sweep

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
    f"Samples of what the device will see: {data_flags.FORMS}. Without, the integer modes fail.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "evaluation_data",
    None,
    "Likewise, samples to compare the rows on: by their labels, else by the agreement with "
    "float32, or the SQNR. By default the calibration data.",
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
    "Patterns of rows' names, such as full_integer.*, to run fewer; others that are there and "
    "still valid stay in the table. By default all.",
    flag_values=FLAGS,
)
data_flags.define_opening(FLAGS)
data_flags.define_scoring(FLAGS)
data_flags.define_conversion(FLAGS)
flags.DEFINE_enum(
    "format", "text", ["text", "json"], "How to print; json: sweep.json.", flag_values=FLAGS
)


def run(arguments: list[str]) -> int:
    """Sweep, and print the table or what `sweep.json` holds.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0, whatever is recommended; 1 if every row failed.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.report.json_text import to_json

    data_flags.check_given(f"sweep {USAGE}", FLAGS, ("model", "output"), arguments)
    with data_flags.one_line_warnings():
        options = data_flags.keywords(FLAGS)  # runs the module of --parse_function
        found = sweep(
            FLAGS.model,
            profiles=[each for each in FLAGS.profiles if each],
            calibration_data=FLAGS.calibration_data,
            evaluation_data=FLAGS.evaluation_data,
            max_accuracy_drop=FLAGS.max_accuracy_drop,
            modes=[each for each in FLAGS.modes if each],
            output=FLAGS.output,
            **options,
        )
    print(to_json(found.to_data()) if FLAGS.format == "json" else _text(found, options))
    return 0 if any(row.ok for row in found.rows) else 1


def _text(found: Sweep, options: Mapping[str, Any]) -> str:
    from tfq.profiles import load
    from tfq.report.sweep_text import sweep_text
    from tfq.sweep.commands import commands

    devices = {load(each).name: each for each in FLAGS.profiles if each}
    again = commands(found, FLAGS.model, FLAGS.calibration_data, options, devices)
    return sweep_text(found, again)

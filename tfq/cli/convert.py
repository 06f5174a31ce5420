"""Converts a model to a .tflite and checks that the result is what was asked.

The model is a .keras, .h5, .hdf5 or float .tflite file, or a SavedModel directory. With --profile,
the device decides what is not said here, and the result is linted for it: exit status 1 if it
does not pass.
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from tfq.cli import data_flags
from tfq.convert import convert
from tfq.convert.modes import MODES
from tfq.lint import Report

FLAGS = flags.FlagValues()
USAGE = "--model=MODEL --output=FILE.tflite [--profile=DEVICE] [--calibration_data=DATA]"

flags.DEFINE_string("model", None, "What to convert.", flag_values=FLAGS)
flags.DEFINE_string("output", None, "The .tflite to write.", flag_values=FLAGS)
flags.DEFINE_string(
    "mode",
    None,
    "How to quantize: "
    + "; ".join(f"{mode.name}: {mode.summary}" for mode in MODES.values())
    + ". By default the profile's, else full_integer.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "granularity",
    None,
    "Scales of weights: per_tensor or per_channel. By default the profile's, else per_channel.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "profile", None, "The device: a name that `tfq profiles` lists, or a file.", flag_values=FLAGS
)
flags.DEFINE_string(
    "calibration_data",
    None,
    f"Samples of what the device will see: {data_flags.FORMS}.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "accuracy",
    None,
    "What is done for accuracy: none: the converter alone; standard, the default for full_integer "
    "and int16x8: equalized channels, searched ranges, weights rounded with regard to their "
    "inputs, unless none is as good on the calibration data; best: biases are corrected, too.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "passes",
    None,
    "Instead of --accuracy, what is done, by name (docs/accuracy.md): equalize, absorb_bias, "
    "clip_weights; ranges by minmax (the default), moving_average, percentile:99.99, mse, entropy "
    "or search, METHOD@PATTERN for some; symmetric, power_of_two; int16:PATTERN, float:PATTERN, "
    "int16:10%, float:10%; round_weights; correct_bias[:ITERATIONS].",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "save_ranges", None, "Where to write what calibration saw, as JSON.", flag_values=FLAGS
)
flags.DEFINE_string(
    "load_ranges", None, "A file of --save_ranges, instead of calibrating.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "weight_bits",
    8,
    "Of quantized weights: 8 or 4. Layers that cannot have 4 keep 8.",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "block_size",
    None,
    "How many weights along the input channels share a scale: 32, 64, 128 or 256, in dynamic_range "
    "with 4 bits; by default all.",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "input_type",
    None,
    "Type of float inputs in the result: int8, uint8, int16 or float32.",
    flag_values=FLAGS,
)
flags.DEFINE_string("output_type", None, "Likewise, of the outputs.", flag_values=FLAGS)
data_flags.define_opening(FLAGS)
data_flags.define_conversion(FLAGS)


def run(arguments: list[str]) -> int:
    """Convert, write, print what came out and, with a profile, the verdict.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0, or 1 if the profile's lint finds errors.
    """
    from tfq.format import check_apart, check_place
    from tfq.lint.formats import load as load_format
    from tfq.report.conversion_text import conversion_text
    from tfq.terminal import wants_colour

    data_flags.check_given(f"convert {USAGE}", FLAGS, ("model", "output"), arguments)
    output = Path(FLAGS.output)
    check_place(output)
    names = ("model", "calibration_data", "load_ranges", "profile")
    check_apart(
        {"--output": output, "--save_ranges": FLAGS.save_ranges},
        {f"--{name}": FLAGS[name].value for name in names},
    )
    with data_flags.one_line_warnings():
        model = convert(
            FLAGS.model,
            mode=FLAGS.mode,
            granularity=FLAGS.granularity,
            calibration_data=FLAGS.calibration_data,
            profile=FLAGS.profile,
            input_type=FLAGS.input_type,
            output_type=FLAGS.output_type,
            accuracy=FLAGS.accuracy,
            passes=FLAGS.passes,
            save_ranges=FLAGS.save_ranges,
            load_ranges=FLAGS.load_ranges,
            weight_bits=FLAGS.weight_bits,
            block_size=FLAGS.block_size,
            **data_flags.keywords(FLAGS),
        )
    model.save(output)
    print(conversion_text(model, str(output)))
    if model.report is None:
        return 0
    report = Report(model, model.report.profile, model.report.findings, name=str(output))
    print()
    print(load_format("text").render([report], [], colour=wants_colour(sys.stdout)))
    return 0 if report.ok else 1

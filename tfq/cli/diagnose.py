"""Finds out why a model loses accuracy in 8 bits, and what helps.

The float model, its 16-bit and its 8-bit form are run on the data, against the labels where there
are any. If 16 bits are close to float and 8 bits are not, quantization is the cause: the layers
that err are named, with the reason, and what can be done is tried and measured. If 16 bits are bad
as well, or the float model itself is, the usual mistakes are looked for: the scale of the inputs,
the order of their channels, the numbers of the labels, calibration data unlike the others.
"""

from __future__ import annotations

from absl import flags

from tfq.cli import data_flags

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
    f"Evaluation data: {data_flags.FORMS}. At most 500 samples are run.",
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
data_flags.define_opening(FLAGS)
data_flags.define_scoring(FLAGS)
data_flags.define_conversion(FLAGS)
flags.DEFINE_enum("format", "text", ["text", "json"], "How to print.", flag_values=FLAGS)


def run(arguments: list[str]) -> int:
    """Diagnose and print.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0, whatever the verdict.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.accuracy.diagnosis import diagnose
    from tfq.report.diagnosis import diagnosis_data
    from tfq.report.diagnosis_text import diagnosis_text
    from tfq.report.json_text import to_json

    data_flags.check_given(f"diagnose {USAGE}", FLAGS, ("model", "data"), arguments)
    with data_flags.one_line_warnings():
        found = diagnose(
            FLAGS.model,
            FLAGS.data,
            profile=FLAGS.profile,
            candidate=FLAGS.candidate,
            calibration_data=FLAGS.calibration_data,
            **data_flags.keywords(FLAGS),
        )
    print(to_json(diagnosis_data(found)) if FLAGS.format == "json" else diagnosis_text(found))
    return 0

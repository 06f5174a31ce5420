"""Prints what is in a .tflite file: inputs, outputs, and every op with its compute and weights."""

from __future__ import annotations

from absl import flags

from tfq import errors, model

FLAGS = flags.FlagValues()
USAGE = "MODEL.tflite [flags]"

flags.DEFINE_enum(
    "format", "text", ["text", "json"], "Tables for people, or JSON.", flag_values=FLAGS
)


def run(arguments: list[str]) -> int:
    """Print one model.

    Args:
        arguments: The path of the model.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If there is not exactly one path.
        tfq.errors.InvalidModelError: If the model cannot be read.
    """
    if len(arguments) != 1:
        raise errors.ArgumentError(
            f"expected the path of one .tflite file, got {len(arguments)}; see tfq inspect --help"
        )
    loaded = model.load(arguments[0])
    if FLAGS.format == "json":
        from tfq.report.inspection import inspection, to_json

        print(to_json(inspection(loaded)))
    else:
        from tfq.report.inspection_text import inspection_text

        print(inspection_text(loaded))
    return 0

"""Changes a quantized .tflite so that it meets a device's profile, as far as the file allows.

Prints what each pass changed, what that cost, and lint's verdict on the result, which is written
whether it passes or not. The model itself is changed only if --output names it.

Exit status: 0 if the result meets the profile, 1 if errors are left, 2 if nothing was written.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from absl import flags

from tfq import errors, profiles
from tfq.cli import print_error
from tfq.terminal import wants_colour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.profiles import Profile

FLAGS = flags.FlagValues()
USAGE = "MODEL.tflite --profile=DEVICE --output=FILE.tflite [flags]"

flags.DEFINE_string(
    "profile", None, "The device: a name that `tfq profiles` lists, or a file.", flag_values=FLAGS
)
flags.DEFINE_string("output", None, "The .tflite to write.", flag_values=FLAGS)
flags.DEFINE_enum("format", "text", ("text", "json"), "How to print.", flag_values=FLAGS)


def run(arguments: list[str]) -> int:
    """Retarget one model, write it, and print what was done.

    Args:
        arguments: The path of the model.

    Returns:
        0, or 1 if errors are left.

    Raises:
        tfq.errors.ArgumentError: If there is not exactly one model, or a flag is missing.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.Error: If the result cannot be written.
    """
    from tfq.format import check_place

    if len(arguments) != 1:
        raise errors.ArgumentError(
            f"expected the path of one .tflite file, got {len(arguments)}; see tfq retarget --help"
        )
    for name in ("profile", "output"):
        if not FLAGS[name].value:
            raise errors.ArgumentError(f"--{name} is missing: tfq retarget {USAGE}")
    check_place(FLAGS.output)
    return _retarget(arguments[0], profiles.load(FLAGS.profile), FLAGS.output, FLAGS.format)


def fix(paths: Iterable[str], profile: Profile) -> int:
    """Retarget models in place, as `tfq lint --fix` does, and print what was done.

    Args:
        paths: The models. One that needs no change is not written.
        profile: The device.

    Returns:
        0 if all meet the profile now, 1 if errors are left, 2 if one could not be read or written.
    """
    status = 0
    for path in paths:
        try:
            status = max(status, _retarget(path, profile, path, "text"))
        except errors.ProfileError:
            raise  # the same for every model
        except errors.Error as error:
            print_error(str(error))
            status = 2
    return status


def _retarget(path: str, profile: Profile, output: str, format: str) -> int:  # noqa: A002
    from tfq.report.retargeting import retargeting_json, retargeting_text
    from tfq.retarget import retarget

    model = retarget(path, profile)
    if model.modified or path != output:
        model.save(output)
    if format == "json":
        print(retargeting_json(model, output))
    else:
        print(retargeting_text(model, output, colour=wants_colour(sys.stdout)))
    return 0 if model.report.ok else 1

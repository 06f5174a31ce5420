"""Checks .tflite files against a device's profile: does the device run them, and in integers?

Exit status: 0 if no finding is as bad as --fail_on, 1 if one is, 2 if a file could not be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from absl import flags

from tfq import errors, profiles
from tfq.cli import print_error
from tfq.cli.files import expand
from tfq.lint import SEVERITIES, Report, formats, lint
from tfq.lint.formats import FORMATS, Unreadable
from tfq.terminal import wants_colour

if TYPE_CHECKING:
    from tfq.profiles import Profile

FLAGS = flags.FlagValues()
USAGE = "--profile=DEVICE MODEL.tflite... [flags]"

flags.DEFINE_string(
    "profile", None, "The device: a name that `tfq profiles` lists, or a file.", flag_values=FLAGS
)
flags.DEFINE_enum("format", "text", FORMATS, "How to print the findings.", flag_values=FLAGS)
flags.DEFINE_enum(
    "fail_on",
    "error",
    SEVERITIES,
    "The mildest severity of a finding for which the exit status is 1.",
    flag_values=FLAGS,
)


def run(arguments: list[str]) -> int:
    """Lint every model, then print all reports.

    Args:
        arguments: Paths and glob patterns of models.

    Returns:
        The exit status.

    Raises:
        tfq.errors.ArgumentError: If the profile or the models are missing.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
    """
    if not FLAGS.profile:
        known = ", ".join(profiles.names())
        raise errors.ArgumentError(f"expected --profile=DEVICE, one of {known}, or a .json file")
    if not arguments:
        raise errors.ArgumentError("expected the path of a .tflite file; see tfq lint --help")
    profile = profiles.load(FLAGS.profile)
    reports, unreadable = [], []
    for path in expand(arguments):
        answer = _answer(path, profile)
        if isinstance(answer, Report):
            reports.append(answer)
        else:
            print_error(answer.message)
            unreadable.append(answer)
    render = formats.load(FLAGS.format).render
    text = render(reports, unreadable, colour=wants_colour(sys.stdout))
    if text:
        print(text)
    if unreadable:
        return 2
    return 1 if any(report.at_least(FLAGS.fail_on) for report in reports) else 0


def _answer(path: str, profile: Profile) -> Report | Unreadable:
    try:
        return lint(path, profile)
    except errors.Error as error:
        return Unreadable(path, str(error))

"""Changes a quantized .tflite so that it meets a device's profile, as far as the file allows.

Prints what each pass changed, what that cost, and lint's verdict on the result, which is written
whether it passes or not. The model itself is changed only if --output names it.

Inputs and outputs change only where the profile finds errors in them, or as --input_type and
--output_type say: float32 at both for a program that works in real numbers, int8 or uint8 for one
that quantizes by itself.

Exit status: 0 if the result meets the profile, 1 if errors are left, 2 if nothing was written.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from tfq import errors, profiles
from tfq.cli import print_error
from tfq.lint.config import NEVER
from tfq.terminal import wants_colour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.cli.lint import Settings
    from tfq.lint import Report
    from tfq.retarget import RetargetedModel

    # A text, or what JSON has.
    Content = str | dict[str, Any]

FLAGS = flags.FlagValues()
FORMATS = ("text", "json")
USAGE = "MODEL.tflite --profile=DEVICE --output=FILE.tflite [flags]"

flags.DEFINE_string(
    "profile", None, "The device: a name that `tfq profiles` lists, or a file.", flag_values=FLAGS
)
flags.DEFINE_string("output", None, "The .tflite to write.", flag_values=FLAGS)
for _name in ("input_type", "output_type"):
    flags.DEFINE_enum(
        _name,
        None,
        ("float32", "int8", "uint8"),
        f"What the {_name.removesuffix('_type')}s become; by default what the profile needs.",
        flag_values=FLAGS,
    )
flags.DEFINE_enum("format", "text", FORMATS, "How to print.", flag_values=FLAGS)


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
    from tfq.retarget import retarget

    model = retarget(
        arguments[0],
        profiles.load(FLAGS.profile),
        input_type=FLAGS.input_type,
        output_type=FLAGS.output_type,
    )
    content = _content(model, FLAGS.output, FLAGS.format)
    model.save(FLAGS.output)
    _print(content)
    return 0 if model.report.ok else 1


def fix(paths: Iterable[str], settings: Settings) -> int:
    """Retarget models in place, as `tfq lint --fix` does, and print what was done.

    Args:
        paths: The models. One that needs no change is not written.
        settings: What `tfq lint` was told; the format is text, or json for one list of what
            `tfq retarget` prints.

    Returns:
        0 if no finding that is left is as bad as `settings.fail_on`, 1 if one is, 2 if a model
        could not be read or written.

    Raises:
        tfq.errors.ArgumentError: If the format is another.
        tfq.errors.ProfileError: If the profile is broken.
    """
    if settings.format not in FORMATS:
        raise errors.ArgumentError(
            f"--fix: expected --format={' or '.join(FORMATS)}, got {settings.format}"
        )
    status = 0
    contents = []
    for path in paths:
        try:
            report, content = _fix(path, settings)
        except errors.ProfileError:
            raise  # the same for every model
        except errors.Error as error:
            print_error(str(error))
            status = 2
            continue
        if isinstance(content, str):
            _print(content)
        contents.append(content)
        if settings.fail_on != NEVER and report.at_least(settings.fail_on):
            status = max(status, 1)
    if settings.format == "json":
        _print(contents)
    return status


def _fix(path: str, settings: Settings) -> tuple[Report, Content]:
    from tfq.retarget import retarget

    model = retarget(
        path,
        settings.profile,
        select=settings.plan.rules,
        severity=settings.plan.severity,
        baseline=settings.baseline,
    )
    content = _content(model, path, settings.format)
    if model.modified:
        model.save(path)
    return model.report, content


def _content(model: RetargetedModel, path: str, format: str) -> Content:  # noqa: A002
    """Say what was done; before anything is written, so that a defect here leaves no file."""
    from tfq.report.retargeting import retargeting_content, retargeting_text

    if format == "json":
        return retargeting_content(model, path)
    return retargeting_text(model, path, colour=wants_colour(sys.stdout))


def _print(content: Content | list[Content]) -> None:
    from tfq.report.json_text import to_json

    print(content if isinstance(content, str) else to_json(content))

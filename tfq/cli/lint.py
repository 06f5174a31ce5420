"""Checks .tflite files against a device's profile: does the device run them, and in integers?

What a project always wants stands in tfq.toml, or in [tool.tfq] of pyproject.toml, of this
directory or one above: every flag but --config, --fix, --verify and --write_baseline, by its name.
A flag wins over the file, the file over the profile.

Exit status: 0 if no finding is as bad as --fail_on, 1 if one is or --verify finds the vendor's tool
of another opinion, 2 if a file could not be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from tfq import errors, profiles
from tfq.cli import print_error, print_note
from tfq.cli.files import expand
from tfq.lint import Report, config, formats, lint, selection
from tfq.lint.formats import FORMATS, Unreadable
from tfq.terminal import wants_colour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.lint.baseline import Baseline
    from tfq.lint.config import Config
    from tfq.lint.selection import Plan
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
    config.FAIL_ON,
    "The mildest severity of a finding for which the exit status is 1.",
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "select",
    [],
    "Check only these rules: ids that `tfq rule` lists, or their beginnings: Q1,Q201.",
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "ignore", [], "Do not check these rules, likewise. The longer one counts.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "severity",
    [],
    "How bad a rule's findings are: Q201=warning; error, warning or hint.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "baseline", None, "A file of findings that are known and accepted.", flag_values=FLAGS
)
flags.DEFINE_string(
    "write_baseline",
    None,
    "Accept all that is found: write it to this file, instead of a report.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "fix",
    False,
    "Repair errors of these rules in the files, as `tfq retarget` does, and print what was done.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "verify",
    False,
    "Also ask the vendor's own tool, where it is installed, and say where it thinks otherwise.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "config", None, "The config file, instead of the one that is found.", flag_values=FLAGS
)


class Settings(NamedTuple):
    """What flags and config file say together.

    Attributes:
        profile: The device.
        plan: Which rules are checked, and how bad they are.
        baseline: What is accepted, or None.
        format: How to print.
        fail_on: What sets the exit status.
    """

    profile: Profile
    plan: Plan
    baseline: Baseline | None
    format: str
    fail_on: str


def run(arguments: list[str]) -> int:
    """Lint every model, then print all reports.

    Args:
        arguments: Paths and glob patterns of models.

    Returns:
        The exit status.

    Raises:
        tfq.errors.ArgumentError: If the profile or the models are missing, or flags, config file
            or baseline say what they cannot say.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
    """
    settings = _settings()
    if not arguments:
        raise errors.ArgumentError("expected the path of a .tflite file; see tfq lint --help")
    if FLAGS.fix:
        return _fix(expand(arguments), settings)
    reports, unreadable = [], []
    for path in expand(arguments):
        answer = _answer(path, settings)
        if isinstance(answer, Report):
            reports.append(answer)
        else:
            print_error(answer.message)
            unreadable.append(answer)
    if FLAGS.write_baseline:
        _write_baseline(FLAGS.write_baseline, reports)
        return 2 if unreadable else 0
    render = formats.load(settings.format).render
    text = render(reports, unreadable, colour=wants_colour(sys.stdout))
    if text:
        print(text)
    agrees = _verify(reports) if FLAGS.verify else True
    if unreadable:
        return 2
    if not agrees:
        return 1
    if settings.fail_on == config.NEVER:
        return 0
    return 1 if any(report.at_least(settings.fail_on) for report in reports) else 0


def _verify(reports: list[Report]) -> bool:
    """Print on stderr what the vendor's tool says of each model; return whether it agrees."""
    from tfq.lint.verify import verify

    agrees = True
    for report in reports:
        answer = verify(report.model, report.profile)
        if answer is None:
            print_note(f"{report.name}: {report.profile.name} names no tool to verify with")
            continue
        agrees &= answer.agrees is not False
        print_note(f"{report.name}: {answer.summary}")
        for each in answer.disagreements:
            print_note(str(each))
    return agrees


def _fix(paths: Iterable[str], settings: Settings) -> int:
    from tfq.cli import retarget

    if FLAGS.write_baseline:
        raise errors.ArgumentError("--fix and --write_baseline: expected one of them")
    return retarget.fix(paths, settings)


def _settings() -> Settings:
    found = config.find("") if FLAGS.config is None else config.load(FLAGS.config)
    profile = _value("profile", found)
    if not profile:
        known = ", ".join(profiles.names())
        raise errors.ArgumentError(f"expected --profile=DEVICE, one of {known}, or a .json file")
    severity = dict(map(_rule_and_severity, _words(FLAGS.severity)))
    layer = selection.Layer("--", _words(FLAGS.select), _words(FLAGS.ignore), severity)
    plan = selection.resolve([layer, found.layer])
    return Settings(
        profile=profiles.load(profile),
        plan=plan,
        baseline=_baseline(_value("baseline", found)),
        format=_value("format", found),
        fail_on=_value("fail_on", found),
    )


def _value(name: str, found: Config) -> Any:
    """A flag if it was given, else what the config file says, else the flag's default."""
    flag = FLAGS[name]
    in_file = getattr(found, name)
    return flag.value if in_file is None or not flag.using_default_value else in_file


def _words(values: list[str]) -> tuple[str, ...]:
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _rule_and_severity(text: str) -> tuple[str, str]:
    rule, _, severity = text.partition("=")
    if not severity:
        raise errors.ArgumentError(f"--severity: expected RULE=LEVEL, got {text!r}")
    return rule, severity


def _baseline(path: str | None) -> Baseline | None:
    # One that is about to be written need not exist.
    if not path or FLAGS.write_baseline:
        return None
    from tfq.lint.baseline import load

    return load(path)


def _answer(path: str, settings: Settings) -> Report | Unreadable:
    plan = settings.plan
    try:
        return lint(
            path,
            settings.profile,
            select=plan.rules,
            severity=plan.severity,
            baseline=settings.baseline,
        )
    except errors.ProfileError:
        raise  # the same for every model
    except errors.Error as error:
        return Unreadable(path, str(error))


def _write_baseline(path: str, reports: list[Report]) -> None:
    from tfq.format import write_whole
    from tfq.lint.baseline import baseline_text
    from tfq.terminal import printable

    write_whole(path, [baseline_text(reports, path).encode("ascii")])
    found = sum(len(report.findings) for report in reports)
    print(f"{printable(path)}: {found} findings in {len(reports)} models are accepted")

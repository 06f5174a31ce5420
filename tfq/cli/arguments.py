"""From the words of a command line to flags and files; what `tfq COMMAND --help` prints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from tfq import errors
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    from tfq.cli.commands import Command

# What absl says of such flags.
_REPEATS = ";\n    repeat this option to specify a list of values"
HELP_FLAGS = frozenset({"--help", "-h", "-help", "--helpfull", "--helpshort"})


def asks_for_help(words: list[str]) -> bool:
    """Whether a help flag stands among `words`, before a `--`."""
    before = words[: words.index("--")] if "--" in words else words
    return not HELP_FLAGS.isdisjoint(before)


def parse(name: str, values: flags.FlagValues, words: list[str]) -> list[str]:
    """Set a command's flags from `words`; flags and files may stand in any order.

    Args:
        name: The command's name, for the errors.
        values: The command's flags. Values of an earlier call do not remain.
        words: The command line after the command's name.

    Returns:
        The words that are not flags, in their order.

    Raises:
        tfq.errors.ArgumentError: If a flag is unknown (the message names the nearest one), has a
            value that it does not take, or `--flagfile` cannot be read.
    """
    # Not FlagValues.unparse_flags(): that writes to the log on every call.
    for flag in values:
        values[flag].unparse()
    values.set_gnu_getopt(True)
    _check_flagfiles(words)
    try:
        return list(values([f"tfq {name}", *words])[1:])
    except flags.UnrecognizedFlagError as error:
        nearest = did_you_mean(f"--{error.flagname}", [f"--{flag}" for flag in values])
        message = f"unknown flag --{error.flagname}{nearest or f'; see tfq {name} --help'}"
        raise errors.ArgumentError(message) from None
    except UnicodeDecodeError:
        raise errors.ArgumentError("--flagfile: expected a text file in UTF-8") from None
    except (flags.Error, ValueError) as error:
        raise errors.ArgumentError(str(error).removeprefix("ERROR:: ")) from None


def _check_flagfiles(words: list[str]) -> None:
    """Refuse what never ends, before absl reads it."""
    for word in words:
        flag, _, path = word.partition("=")
        if flag.lstrip("-") == "flagfile" and path and Path(path).is_char_device():
            raise errors.ArgumentError(f"--flagfile: expected a text file, got the device {path}")


def help_text(name: str, command: Command) -> str:
    """What `tfq NAME --help` prints: usage, the module's documentation, flags with defaults."""
    # Names repeat where a flag has a short name too.
    distinct = {id(flag): flag for flag in (command.FLAGS[each] for each in command.FLAGS)}
    lines = [
        f"usage: tfq {name} {command.USAGE}",
        "",
        (command.__doc__ or "").strip(),
        "",
        "flags:",
    ]
    for flag in sorted(distinct.values(), key=lambda flag: str(flag.name)):
        lines += _flag_help(flag)
    lines += ["  --flagfile=FILE", "      Read flags from a file, one a line."]
    return "\n".join(lines)


def _flag_help(flag: Any) -> list[str]:
    import textwrap

    text = str(flag.help).replace(_REPEATS, " May repeat.")
    if flag.boolean:
        head = f"  --[no]{flag.name}"
    elif isinstance(flag, flags.EnumFlag):
        choices = "|".join(flag.parser.enum_values)
        head = f"  --{flag.name}={choices}"
        # absl puts the choices before the text.
        text = text.removeprefix(f"<{choices}>: ")
    else:
        head = f"  --{flag.name}={str(flag.name).upper()}"
    if flag.default_as_str:
        text += f" (default: {flag.default_as_str.strip(chr(39))})"
    width = min(shutil.get_terminal_size().columns, 100) - 6
    return [head, *(f"      {line}" for line in textwrap.wrap(text, max(width, 40)))]

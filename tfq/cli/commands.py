"""The commands of tfq: one row here, one module of the same name beside this one.

Every command's module has the same four names, and nothing at start-up but absl:

    FLAGS     its own `absl.flags.FlagValues()`: no flag is global
    USAGE     what follows "tfq COMMAND" in the usage line: `"[flags] MODEL..."`
    __doc__   the first line is the command's sentence in `tfq COMMAND --help`; the rest follows it
    run       `run(arguments: list[str]) -> int`: gets what is not a flag, returns the exit status

`main` parses FLAGS before it calls `run`, and turns exceptions into one line on stderr.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from tfq import errors

if TYPE_CHECKING:
    from absl import flags

# Read without importing the modules, so that one command does not pay for another.
COMMANDS = {
    "compare": "say how near a candidate's outputs and layers come to those of a reference",
    "convert": "turn a Keras or TensorFlow model, or a float .tflite, into a .tflite for a device",
    "diagnose": "find out why a model loses accuracy in integers, and what helps",
    "inspect": "print what is in a .tflite file, or what differs between two",
    "lint": "check .tflite files against a device's profile",
    "profiles": "list the device profiles, or print one",
    "report": "write an HTML page of models: verdicts, graph, plots, tables",
    "retarget": "change a quantized .tflite file so that it meets a device's profile",
    "rule": "list the rules of the linter, or print one",
    "sweep": "convert a model in every mode, compare what comes out, and recommend one",
    "view": "open a .tflite file in Netron",
}


class Command(Protocol):
    """The shape of a command's module."""

    FLAGS: flags.FlagValues
    USAGE: str
    __doc__: str | None

    def run(self, arguments: list[str]) -> int:
        """Do the job, with FLAGS parsed.

        Args:
            arguments: What stood on the command line and was not a flag, in its order.

        Returns:
            The exit status: 0 fine, 1 findings, 2 where an input could not be read.

        Raises:
            tfq.Error: For anything that the user can mend; `main` prints it.
        """


def load(name: str) -> Command:
    """Import the module of the command `name`.

    Args:
        name: A key of COMMANDS.

    Returns:
        The command's module.

    Raises:
        tfq.errors.ArgumentError: If there is no such command; the message names the nearest one.
    """
    if name not in COMMANDS:
        from tfq.profiles.nearest import did_you_mean

        known = ", ".join(COMMANDS)
        nearest = did_you_mean(name, COMMANDS)
        raise errors.ArgumentError(f"unknown command {name!r}: expected one of {known}{nearest}")
    return cast("Command", importlib.import_module(f"tfq.cli.{name}"))

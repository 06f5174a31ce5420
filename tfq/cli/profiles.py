"""Lists the device profiles that ship with tfq, or prints one: a name, or a file of one's own."""

from __future__ import annotations

from absl import flags

from tfq import errors, profiles
from tfq.report.profiles_text import list_text, profile_text

FLAGS = flags.FlagValues()
USAGE = "[NAME]"


def run(arguments: list[str]) -> int:
    """Print all profiles in a table, or one in full.

    Args:
        arguments: Nothing, or a profile's name or path.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If there is more than one name.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
    """
    if len(arguments) > 1:
        raise errors.ArgumentError(f"expected one profile, got {len(arguments)}")
    if arguments:
        print(profile_text(profiles.load(arguments[0])))
    else:
        print(list_text([profiles.load(name) for name in profiles.names()]))
    return 0

"""Device profiles: what a device takes, one JSON file a device, and the loader.

Adding a device is adding a file beside this one; `schemas/profile.schema.json` says what stands in
it. A profile repeats what its sources say, and leaves out what they do not say.
"""

from tfq.profiles.constraint import Constraint
from tfq.profiles.loader import load, names, resolve
from tfq.profiles.profile import (
    Conversion,
    Granularity,
    Memory,
    Misfit,
    Profile,
    Requirements,
    Shapes,
    Source,
)

__all__ = [
    "Constraint",
    "Conversion",
    "Granularity",
    "Memory",
    "Misfit",
    "Profile",
    "Requirements",
    "Shapes",
    "Source",
    "load",
    "names",
    "resolve",
]

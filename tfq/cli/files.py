"""The files that a command line names."""

from __future__ import annotations

from pathlib import Path


def expand(patterns: list[str]) -> list[str]:
    """Replace glob patterns by what they match, where the shell has not done it.

    Args:
        patterns: Paths and patterns; `**` matches any depth.

    Returns:
        The paths. A path that exists stands for itself, whatever its characters; so does a
        pattern without a match, which opening it will then report.
    """
    # Not Path.glob: it knows no patterns that begin at the root.
    from glob import glob, has_magic

    paths: list[str] = []
    for pattern in patterns:
        is_pattern = has_magic(pattern) and not Path(pattern).exists()
        found = glob(pattern, recursive=True) if is_pattern else []  # noqa: PTH207
        paths += sorted(found) or [pattern]
    return paths

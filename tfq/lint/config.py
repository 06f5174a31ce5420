"""What a project says once: `tfq.toml`, or `[tool.tfq]` in `pyproject.toml`.

A key is a flag of `tfq lint` and means the same. Paths are relative to the file.
"""

from __future__ import annotations

import os
import re
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import errors
from tfq.format import at_once
from tfq.lint.finding import SEVERITIES
from tfq.lint.formats import FORMATS
from tfq.lint.selection import NOTHING, Layer
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN, SHARED = "tfq.toml", "pyproject.toml"
# All ways in which TOML can begin the table tool.tfq.
_MENTION = re.compile(rb"""tool["']?\s*(\.\s*["']?tfq|[\]=])""")
# Any finding is milder than this.
NEVER = "never"
FAIL_ON = (*SEVERITIES, NEVER)


class Config(NamedTuple):
    """What a file says; None, or nothing, is what it does not say.

    Attributes:
        path: The file; empty if there is none.
        profile: The device: a name, or the path of a file.
        format: One of `FORMATS`.
        fail_on: One of `FAIL_ON`.
        baseline: The path of a baseline.
        select: The rules to check.
        ignore: The rules not to check.
        severity: By rule, its severity.
    """

    path: str = ""
    profile: str | None = None
    format: str | None = None
    fail_on: str | None = None
    baseline: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = NOTHING

    @property
    def layer(self) -> Layer:
        """What it says about rules."""
        return Layer(f"{self.path}: ", self.select, self.ignore, self.severity)


def find(directory: str) -> Config:
    """Read the config of the project that a directory is in.

    Args:
        directory: Where to begin; then its parents, up to the root. In each, `tfq.toml` counts
            before `pyproject.toml`, and that only if it has a table `[tool.tfq]`.

    Returns:
        The nearest config, or an empty one if there is none.

    Raises:
        tfq.errors.ArgumentError: If the file cannot be read, is not TOML, or says what no config
            says.
    """
    here = os.path.abspath(directory)  # noqa: PTH100
    while True:
        for name in (OWN, SHARED):
            path = os.path.join(here, name)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113
                found = _config(path)
                if found is not None:
                    return found
        parent = os.path.dirname(here)  # noqa: PTH120
        if parent == here:
            return Config()
        here = parent


def load(path: str) -> Config:
    """Read one file.

    Args:
        path: A file like `tfq.toml`, or a `pyproject.toml`.

    Returns:
        What it says.

    Raises:
        tfq.errors.ArgumentError: As `find` does; or if it is a `pyproject.toml` without
            `[tool.tfq]`.
    """
    found = _config(path)
    if found is None:
        raise errors.ArgumentError(f"{path}: expected a table [tool.tfq], got none")
    return found


def _config(path: str) -> Config | None:
    is_shared = os.path.basename(path) == SHARED  # noqa: PTH119
    content = _content(path)
    # Most projects' files are not about tfq: those are not worth a parser.
    if is_shared and not _MENTION.search(content):
        return None
    table = _parsed(path, content)
    if not is_shared:
        return _checked(path, path, table)
    tool = table.get("tool", {})
    if not isinstance(tool, dict) or "tfq" not in tool:
        return None
    if not isinstance(tool["tfq"], dict):
        raise errors.ArgumentError(f"{path}: tool.tfq: expected a table, got {_shown(tool['tfq'])}")
    return _checked(path, f"{path}: tool.tfq", tool["tfq"])


def _content(path: str) -> bytes:
    try:
        with open(path, "rb", opener=at_once) as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.ArgumentError(f"{path}: expected a config file, got: {reason}") from None


def _parsed(path: str, content: bytes) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise errors.ArgumentError(f"{path}: expected TOML in UTF-8, got other bytes") from None
    except (ValueError, RecursionError) as error:
        raise errors.ArgumentError(f"{path}: expected TOML, got: {error}") from None


def _checked(path: str, where: str, table: dict[str, Any]) -> Config:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise errors.ArgumentError(
                f"{where}: expected the keys {', '.join(KEYS)}, got {key!r}"
                f"{did_you_mean(key, KEYS)}"
            )
        values[key] = KEYS[key](value, f"{where}.{key}" if where != path else f"{path}: {key}")
    directory = os.path.dirname(path)  # noqa: PTH120
    if "baseline" in values:
        values["baseline"] = os.path.join(directory, values["baseline"])  # noqa: PTH118
    profile = values.get("profile", "")
    if "/" in profile or os.sep in profile or profile.endswith(".json"):
        values["profile"] = os.path.join(directory, profile)  # noqa: PTH118
    return Config(path, **values)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise errors.ArgumentError(f"{where}: expected a string, got {_shown(value)}")
    return value


def _one_of(choices: tuple[str, ...]) -> Callable[[Any, str], str]:
    def check(value: Any, where: str) -> str:
        if value not in choices:
            nearest = did_you_mean(value, choices) if isinstance(value, str) else ""
            raise errors.ArgumentError(
                f"{where}: expected one of {', '.join(choices)}, got {_shown(value)}{nearest}"
            )
        return str(value)

    return check


def _rules(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise errors.ArgumentError(f"{where}: expected a list of rule ids, got {_shown(value)}")
    return tuple(value)


def _severity(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise errors.ArgumentError(f"{where}: expected a table of rules, got {_shown(value)}")
    check = _one_of(SEVERITIES)
    return MappingProxyType({rule: check(each, f"{where}.{rule}") for rule, each in value.items()})


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    return errors.one_line(repr(value), 60)


KEYS: dict[str, Callable[[Any, str], Any]] = {
    "profile": _text,
    "select": _rules,
    "ignore": _rules,
    "severity": _severity,
    "fail_on": _one_of(FAIL_ON),
    "baseline": _text,
    "format": _one_of(FORMATS),
}

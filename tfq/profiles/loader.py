"""From a profile's name, or the path of a user's own file, to a `Profile`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tfq import errors
from tfq.format import at_once, builtin_operators
from tfq.profiles import constraint, profile
from tfq.profiles.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.profiles.profile import Profile

# Plain strings instead of pathlib, which would cost more at start-up than reading a profile.
SHIPPED = os.path.dirname(__file__)  # noqa: PTH120
SUFFIX = ".json"
# The largest profile that ships is a fiftieth of this.
MOST_BYTES = 1 << 20


def names() -> tuple[str, ...]:
    """The names of the profiles that ship with tfq, sorted."""
    files = os.listdir(SHIPPED)  # noqa: PTH208
    return tuple(sorted(file.removesuffix(SUFFIX) for file in files if file.endswith(SUFFIX)))


def resolve(given: Any) -> Profile:
    """Return the profile that an argument of the API stands for.

    Args:
        given: A profile, or what `load` takes.

    Raises:
        tfq.errors.ArgumentError: If it is neither.
        tfq.errors.ProfileError: As in `load`.
    """
    if isinstance(given, profile.Profile):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise errors.ArgumentError(
            f"profile: expected the name of a device or a profile, got {type(given).__name__}"
        )
    return load(given)


def load(name_or_path: str | os.PathLike[str]) -> Profile:
    """Load a device profile.

    Args:
        name_or_path: A shipped profile's name, such as `"artpec8"`, or the path of a file: a string
            that holds a path separator or ends in `.json`, or any path object. A file may say
            `"extends": "artpec8"` (or a path, relative to itself): it then holds only what
            differs. Objects are merged key by key, null takes a key away, anything else replaces.

    Returns:
        The profile.

    Raises:
        tfq.errors.ProfileError: If there is no such profile, the file cannot be read or is not
            JSON, breaks `schemas/profile.schema.json`, or extends itself.
    """
    path = _path_of(name_or_path, relative_to="")
    try:
        data = _resolved(path, children=())
    except RecursionError:
        raise errors.ProfileError(
            f"{path}: expected a profile, got JSON nested too deeply"
        ) from None
    return profile.from_json(data, path)


def _path_of(name_or_path: str | os.PathLike[str], relative_to: str) -> str:
    text = os.fspath(name_or_path)
    is_path = not isinstance(name_or_path, str) or os.sep in text or "/" in text
    if is_path or text.endswith(SUFFIX):
        return os.path.join(relative_to, text)  # noqa: PTH118
    known = names()
    if text not in known:
        raise errors.ProfileError(
            f"unknown profile {text!r}: expected one of {', '.join(known)}, "
            f"or the path of a {SUFFIX} file{did_you_mean(text, known)}"
        )
    return os.path.join(SHIPPED, text + SUFFIX)  # noqa: PTH118


def _resolved(path: str, children: tuple[str, ...]) -> dict[str, Any]:
    data = _read(path)
    identity = os.path.realpath(path)
    if identity in children:
        raise errors.ProfileError(f"{path}: expected a chain of 'extends' that ends, got a circle")
    base = data.get("extends")
    # Anything but a string is left to the schema.
    if isinstance(base, str):
        if "name" not in data:
            raise errors.ProfileError(f"{path}: $.name: expected a name of its own, got nothing")
        directory = os.path.dirname(path)  # noqa: PTH120
        try:
            other = _path_of(base, relative_to=directory)
        except errors.ProfileError as error:
            raise errors.ProfileError(f"{path}: $.extends: {error}") from None
        parent = _resolved(os.path.normpath(other), (*children, identity))
        data = _merged(parent, data)
    # Those that ship were checked before they did: a test sees to it.
    if os.path.dirname(path) != SHIPPED:  # noqa: PTH120
        _validate(data, path)
    return data


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    result = dict(parent)
    for key, value in child.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key, {}), dict):
            result[key] = _merged(result.get(key, {}), value)
        else:
            result[key] = value
    return result


def _validate(data: dict[str, Any], path: str) -> None:
    from tfq.profiles import validate
    from tfq.schemas import load as load_schema

    first = next(validate.violations(data, load_schema("profile.schema")), None)
    if first is not None:
        raise errors.ProfileError(f"{path}: {first.path}: {first.message}")
    for place, fault in _faults(data):
        raise errors.ProfileError(f"{path}: {place}: {fault}")


def _faults(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The places and faults of constraints that the schema cannot refuse."""
    for place, name in _operator_names(data):
        # A custom operator may have any name; one in capitals is meant to be built in.
        if name.isupper() and name not in builtin_operators():
            known = did_you_mean(name, builtin_operators())
            yield place, f"expected the names of LiteRT's operators, got {name!r}{known}"
    lists = {f"$.{key}": data.get(key, ()) for key in ("every_operator", "advice")}
    lists |= {f"$.operators.{name}": rows for name, rows in data.get("operators", {}).items()}
    for place, rows in lists.items():
        for index, row in enumerate(rows):
            for inside, fault in constraint.faults(row):
                yield f"{place}[{index}]{inside}", fault


def _operator_names(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The operators that a profile names, each with the place where it does."""
    yield from (("$.operators", name) for name in data.get("operators", {}))
    for key in ("every_operator", "advice"):
        for index, row in enumerate(data.get(key, ())):
            for word in ("operators", "except"):
                yield from ((f"$.{key}[{index}].{word}", name) for name in row.get(word, ()))


def _read(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb", opener=at_once) as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.ProfileError(f"{path}: expected a profile, got: {reason}") from None
    if len(raw) > MOST_BYTES:
        raise errors.ProfileError(f"{path}: expected a profile, got more than {MOST_BYTES} bytes")
    try:
        data = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_distinct, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError:
        raise errors.ProfileError(f"{path}: expected JSON in UTF-8, got other bytes") from None
    except ValueError as error:
        raise errors.ProfileError(f"{path}: expected JSON, got: {error}") from None
    if not isinstance(data, dict):
        raise errors.ProfileError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} twice")
        result[key] = value
    return result


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text}, which is not JSON")

"""Does a JSON value meet a JSON Schema? As much of JSON Schema 2020-12 as our schemas use.

The schema file stays the one description of a profile; this module is the loop over it. A keyword
that is not in CHECKS or ANNOTATIONS is an error: a schema never promises what is not checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Schema = Mapping[str, Any]

ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "examples"})
MOST_SHOWN = 60


class Violation(NamedTuple):
    """One place that breaks the schema.

    Attributes:
        path: The place, such as `$.sources[0].url`.
        message: What was expected and what was found.
    """

    path: str
    message: str


class At(NamedTuple):
    """Where the check stands.

    Attributes:
        schema: The schema that the keyword is in.
        root: The whole schema, which `$ref` points into.
        path: The place of the value.
    """

    schema: Schema
    root: Schema
    path: str


def violations(value: Any, schema: Schema) -> Iterator[Violation]:
    """Every place where `value` breaks `schema`, from the outside inwards.

    Args:
        value: What `json.loads` returned.
        schema: The JSON Schema.

    Yields:
        One violation after the other; nothing if the value meets the schema.

    Raises:
        ValueError: If the schema has a keyword that this module does not know.
    """
    return _violations(value, At(schema, schema, "$"))


def _violations(value: Any, at: At) -> Iterator[Violation]:
    for keyword, expected in at.schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in CHECKS:
            raise ValueError(f"expected one of {', '.join(CHECKS)} in the schema, got {keyword!r}")
        yield from CHECKS[keyword](value, expected, at)


def _ref(value: Any, expected: str, at: At) -> Iterator[Violation]:
    target: Any = at.root
    for step in expected.removeprefix("#/").split("/"):
        target = target[step]
    yield from _violations(value, at._replace(schema=target))


def _type(value: Any, expected: str | list[str], at: At) -> Iterator[Violation]:
    wanted = [expected] if isinstance(expected, str) else expected
    if not any(TYPES[name](value) for name in wanted):
        yield Violation(at.path, f"expected {' or '.join(wanted)}, got {_shown(value)}")


def _enum(value: Any, expected: list[Any], at: At) -> Iterator[Violation]:
    if not any(_equal(value, choice) for choice in expected):
        choices = ", ".join(map(_shown, expected))
        yield Violation(at.path, f"expected one of {choices}, got {_shown(value)}")


def _const(value: Any, expected: Any, at: At) -> Iterator[Violation]:
    if not _equal(value, expected):
        yield Violation(at.path, f"expected {_shown(expected)}, got {_shown(value)}")


def _pattern(value: Any, expected: str, at: At) -> Iterator[Violation]:
    if isinstance(value, str) and not re.search(expected, value):
        yield Violation(at.path, f"expected text that matches {expected}, got {_shown(value)}")


def _min_items(value: Any, expected: int, at: At) -> Iterator[Violation]:
    if isinstance(value, list) and len(value) < expected:
        yield Violation(at.path, f"expected {expected} or more items, got {len(value)}")


def _min_properties(value: Any, expected: int, at: At) -> Iterator[Violation]:
    if isinstance(value, dict) and len(value) < expected:
        yield Violation(at.path, f"expected {expected} or more keys, got {len(value)}")


def _minimum(value: Any, expected: float, at: At) -> Iterator[Violation]:
    if _is_number(value) and value < expected:
        yield Violation(at.path, f"expected {expected} or more, got {_shown(value)}")


def _maximum(value: Any, expected: float, at: At) -> Iterator[Violation]:
    if _is_number(value) and value > expected:
        yield Violation(at.path, f"expected {expected} or less, got {_shown(value)}")


def _any_of(value: Any, expected: list[Schema], at: At) -> Iterator[Violation]:
    broken = [list(_violations(value, at._replace(schema=each))) for each in expected]
    if all(broken):
        # That which goes wrong furthest inside is what the value was meant to be.
        yield from max(broken, key=lambda found: len(found[0].path))


def _items(value: Any, expected: Schema, at: At) -> Iterator[Violation]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _violations(item, At(expected, at.root, f"{at.path}[{index}]"))


def _required(value: Any, expected: list[str], at: At) -> Iterator[Violation]:
    if isinstance(value, dict):
        for key in expected:
            if key not in value:
                yield Violation(f"{at.path}.{key}", "expected a value, got nothing")


def _properties(value: Any, expected: Schema, at: At) -> Iterator[Violation]:
    if isinstance(value, dict):
        for key, schema in expected.items():
            if key in value:
                yield from _violations(value[key], At(schema, at.root, f"{at.path}.{key}"))


def _additional(value: Any, expected: bool | Schema, at: At) -> Iterator[Violation]:
    if not isinstance(value, dict):
        return
    known = at.schema.get("properties", {})
    for key in value:
        if key in known or expected is True:
            continue
        if expected is False:
            yield Violation(at.path, f"expected the keys {', '.join(known)}, got {_shown(key)}")
        else:
            yield from _violations(value[key], At(expected, at.root, f"{at.path}.{key}"))


def _is_number(value: Any) -> bool:
    # In Python, True is an int; in JSON it is no number.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equal(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    # 1.0 is an integer in JSON Schema.
    "integer": lambda value: _is_number(value) and value % 1 == 0,
}
CHECKS: dict[str, Callable[[Any, Any, At], Iterator[Violation]]] = {
    "$ref": _ref,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minItems": _min_items,
    "minProperties": _min_properties,
    "minimum": _minimum,
    "maximum": _maximum,
    "anyOf": _any_of,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
}

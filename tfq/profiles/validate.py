"""Does a JSON value meet a JSON Schema? As much of JSON Schema 2020-12 as our profiles need.

The schema file stays the one description of a profile; this module is the loop over it. A keyword
that is not in CHECKS or ANNOTATIONS is an error, so that a schema never promises what is not checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Schema = Mapping[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "examples"})


class Violation(NamedTuple):
    """One place that breaks the schema.

    Attributes:
        path: The place, such as `$.sources[0].url`.
        message: What was expected and what was found.
    """

    path: str
    message: str


def violations(value: Any, schema: Schema, root: Schema | None = None, path: str = "$") -> Iterator[Violation]:
    """Every place where `value` breaks `schema`, from the outside inwards.

    Args:
        value: What `json.loads` returned.
        schema: The JSON Schema.
        root: The schema that `$ref` points into; `schema` itself if None.
        path: Where `value` stands.

    Yields:
        One violation after the other; nothing if the value meets the schema.

    Raises:
        ValueError: If the schema has a keyword that this module does not know.
    """
    root = schema if root is None else root
    for keyword, expected in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in CHECKS:
            raise ValueError(f"expected one of {', '.join(CHECKS)} in the schema, got {keyword!r}")
        yield from CHECKS[keyword](value, expected, schema, root, path)


def _ref(value: Any, expected: str, _schema: Schema, root: Schema, path: str) -> Iterator[Violation]:
    target: Any = root
    for step in expected.removeprefix("#/").split("/"):
        target = target[step]
    yield from violations(value, target, root, path)


def _type(value: Any, expected: Any, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    wanted = [expected] if isinstance(expected, str) else expected
    # In Python, True is an int; in JSON it is not a number.
    fits = any(
        isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in wanted
    )
    if not fits:
        yield Violation(path, f"expected {' or '.join(wanted)}, got {_shown(value)}")


def _enum(value: Any, expected: Any, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    if not any(_equal(value, choice) for choice in expected):
        choices = ", ".join(map(_shown, expected))
        yield Violation(path, f"expected one of {choices}, got {_shown(value)}")


def _const(value: Any, expected: Any, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    if not _equal(value, expected):
        yield Violation(path, f"expected {_shown(expected)}, got {_shown(value)}")


def _pattern(value: Any, expected: str, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    if isinstance(value, str) and not re.search(expected, value):
        yield Violation(path, f"expected text like {expected}, got {_shown(value)}")


def _min_items(value: Any, expected: int, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    if isinstance(value, list) and len(value) < expected:
        yield Violation(path, f"expected at least {expected} items, got {len(value)}")


def _items(value: Any, expected: Schema, _schema: Schema, root: Schema, path: str) -> Iterator[Violation]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from violations(item, expected, root, f"{path}[{index}]")


def _required(value: Any, expected: Any, _schema: Schema, _root: Schema, path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for key in expected:
            if key not in value:
                yield Violation(f"{path}.{key}", "expected a value, got nothing")


def _properties(value: Any, expected: Schema, _schema: Schema, root: Schema, path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for key, schema in expected.items():
            if key in value:
                yield from violations(value[key], schema, root, f"{path}.{key}")


def _additional(value: Any, expected: Any, schema: Schema, root: Schema, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        return
    known = schema.get("properties", {})
    for key in (key for key in value if key not in known):
        if isinstance(expected, dict):
            yield from violations(value[key], expected, root, f"{path}.{key}")
        elif expected is False:
            yield Violation(f"{path}.{key}", f"expected one of {', '.join(known)} as the key")


def _equal(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


CHECKS: dict[str, Callable[[Any, Any, Schema, Schema, str], Iterator[Violation]]] = {
    "$ref": _ref,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minItems": _min_items,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
}

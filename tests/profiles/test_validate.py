from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tfq import profiles, schemas
from tfq.profiles.validate import ANNOTATIONS, CHECKS, violations

FILES = sorted(Path(schemas.__file__).parent.glob("*.schema.json"))


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [1, 1.0, -3], [1.5, True, "1", None]),
        ({"type": ["number", "null"]}, [0.5, 2, None], [False, "", []]),
        ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", True, 0, []]),
        ({"const": 0}, [0, 0.0], [False, None, ""]),
        ({"pattern": "^a+$"}, ["aa", 5], ["b", ""]),
        ({"minItems": 2}, [[1, 2], "x"], [[1]]),
        ({"minProperties": 1}, [{"a": 1}, []], [{}]),
        ({"maximum": 1}, [1, -2.5, "9", True], [1.5]),
        ({"anyOf": [{"type": "null"}, {"minItems": 1}]}, [None, [1], 3], [[]]),
        ({"items": {"type": "string"}}, [["a"], [], 3], [["a", 1]]),
        ({"required": ["a"]}, [{"a": None}, []], [{}, {"b": 1}]),
        ({"properties": {"a": {"type": "null"}}}, [{"a": None}, {"b": 1}], [{"a": 1}]),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            [{"a": 1}, {}, 1],
            [{"a": 1, "b": 2}],
        ),
        ({"additionalProperties": {"type": "boolean"}}, [{"x": True}], [{"x": 1}]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}, [1], ["1"]),
    ],
)
def test_values_meet_a_schema_or_break_it(schema: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if list(violations(value, schema))] == []
    assert [value for value in bad if not list(violations(value, schema))] == []


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'maxLength'"):
        list(violations("", {"maxLength": 3}))


def keywords(schema: dict[str, Any]) -> set[str]:
    found = set(schema)
    for key in ("properties", "$defs"):
        for each in schema.get(key, {}).values():
            found |= keywords(each)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found |= keywords(schema[key])
    for each in schema.get("anyOf", ()):
        found |= keywords(each)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_schemas_have_only_keywords_that_are_checked(path: Path) -> None:
    assert keywords(schemas.load(path.stem)) <= ANNOTATIONS | set(CHECKS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_schemas_are_schemas(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schemas.load(path.stem))


def broken_profiles() -> list[Any]:
    """Every shipped profile with each of its values, in turn, removed or of another type.

    One place of each kind is enough: the second constraint of an operator breaks as the first does.
    """
    cases: list[Any] = []
    seen: set[tuple[str, ...]] = set()
    for name in profiles.names():
        content = json.loads(Path(profiles.load(name).path).read_text())
        cases.append(content)
        new = {kind(path): path for path in places(content) if kind(path) not in seen}
        seen |= set(new)
        if "operators" in content:
            broken = {path[1] for path in new.values() if path[0] == "operators" and path[1:]}
            content = {
                **content,
                "operators": {each: content["operators"][each] for each in broken},
            }
        for path in new.values():
            for value in (None, 1, True, "x", [], {}, ["x"], {"x": 1}):
                changed = copy.deepcopy(content)
                target = changed
                for step in path[:-1]:
                    target = target[step]
                target[path[-1]] = value
                cases.append(changed)
    return cases


def kind(path: tuple[Any, ...]) -> tuple[str, ...]:
    """The same for all items of an array, and for all operators."""
    return tuple("*" if isinstance(step, int) or step.isupper() else step for step in path)


def places(value: Any) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for key, each in pairs:
        found.append((key,))
        if isinstance(each, (dict, list)):
            found += [(key, *rest) for rest in places(each)]
    return found


def test_verdicts_agree_with_the_jsonschema_package() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = schemas.load("profile.schema")
    judge = jsonschema.Draft202012Validator(schema)
    for case in broken_profiles():
        assert judge.is_valid(case) == (not list(violations(case, schema))), case

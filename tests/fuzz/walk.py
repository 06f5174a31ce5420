"""Looks at everything that a model shows, also at what is added to its classes tomorrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import tfq
from tfq import format as file_format
from tfq import profiles
from tfq.errors import Error, InvalidModelError
from tfq.lint import formats
from tfq.model import Model
from tfq.model.lazy import lazy
from tfq.model.view import View
from tfq.report.difference import difference
from tfq.report.difference_text import difference_text
from tfq.report.inspection import inspection
from tfq.report.inspection_text import inspection_text
from tfq.report.item import item_data
from tfq.report.item_text import items_text
from tfq.report.json_text import to_json

# Sparse, in another file, of a type without values: a tfq.Error says so, for these alone.
_DATA = ("data", "values", "numpy")
# `values` is for small tensors, as it makes an object of each number.
_MOST_VALUES_BYTES = 1 << 14
_MOST_SUBGRAPHS = 3


def walk(
    content: bytes, profile: str | None = None, beside: Model | None = None
) -> list[InvalidModelError]:
    """Load a model, read all there is, print it in every way, lint, compare and write it.

    Args:
        content: The bytes of a model.
        profile: The device to lint for, or None.
        beside: The model to compare with, or None; then it is not written either.

    Returns:
        What could not be read of a model that could be loaded.

    Raises:
        InvalidModelError: If it cannot be loaded.
        Exception: Whatever else happens is a defect.
    """
    root = file_format.read(content)
    model = Model(root)
    look_at_tables(root)
    refusals = look_at_views(model)
    for use in (look_at_json, look_at_text, look_at_items):
        refusals += _refusals(use, model)
    if profile is not None:
        refusals += _refusals(look_at_lint, model, profile)
    if beside is not None:
        refusals += _refusals(look_at_difference, model, beside)
        look_at_copy(root)
    for refusal in refusals:
        check_message(refusal)
    return refusals


def check_message(error: Error) -> None:
    """Check that a message is one line that a terminal and a file can take."""
    text = str(error)
    assert text, "a message without words"
    assert "\n" not in text, f"a message of several lines: {text!r}"
    text.encode()


def look_at_tables(root: file_format.Table) -> None:
    """Decode every field of every table."""
    tables = [root]
    while tables:
        table = tables.pop()
        for name in table:
            value = table[name]
            items = value if isinstance(value, tuple) else (value,)
            if items and isinstance(items[0], file_format.Table):
                tables += items


def look_at_views(model: Model) -> list[InvalidModelError]:
    """Read every property of a model, of its parts, and of theirs."""
    refusals: list[InvalidModelError] = []
    views: list[View] = [model]
    # The views are kept, so that no other one can get the id of one that is seen.
    seen: dict[int, View] = {id(model): model}
    while views:
        view = views.pop()
        for name in _names(type(view)):
            try:
                value = _read(view, name)
            except InvalidModelError as error:
                refusals.append(error)
                continue
            for part in _views(value):
                if id(part) not in seen:
                    seen[id(part)] = part
                    views.append(part)
    return refusals


def look_at_json(model: Model) -> None:
    """Describe the model as JSON."""
    _check_json(inspection(model))


def look_at_text(model: Model) -> None:
    """Describe the model for people."""
    _check_text(inspection_text(model, list_operators=True, list_tensors=True))


def look_at_items(model: Model) -> None:
    """Describe the first and the last operator and tensor of every subgraph in full."""
    for subgraph in model.subgraphs[:_MOST_SUBGRAPHS]:
        for items in (subgraph.operators, subgraph.tensors):
            for item in (*items[:1], *items[1:][-1:]):
                _check_json(item_data(item))
                _check_text(items_text((item,)))


def look_at_difference(model: Model, beside: Model) -> None:
    """Compare the model with another one, both ways round."""
    _check_json(difference(model, beside))
    _check_text(difference_text(beside, model, list_operators=True, list_tensors=True))


def look_at_copy(root: file_format.Table) -> None:
    """Write the model; what was read must not be refused when it is written."""
    try:
        copy = b"".join(file_format.write(root))
    except Error as error:
        # Fields that overlap each other, of a schema that nobody knows, need more room apart.
        assert "more than the 65535 of the format" in str(error)
        return
    try:
        file_format.read(copy)
    except InvalidModelError as error:
        raise AssertionError(f"what was written cannot be read: {error}") from None


def look_at_lint(model: Model, profile: str) -> None:
    """Lint the model for a device and print the report in every format."""
    report = tfq.lint(model, _profile(profile))
    for name in formats.FORMATS:
        text = formats.load(name).render([report], [], colour=False)
        _check_text(text)


def profile_names() -> tuple[str, ...]:
    """The devices that a model can be linted for."""
    return tuple(profiles.names())


def _read(view: View, name: str) -> object:
    if name == "values" and _is_large(view):
        return None
    try:
        value = getattr(view, name)
        if callable(value):
            value = value()
    except InvalidModelError:
        raise
    except Error as error:
        if name not in _DATA:
            raise
        check_message(error)
        return None
    return value


def _is_large(view: Any) -> bool:
    try:
        return len(view.data) > _MOST_VALUES_BYTES
    except Error:
        return False


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The properties of a class, and what it computes without arguments."""
    names = {
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, property | lazy) and not name.startswith("_")
    }
    functions = ("numpy", "__repr__", "__hash__", "_repr_html_")
    return (*sorted(names), *(name for name in functions if hasattr(kind, name)))


def _views(value: object) -> Iterator[View]:
    if isinstance(value, View):
        yield value
    elif isinstance(value, Mapping):
        yield from _views_in(value.values())
    elif isinstance(value, tuple | list | frozenset):
        yield from _views_in(value)


def _views_in(values: Iterable[object]) -> Iterator[View]:
    # Scales, values and metadata may be many or large, and hold no views: the first one tells.
    if not isinstance(next(iter(values), None), int | float | str | bytes):
        for each in values:
            yield from _views(each)


def _refusals(use: Any, *arguments: Any) -> list[InvalidModelError]:
    try:
        use(*arguments)
    except InvalidModelError as error:
        return [error]
    return []


@cache
def _profile(name: str) -> Any:
    return profiles.load(name)


def _check_text(text: str) -> None:
    text.encode()
    for line in text.split("\n"):
        assert line.isprintable(), f"a line that is not printable: {line!r}"


def _check_json(value: object) -> None:
    text = to_json(value)
    text.encode()
    json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")

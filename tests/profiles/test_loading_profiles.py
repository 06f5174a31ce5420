from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq import profiles

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a profile of one's own; by default one that extends artpec8."""

    def write(file: str = "chip.json", /, **content: Any) -> Path:
        path = tmp_path / file
        path.write_text(json.dumps({"name": "chip", "extends": "artpec8", **content}))
        return path

    return write


def complaint(profile: Any) -> str:
    """What tfq says of a profile, after a look at whether it is one line."""
    with pytest.raises(tfq.ProfileError) as caught:
        profiles.load(profile)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["artpec88", "ARTPEC8", "artpec-8", "atrpec8"])
def test_an_unknown_name_gets_all_names_and_the_nearest(name: str) -> None:
    message = complaint(name)
    assert message.startswith(f"unknown profile {name!r}: expected one of artpec7, artpec8, ")
    assert message.endswith("; did you mean artpec8?")


def test_a_file_of_ones_own_by_path_object_or_text(write: Write, monkeypatch: Any) -> None:
    path = write(title="My chip")
    monkeypatch.chdir(path.parent)
    for given in (path, str(path), "chip.json", "./chip.json", Path("chip.json")):
        assert profiles.load(given).title == "My chip"


def test_a_child_changes_what_it_names_and_keeps_the_rest(write: Write) -> None:
    child = profiles.load(
        write(quantization={"inputs": ["float32"], "granularity": {"why": "measured here"}})
    )
    parent = profiles.load("artpec8")
    assert child.quantization.inputs == ("float32",)
    assert child.quantization.outputs == parent.quantization.outputs
    assert child.quantization.granularity == parent.quantization.granularity._replace(
        why="measured here"
    )
    assert child.sources == parent.sources


def test_null_takes_away_what_the_parent_says(write: Write) -> None:
    child = profiles.load(write(quantization={"granularity": {"required": None}}))
    assert child.quantization.granularity.required is None


def test_a_file_extends_a_file_beside_it(write: Write) -> None:
    write("base.json", title="Base")
    assert profiles.load(write(extends="./base.json")).title == "Base"


def test_a_circle_of_extends(write: Write) -> None:
    write("a.json", extends="b.json")
    assert complaint(write("b.json", extends="a.json")).endswith("got a circle")
    assert complaint(write("self.json", extends="self.json")).endswith("got a circle")


def test_a_child_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "chip.json"
    path.write_text('{"extends": "artpec8"}')
    assert complaint(path) == f"{path}: $.name: expected a name of its own, got nothing"


def test_an_unknown_parent(write: Write) -> None:
    assert "unknown profile 'artpec18'" in complaint(write(extends="artpec18"))


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ({"name": "My Chip"}, "$.name", "got 'My Chip'"),
        ({"name": "chip\n"}, "$.name", r"got 'chip\n'"),
        ({"name": 8}, "$.name", "expected string, got 8"),
        ({"title": None}, "$.title", "expected a value, got nothing"),
        ({"extends": 8}, "$", "expected a value, got nothing"),
        ({"sources": []}, "$.sources", "expected 1 or more items, got 0"),
        ({"sources": [{"url": "x"}]}, "$.sources[0].read", "expected a value, got nothing"),
        ({"quantization": []}, "$.quantization", "expected object, got an array"),
        (
            {"quantization": {"compute": "int"}},
            "$.quantization.compute",
            "expected one of 'integer', 'float', 'any', got 'int'",
        ),
        ({"quantization": {"inputs": ["int7"]}}, "$.quantization.inputs[0]", "got 'int7'"),
        ({"severity": {"Q101": "bad"}}, "$.severity.Q101", "expected one of 'error'"),
        ({"quantisation": {}}, "$", "got 'quantisation'"),
        ({"hints": [True]}, "$.hints[0]", "expected string, got true"),
    ],
)
def test_a_broken_profile_is_an_error_that_names_file_place_and_reason(
    write: Write, content: dict[str, Any], place: str, reason: str
) -> None:
    path = write(**content)
    message = complaint(path)
    assert message.startswith(f"{path}: {place}")
    assert reason in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected JSON, got: Expecting value"),
        (b"artpec8", "expected JSON, got: Expecting value"),
        (b"[]", "expected a JSON object, got list"),
        (b'{"name": NaN}', "expected JSON, got: NaN, which is not JSON"),
        (b'{"name": "a", "name": "b"}', "expected JSON, got: the key 'name' twice"),
        (b'{"name": "\xff"}', "expected JSON in UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b" " * (1 << 21), "got more than 1048576 bytes"),
        (b'{"name": ' + b"9" * 5000 + b"}", "got"),
        (b"TFL3\x00\x00\x00", "expected JSON"),
    ],
)
def test_a_file_that_is_no_profile(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "chip.json"
    path.write_bytes(content)
    message = complaint(path)
    assert message.startswith(f"{path}: ")
    assert reason in message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "chip.json"
    assert complaint(missing) == f"{missing}: expected a profile, got: No such file or directory"
    assert complaint(tmp_path) == f"{tmp_path}: expected a profile, got: Is a directory"
    assert "null byte" in complaint("a\0.json")


def test_a_byte_order_mark_is_no_reason_to_refuse(write: Write) -> None:
    path = write(title="My chip")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert profiles.load(path).title == "My chip"

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq import profiles
from tfq.errors import ProfileError

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


def row(**constraint: Any) -> dict[str, Any]:
    return {"operators": {"CONV_2D": [{"require": {"rank": 4}}, constraint]}}


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (
            row(require={"kernel_hieght": 3}),
            ".require",
            "expected facts of operators (see docs/profiles.md), got 'kernel_hieght'; "
            "did you mean kernel_height?",
        ),
        (row(when={"stride": 3}), ".when", "got 'stride'; did you mean"),
        (row(any=[{}, {"xyzzy": 3}]), ".any[1]", "got 'xyzzy'"),
        (row(require={"padding": 3}), ".require.padding", "expected a text, got 3"),
        (row(require={"rank": "4"}), ".require.rank", "expected a number, got '4'"),
        (row(require={"static": 1}), ".require.static", "expected a bool, got 1"),
        (row(require={"rank": True}), ".require.rank", "expected a number, got True"),
        (
            row(when={"padding": {"max": 3}}),
            ".when.padding.max",
            "expected one of is, is_not, in, not_in for a text, got 'max'",
        ),
        (
            row(any=[{"padding": {"in": ["SAME", 1]}}]),
            ".any[0].padding.in",
            "expected a text, got 1",
        ),
        (
            row(require={"input_depth": {"multiple_of": 0}}),
            ".require.input_depth.multiple_of",
            "expected a number other than 0, got 0",
        ),
        (
            row(require={"rank": {"max": "4"}}),
            ".require.rank.max",
            "expected number, got '4'",
        ),
        (
            row(require={"rank": {"atmost": 4}}),
            ".require.rank",
            "expected the keys is, is_not, in, not_in, min, max, above, below, multiple_of, "
            "no_multiple_of, got 'atmost'",
        ),
        (row(requires={}), "", "got 'requires'"),
        (row(why=""), ".why", "expected text that matches"),
    ],
)
def test_a_broken_constraint_is_an_error_that_names_its_place(
    write: Write, content: dict[str, Any], place: str, reason: str
) -> None:
    path = write(**content)
    message = complaint(path)
    assert message.startswith(f"{path}: $.operators.CONV_2D[1]{place}: ")
    assert reason in message


@pytest.mark.parametrize("key", ["every_operator", "advice"])
def test_broken_constraints_outside_of_operators(write: Write, key: str) -> None:
    path = write(**{key: [{"require": {"rnak": 3}}]})
    assert complaint(path).startswith(f"{path}: $.{key}[0].require: expected facts of operators")
    assert complaint(path).endswith("did you mean rank?")


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ({"misfit": {"target": "gpu"}}, "$.misfit.target", "expected one of 'cpu', 'rejected'"),
        ({"shapes": {"batch": "1"}}, "$.shapes.batch", "expected integer, got '1'"),
        ({"memory": {"weights": 1.5}}, "$.memory.weights", "expected integer, got 1.5"),
        ({"operators": []}, "$.operators", "expected object, got an array"),
        ({"operators": {"ADD": {}}}, "$.operators.ADD", "expected array, got an object"),
        ({"engine": "npu"}, "$.engine", "expected one of 'accelerator', 'cpu', got 'npu'"),
        (
            {"quantization": {"symmetric": ["biases"]}},
            "$.quantization.symmetric[0]",
            "expected one of 'weights', 'activations', got 'biases'",
        ),
    ],
)
def test_a_broken_part_of_a_profile(
    write: Write, content: dict[str, Any], place: str, reason: str
) -> None:
    path = write(**content)
    assert complaint(path).startswith(f"{path}: {place}: {reason}")


def test_a_child_takes_operators_away_and_adds_others(write: Write) -> None:
    child = profiles.load(write(operators={"GELU": None, "LOGISTIC": []}))
    assert "GELU" not in child.operators
    assert child.operators["LOGISTIC"] == ()
    assert "TANH" in child.operators


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extends": "nope"}, r"\$\.extends: unknown profile 'nope'"),
        ({"operators": {"CONV_2DD": []}}, r"\$\.operators: .* got 'CONV_2DD'; did you mean CONV"),
        ({"operators": {"ADD": [{}]}}, r"\$\.operators\.ADD\[0\]: expected something under"),
        ({"memory": {"weights": -1}}, r"\$\.memory\.weights: expected 1 or more, got -1"),
        (
            {"advice": [{"operators": ["CONV2D"], "require": {"rank": 4}}]},
            r"\$\.advice\[0\]\.operators: .* got 'CONV2D'; did you mean CONV_2D",
        ),
    ],
)
def test_what_makes_no_sense_is_an_error(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "chip.json"
    path.write_text(json.dumps({"name": "chip", "extends": "artpec8", **change}))

    with pytest.raises(ProfileError, match=message):
        profiles.load(path)


def test_a_custom_operator_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "chip.json"
    operators = {"my-op": [], "TFLite_Detection_PostProcess": []}
    path.write_text(json.dumps({"name": "chip", "extends": "artpec8", "operators": operators}))

    assert set(operators) <= set(profiles.load(path).operators)

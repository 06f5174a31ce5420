from __future__ import annotations

from pathlib import Path

import pytest

from tfq.report.json_reading import read_json


def why(path: Path) -> str:
    """Why a file is refused as a sweep's."""
    with pytest.raises(ValueError) as caught:
        read_json(path, "sweep.schema", 1000)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "got no JSON: Expecting value"),
        ("\ud800", "got no JSON: 'utf-8' codec"),
        ("-Infinity", "got no JSON: expected finite numbers, got -Infinity"),
        ("1e999", "got no JSON: expected finite numbers, got 1e999"),
        ("9223372036854775808", "got no JSON: expected integers below 2\\^63"),
        ("[]", r"\$: expected object, got an array"),
        (" " * 1001, "got more than 1000 bytes"),
    ],
)
def test_what_is_not_as_it_should_be_is_said_in_one_line(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "x.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=reason):
        read_json(tmp_path / "x.json", "sweep.schema", 1000)
    why(tmp_path / "x.json")


def test_a_file_that_cannot_be_opened_is_no_other_error(tmp_path: Path) -> None:
    assert why(tmp_path / "none.json") == "No such file or directory"
    assert why(tmp_path) == "Is a directory"

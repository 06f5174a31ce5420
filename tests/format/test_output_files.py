from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfq.errors import ArgumentError, Error
from tfq.format import write_whole


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", [b"one", memoryview(b" two")])

    assert (tmp_path / "a").read_bytes() == b"one two"
    assert names(tmp_path) == ["a"]


def test_what_fails_midway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_whole(path, chunks())

    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no" / "a"

    with pytest.raises(ArgumentError) as caught:
        write_whole(path, [b""])

    assert str(caught.value) == f"{path}: cannot be written: there is no directory {path.parent}"


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="it is a directory"):
        write_whole(tmp_path, [b""])


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot be written: File name too long"):
        write_whole(tmp_path / ("a" * 300), [b""])
    assert names(tmp_path) == []


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "link").symlink_to("real")

    write_whole(tmp_path / "link", [b"after"])

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"after"


def test_the_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "a", [b""])

    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").touch(mode=0o640)
    write_whole(tmp_path / "a", [b"new"])

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_threads_write_the_same_file_without_mixing(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_whole(tmp_path / "a", [content] * 4), contents))

    assert (tmp_path / "a").read_bytes() in [content * 4 for content in contents]
    assert names(tmp_path) == ["a"]


def test_a_pipe_is_written_in_place(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    write_whole(f"/dev/fd/{writer}", [b"piped"])
    os.close(writer)

    assert os.read(reader, 99) == b"piped"
    os.close(reader)

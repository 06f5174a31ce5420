"""The directory of a sweep: what is there already, and what is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError, Error, one_line
from tfq.report.json_reading import read_json
from tfq.sweep import digests, result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfq.model import Model
    from tfq.sweep.result import Row, Sweep

NAME = "sweep.json"
MODEL_SUFFIX = ".tflite"
COMPARISON_SUFFIX = ".compare.json"
# A sweep of 20 rows and 13 profiles has a fiftieth of it.
_MOST_BYTES = 4 << 20
_ELSEWHERE = "delete it or choose another --output"


class Store:
    """A directory with the files of one sweep, or none: then nothing is kept.

    Only `sweep.json` and the files that it lists are the sweep's; all others are left alone.

    Attributes:
        directory: Where the files are; None for nowhere.
        files: The names that are the sweep's.
        earlier: What an earlier sweep left there, as far as it came; None if nothing.
    """

    def __init__(self, directory: Path | None, names: Sequence[str]) -> None:
        """Look at a directory, and change nothing.

        Args:
            directory: It may be missing. None for none.
            names: Of the rows that shall be there.

        Raises:
            ArgumentError: If it cannot be written to, a file of another origin is where one of the
                sweep shall be, or `sweep.json` is no sweep's.
        """
        self.directory = directory
        self.earlier: Sweep | None = None
        if directory is not None and os.path.lexists(directory):
            has_one = os.path.lexists(directory / NAME)
            self.earlier = load(directory, _ELSEWHERE) if has_one else None
        known = self.earlier.files if self.earlier is not None else ()
        self._rows = {row.name: row for row in self.earlier.rows} if self.earlier else {}
        suffixes = (MODEL_SUFFIX, COMPARISON_SUFFIX)
        wanted = [name + suffix for name in (*names, *self._rows) for suffix in suffixes]
        self.files = tuple(sorted({*wanted, *known}))
        if directory is not None:
            _check(directory, [NAME, *wanted], {NAME, *known})

    def check_apart(self, read: Mapping[str, object]) -> None:
        """Check that no file that is read is one of the sweep's.

        Args:
            read: By the name of an argument, what is read; what is no path does not count.

        Raises:
            ArgumentError: If one is.
        """
        from tfq.format import check_apart

        if self.directory is not None:
            places = [self.directory / name for name in (NAME, *self.files)]
            check_apart({str(place): place for place in places}, read)

    def row(self, name: str) -> Row | None:
        """Return an earlier row, if its file is there as it was written."""
        row = self._rows.get(name)
        if row is None or not row.ok:
            return row
        # Its own name alone says where: what stands in the file might lead elsewhere.
        return row if self._hash(name + MODEL_SUFFIX) == row.sha256 else None

    def comparison(self, name: str, key: str) -> bool:
        """Whether the errors by layer of a row are there, with this key."""
        known = self.earlier.comparison if self.earlier else None
        file = name + COMPARISON_SUFFIX
        return (
            known is not None
            and (known["file"], known["key"]) == (file, key)
            and self._hash(file) == known["sha256"]
        )

    def _hash(self, file: str) -> str | None:
        if self.directory is None or (self.directory / file).is_symlink():
            return None
        return digests.of_path(self.directory / file)

    def save(self, name: str, model: Model) -> tuple[str | None, Model]:
        """Write the model of a row.

        Returns:
            Its file's name, and the model as it is there; None and the model itself if nothing is
            kept.
        """
        if self.directory is None:
            return None, model
        path = self._place(name + MODEL_SUFFIX)
        model.save(path)
        return path.name, self.model(name)

    def model(self, name: str) -> Model:
        """Load the model of a row that is there."""
        from tfq.model import load as load_model

        assert self.directory is not None
        return load_model(self.directory / (name + MODEL_SUFFIX))

    def write(self, name: str, text: str) -> None:
        """Write a text file of the sweep's."""
        if self.directory is not None:
            from tfq.format import write_whole

            write_whole(self._place(name), [text.encode("utf-8", "surrogatepass")])

    def remove(self, name: str) -> None:
        """Remove the errors by layer of a row, which no longer say what is true."""
        if self.directory is not None:
            (self.directory / (name + COMPARISON_SUFFIX)).unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        assert self.directory is not None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Error(f"{self.directory}: cannot be made: {error.strerror}") from None
        return self.directory / name


def load(
    directory: str | os.PathLike[str], advice: str = "expected a directory that tfq sweep wrote"
) -> Sweep:
    """Read what a sweep wrote into a directory; nobody needs to trust it.

    Args:
        directory: With a `sweep.json`.
        advice: What an error says in the end, for those who want to write there.

    Raises:
        ArgumentError: If there is none, or it is no sweep's.
    """
    path = Path(directory) / NAME
    try:
        return result.from_data(_content(path), Path(directory))
    except ValueError as error:
        raise ArgumentError(f"{path}: not a sweep's result ({error}); {advice}") from None


def _content(path: Path) -> Any:
    if not path.is_file():
        raise ValueError("expected a file, found none")
    data = read_json(path, "sweep.schema", _MOST_BYTES)
    rows = [row["name"] for row in data["rows"]]
    for what, names in (("rows", rows), ("profiles", data["profiles"]), ("files", data["files"])):
        if len(set(names)) < len(names):
            raise ValueError(f"$.{what}: expected each name once")
    for name in (data["recommended"], *data["recommended_by_profile"].values()):
        if name is not None and name not in rows:
            raise ValueError(
                f"$.recommended: expected the name of a row, got {one_line(name, 60)!r}"
            )
    _check_kinds(path.parent, data)
    return data


def _check_kinds(directory: Path, data: Mapping[str, Any]) -> None:
    """Refuse a pipe in the place of a file: to read it might never end."""
    named = [row["file"] for row in data["rows"] if row["file"] is not None]
    if data["comparison"] is not None:
        named.append(data["comparison"]["file"])
    for name in named:
        if (directory / name).exists() and not (directory / name).is_file():
            raise ValueError(f"expected a file at {name}, found another kind")


def _check(directory: Path, wanted: Sequence[str], known: set[str]) -> None:
    """Refuse a place that cannot be written to, or where others' files are in the way."""
    there = directory
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise ArgumentError(f"output: expected a directory, {there} is none")
    if not os.access(there, os.W_OK):
        raise ArgumentError(f"output: no permission to write to {there}")
    for name in wanted:
        place = directory / name
        if place.is_symlink() or (os.path.lexists(place) and not place.is_file()):
            raise ArgumentError(
                f"output: expected a file or nothing at {place}, found another kind"
            )
        if name not in known and place.exists():
            raise ArgumentError(
                f"output: {place} is there and no file of a sweep; choose another directory"
            )

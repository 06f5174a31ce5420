"""What a sweep found: one row for each way to convert, and which to ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError
from tfq.terminal import printable

if TYPE_CHECKING:
    from tfq.model import Model


@dataclass(frozen=True)
class Verdict:
    """What lint says of a row's file for one device.

    Attributes:
        verdict: `"pass"` or `"fail"`.
        errors: How many findings are errors.
        warnings: How many are warnings.
        accelerator_share: Of the operators, those on the accelerator, from 0 to 1; None if the
            device has none or its profile does not say which operators it takes.
        key: A hash of the file and the profile.
    """

    verdict: str
    errors: int
    warnings: int
    accelerator_share: float | None
    key: str

    @property
    def ok(self) -> bool:
        """Whether the file passes."""
        return self.verdict == "pass"


@dataclass(frozen=True)
class Row:
    """One way to convert a model, and what came out.

    Attributes:
        name: Of the way, and of the file without `.tflite`.
        mode: As `tfq.convert` takes it, and so the next four.
        granularity: None where the mode has none.
        accuracy_level: None where passes are named or the mode has no level.
        passes: None where a level is named.
        weight_bits: None for floats.
        status: `"ok"` if there is a file, else `"failed"`.
        error: Why there is no file, or why it could not be evaluated.
        file: Its name in the sweep's directory; None if there is none.
        sha256: Of the file.
        size: Of the file in bytes.
        compression: The size of the float32 file divided by this one's.
        accuracy: The metric's number; None if it is not known.
        drop: How much worse that is than float32's.
        scores: All numbers of the metric; None without labels.
        agreement: The share of float32's answers that are the same; None where there are none.
        sqnr: Of the outputs against float32's, in dB, at most 120.
        latency_ms: The median of warm runs, in milliseconds.
        peak_memory: Bytes of the weights and of the activations alive at once, by the file.
        integer_share: Of the operators, those that compute in integers, from 0 to 1.
        profiles: What lint says, by the device's name.
        key: A hash of all that the file was made from; None if it must be made again.
        evaluation_key: A hash of all that it was evaluated with; None if it was not yet.
    """

    name: str
    mode: str
    granularity: str | None
    accuracy_level: str | None
    passes: str | None
    weight_bits: int | None
    status: str = "ok"
    error: str | None = None
    file: str | None = None
    sha256: str | None = None
    size: int | None = None
    compression: float | None = None
    accuracy: float | None = None
    drop: float | None = None
    scores: Mapping[str, float | None] | None = None
    agreement: float | None = None
    sqnr: float | None = None
    latency_ms: float | None = None
    peak_memory: int | None = None
    integer_share: float | None = None
    profiles: Mapping[str, Verdict] = field(default_factory=dict)
    key: str | None = None
    evaluation_key: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a file."""
        return self.status == "ok"


@dataclass(frozen=True)
class Sweep:
    """All rows of a sweep.

    Attributes:
        tfq: The version that made it.
        model: What was converted.
        metric: What the rows' accuracy is: the metric of the labels, `"agreement"` with float32,
            `"sqnr"` in dB, or None if nothing was evaluated.
        higher_is_better: Of the metric.
        data: `"evaluation data"` or `"calibration data"`, on which models were evaluated, or None.
        samples: How many; None likewise.
        profiles: The names of the devices' profiles.
        machine: Where latency was measured: `threads`, `delegate`, `cpu`.
        recommended: The name of a row; None if none fits.
        recommended_by_profile: Likewise for each device alone.
        reason: Why that row, or why none.
        max_accuracy_drop: The most that a recommended row may lose.
        comparison: The file with the recommended row's errors by layer, its hash and key; None if
            there is none.
        files: Every file in the directory that is the sweep's.
        key: A hash of the model, the data, the options and the versions of packages.
        rows: One for each way, in the order of the table.
        directory: Where the files are; None if they were not kept.
    """

    tfq: str
    model: str
    metric: str | None
    higher_is_better: bool
    data: str | None
    samples: int | None
    profiles: tuple[str, ...]
    machine: Mapping[str, Any]
    recommended: str | None
    recommended_by_profile: Mapping[str, str | None]
    reason: str
    max_accuracy_drop: float
    comparison: Mapping[str, str] | None
    files: tuple[str, ...]
    key: str
    rows: tuple[Row, ...]
    directory: Path | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Return which row to ship, and why."""
        return printable(f"{self.model}: recommended: {self.recommended or 'none'}: {self.reason}")

    def row(self, name: str) -> Row:
        """Return the row of a name.

        Raises:
            tfq.ArgumentError: If there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise ArgumentError(f"expected one of {', '.join(row.name for row in self.rows)}: {name!r}")

    def load(self, name: str) -> Model:
        """Load the file of a row.

        Raises:
            tfq.ArgumentError: If there is no such row, or it has no file.
            tfq.InvalidModelError: If the file is no longer there.
        """
        from tfq.model import load

        row = self.row(name)
        if row.file is None or self.directory is None:
            raise ArgumentError(f"{name}: no file: {row.error or 'the sweep had no output'}")
        return load(self.directory / row.file)

    def to_data(self) -> dict[str, Any]:
        """Return the content of `sweep.json`: see `schemas/sweep.schema.json`."""
        content = asdict(self)
        del content["directory"]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in content.items()
        }


def from_data(data: Mapping[str, Any], directory: Path) -> Sweep:
    """Make a sweep of the content of a `sweep.json`.

    Args:
        data: What meets `schemas/sweep.schema.json`.
        directory: Where the file stands.
    """
    rows = tuple(
        Row(
            **{**row, "profiles": {name: Verdict(**each) for name, each in row["profiles"].items()}}
        )
        for row in data["rows"]
    )
    lists = {"profiles": tuple(data["profiles"]), "files": tuple(data["files"])}
    return Sweep(**{**data, **lists, "rows": rows, "directory": directory})

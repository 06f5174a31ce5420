"""The ranges of activations: what was seen of each, and how a range is chosen from it."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping

from tfq.errors import CalibrationDataError, one_line
from tfq.passes.range_methods import method as range_method
from tfq.passes.statistics import BINS, LARGEST, MOST_COUNTED, Extremes, Means, Statistics
from tfq.schemas import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias, TypeVar

    import numpy as np

    from tfq.model import Model, Operator, Subgraph, Tensor

    Array: TypeAlias = np.ndarray[Any, Any]
    Range = tuple[float, float]
    _Seen = TypeVar("_Seen", Statistics, Means, Extremes)

# What a file may take: one of 2,000 activations does not get near it.
MOST_BYTES = 1 << 25
"""A file of ranges is not larger."""

MOST_CHANNELS = 1 << 20
"""Nor does it have more numbers of one activation."""

_NUMBERED = re.compile(r"#[0-9]+\Z")


class Ranges:
    """What calibration saw of each activation of one model.

    Attributes:
        model: The digest of the model (`digest`).
        tensors: Statistics by the key of the activation (`activation_keys`).
        means: What the channels of the activations are in the mean that layers with a bias read.
        extremes: What passes asked for that prepared the model, so that they can do it again
            without data: by the name of the pass and the key of the activation.
    """

    def __init__(self, model: str, tensors: dict[str, Statistics] | None = None) -> None:
        """Hold what was seen; nothing at first."""
        self.model = model
        self.tensors = tensors if tensors is not None else {}
        self.means: dict[str, Means] = {}
        self.extremes: dict[str, dict[str, Extremes]] = {}

    def add(self, values: Mapping[str, Array]) -> list[str]:
        """Look at activations after one sample.

        Args:
            values: Of each activation all its values, by its key.

        Returns:
            The keys of those that are not finite; they do not count.
        """
        return [key for key, each in values.items() if self.of(key).add([each]) is not None]

    def of(self, key: str) -> Statistics:
        """Return what was seen of an activation, to be added to."""
        return self.tensors.setdefault(key, Statistics())

    def merge(self, other: Ranges) -> None:
        """Add what was seen of the same model on other samples.

        Raises:
            CalibrationDataError: If the ranges are of another model.
        """
        if self.model != other.model:
            raise _of_another(self.model, other.model)
        for key, each in other.tensors.items():
            self.of(key).merge(each)
        self.add_means(other.means)
        for name, found in other.extremes.items():
            mine = self.extremes.setdefault(name, {})
            for key, theirs in found.items():
                mine[key] = mine[key].merged(theirs) if key in mine else theirs

    def complete(self, other: Ranges) -> None:
        """Take over what was seen only of another form of the same model, on the same samples."""
        self.tensors = {**other.tensors, **self.tensors}
        self.means = {**other.means, **self.means}

    def add_means(self, found: Mapping[str, Means]) -> None:
        """Add to the means of activations, by key."""
        for key, each in found.items():
            self.means[key] = self.means[key].merged(each) if key in self.means else each

    def check(self, model: Model) -> None:
        """Check that these are the ranges of a model.

        Raises:
            CalibrationDataError: If they are another's.
        """
        if (expected := digest(model)) != self.model:
            raise _of_another(expected, self.model)

    def check_prepared(self, model: Model) -> None:
        """Check that there is something for each activation, with as many channels.

        Args:
            model: The model after the passes that prepared it.

        Raises:
            CalibrationDataError: If these cannot be its ranges: somebody has changed them.
        """
        for tensor, key in activation_keys(model.subgraphs[0]).items():
            means = self.means.get(key)
            if means is not None and means.totals.shape != tensor.shape[-1:]:
                raise CalibrationDataError(
                    f"ranges: expected means of {tensor.shape_text} for {key!r}, got "
                    f"{means.totals.size} channels"
                )
        missing = [key for key in self.means if key not in self.tensors]
        if missing or not self.tensors:
            what = f"{missing[0]!r} has means but no range" if missing else "there are none"
            raise CalibrationDataError(f"ranges: {what}; calibrate again")

    def spans(
        self,
        method: str = "minmax",
        overrides: Mapping[str, str] | None = None,
        bits: int = 8,
        symmetric: bool = False,
    ) -> dict[str, Range]:
        """Choose the range of each activation.

        Args:
            method: `"minmax"`; `"moving_average"`, the mean extremes of the samples;
                `"percentile:99.99"`, which leaves out so little at each end, of the values that
                are not 0; `"mse"`, the smallest mean squared error; `"entropy"`, the smallest
                Kullback-Leibler divergence.
            overrides: Other methods, by a pattern of keys; the first that matches counts.
            bits: Of the integers. With 16 nothing is gained by clipping: `minmax` is used for
                `mse` and `entropy`.
            symmetric: Whether 0 will be in the middle of the range: `mse` and `entropy` then look
                for the best of such ranges.

        Returns:
            The smallest and the largest value of each activation that was seen. An activation that
            never varied has its one value, twice.

        Raises:
            ArgumentError: If there is no such method.
        """
        choose = {pattern: range_method(each, bits) for pattern, each in (overrides or {}).items()}
        usual = range_method(method, bits)
        found = {}
        for key, seen in self.tensors.items():
            fitting = (each for name, each in choose.items() if fnmatch.fnmatchcase(key, name))
            if seen.samples:
                found[key] = next(fitting, usual)(seen, bits, symmetric)
        return found

    def to_json(self) -> str:
        """Return it as the text of a small file."""
        data = {
            "model": self.model,
            "tensors": {key: each.to_json() for key, each in self.tensors.items() if each.samples},
            "means": {key: each.to_json() for key, each in self.means.items() if each.size},
            "extremes": {
                name: {key: each.to_json() for key, each in found.items()}
                for name, found in self.extremes.items()
            },
        }
        return json.dumps(data, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> Ranges:
        """Read what `to_json` wrote.

        Args:
            text: The content of a file.
            name: What messages call it.

        Raises:
            CalibrationDataError: If it is no such file; the message says where.
        """
        from tfq.profiles.validate import violations

        if len(text) > MOST_BYTES:
            raise CalibrationDataError(
                f"{name}: expected up to {MOST_BYTES} bytes of ranges, got {len(text)}"
            )
        try:
            data = json.loads(text, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise CalibrationDataError(
                f"{name}: expected ranges as JSON, got: {one_line(error)}"
            ) from None
        first = next(violations(data, load("ranges.schema")), None)
        if first is not None:
            raise CalibrationDataError(f"{name}: {first.path}: {first.message}")
        made = cls(data["model"], _read(data["tensors"], Statistics, name))
        made.means = _read(data["means"], Means, name)
        for key, found in data["extremes"].items():
            made.extremes[key] = _read(found, Extremes, name)
        return made


def _read(data: dict[str, Any], kind: type[_Seen], name: str) -> dict[str, _Seen]:
    """Read what was seen of each activation."""
    found = {}
    for key, each in data.items():
        # A file may say what it likes: huge numbers would overflow on the way to arrays.
        made = kind.from_json(each) if _is_bounded(each) else None
        if made is None or not made.makes_sense:
            raise CalibrationDataError(f"{name}: {key!r}: makes no sense as what was seen")
        found[key] = made
    return found


def _is_bounded(data: dict[str, Any]) -> bool:
    """Say whether all numbers of an object that meets the schema are such as can be seen."""
    for field, value in data.items():
        numbers = value if isinstance(value, list) else [value]
        most = LARGEST if field in ("low", "high", "lows", "highs") else MOST_COUNTED
        if (field in ("lows", "highs") and numbers is not value) or field == "totals":
            most = LARGEST * MOST_COUNTED
        if field == "counts" and not all(type(each) is int and each >= 0 for each in numbers):
            return False
        if not all(-most <= number <= most for number in numbers):
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, before the schema is looked at, which would walk through all of it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} twice")
    for key, value in pairs:
        most = BINS if key == "counts" else MOST_CHANNELS
        if isinstance(value, list) and len(value) > most:
            raise ValueError(f"{len(value)} numbers as {key!r}, at most {most} are expected")
    return found


def _of_another(expected: str, found: str) -> CalibrationDataError:
    return CalibrationDataError(
        f"ranges of another model: expected those of sha256 {expected[:12]}…,"
        f" got {found[:12]}…; calibrate again"
    )


def activation_keys(subgraph: Subgraph) -> dict[Tensor, str]:
    """Name the tensors of a subgraph so that each has a name of its own.

    Args:
        subgraph: Of any model.

    Returns:
        By tensor, its name where it is unique and not empty; else `name#index`, which is also what
        a tensor gets whose name ends like that.
    """
    counts = Counter(tensor.name for tensor in subgraph.tensors)
    return {
        tensor: tensor.name
        if tensor.name and counts[tensor.name] == 1 and not _NUMBERED.search(tensor.name)
        else f"{tensor.name}#{tensor.index}"
        for tensor in subgraph.tensors
    }


def digest(model: Model) -> str:
    """Return what tells a model from others: what it computes, and what its tensors are called.

    Args:
        model: Any model.

    Returns:
        A sha256 in hexadecimal, over operators with their options, connections, shapes and the
        data of constants; the same on every machine. Constants in other files count by their sizes.
    """
    found = hashlib.sha256()

    def note(*facts: object) -> None:
        found.update(repr(facts).encode("utf-8", "backslashreplace"))

    hashed: set[int] = set()
    for subgraph in model.subgraphs:
        note([each.index for each in subgraph.inputs], [each.index for each in subgraph.outputs])
        for operator in subgraph.operators:
            note(*_facts(operator))
        for tensor in subgraph.tensors:
            note(tensor.name, tensor.shape, tensor.shape_signature, tensor.dtype)
            note(tensor.is_variable, tensor.is_sparse, tensor.buffer_index, tensor.nbytes)
            if not tensor.is_external and tensor.buffer_index not in hashed:
                hashed.add(tensor.buffer_index)
                found.update(tensor.data)
    return found.hexdigest()


def _facts(operator: Operator) -> tuple[object, ...]:
    options = sorted((name, _plain(value)) for name, value in operator.options.items())
    return (
        operator.name,
        [-1 if each is None else each.index for each in operator.inputs],
        [each.index for each in operator.outputs],
        options,
        bytes(operator.custom_data) if operator.is_custom else b"",
    )


def _plain(value: object) -> str:
    """Return an option as text: the repr of some objects is where they are in memory."""
    if isinstance(value, Mapping):
        return repr(sorted((str(key), _plain(each)) for key, each in value.items()))
    if isinstance(value, (list, tuple)):
        return repr([_plain(each) for each in value])
    plain = isinstance(value, (bool, int, float, str, bytes, type(None)))
    return repr(value) if plain else type(value).__name__

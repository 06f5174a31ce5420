"""Calibration data: whatever form they come in, samples that are known to fit the model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfq.convert import readers
from tfq.convert.labels import as_array
from tfq.convert.scaling import Scaling
from tfq.convert.sources import InputSpec
from tfq.errors import CalibrationDataError, ConversionWarning, users_code

FEW = 20
"""Below this many samples a warning is due; 100 to 500 are usual (TensorFlow's guide)."""

STREAM_LIMIT = 500
"""A generator or dataset is read this far: it may never end, and more samples change little."""


@dataclass(frozen=True)
class Samples:
    """Samples for each input of a model.

    Attributes:
        columns: by input name, what the input takes for one sample: in its type, with a batch axis
            of 1, or whole for an input that has no such axis or whose batch is fixed.
        labels: one label a sample, where the data have any.
    """

    columns: Mapping[str, Sequence[np.ndarray]]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        """How many samples there are."""
        return len(next(iter(self.columns.values())))

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Yields one sample at a time, by input name."""
        for row in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, row, strict=True))

    def batches(self, inputs: Sequence[InputSpec]) -> Iterator[dict[str, np.ndarray]]:
        """Yields as many samples at a time as the model's batch; the last is filled up.

        Args:
            inputs: the model's, with the shapes it is run with.
        """
        counts = {spec.name: self._samples_a_batch(spec) for spec in inputs}
        for start in range(0, len(self), max(counts.values())):
            yield {name: self._batch(name, start, count) for name, count in counts.items()}

    def _samples_a_batch(self, spec: InputSpec) -> int:
        shape = self.columns[spec.name][0].shape
        return max(1, spec.batch_size // shape[0]) if shape else 1

    def _batch(self, name: str, start: int, count: int) -> np.ndarray:
        column = self.columns[name]
        if count == 1:
            return column[start]
        return np.concatenate([column[i % len(self)] for i in range(start, start + count)])

    @property
    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shape of a sample with the batch axis, by input name."""
        return {name: tuple(column[0].shape) for name, column in self.columns.items()}


def read(
    data: Any,
    inputs: Sequence[InputSpec],
    *,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    what: str = "calibration data",
) -> Samples:
    """Reads data in any form and checks them against a model's inputs.

    Args:
        data: an array or a dictionary of arrays by input name (first axis: samples); a path to a
            `.npy`, `.npz`, TFRecord or directory of images; a `tf.data.Dataset`, a list, a
            generator, or a function that returns one, of samples: an array, a list of arrays or a
            dictionary, with or without a batch axis, alone or with a label.
        inputs: what the model takes.
        image_scale: how pixels 0 to 255 become inputs, see `tfq.convert.scaling`.
        parse_function: makes a sample of a TFRecord's serialized example.
        what: what to call the data in messages.

    Raises:
        CalibrationDataError: the data are missing, broken, empty, or do not fit the model.
    """
    scaling = None if image_scale is None else Scaling.parse(image_scale)
    reader = _Reader(inputs, scaling, parse_function, what)
    with users_code(what, CalibrationDataError):  # a generator or parse function
        try:
            columns, labels = reader.columns(data)
            cast = {spec.name: reader.cast(spec, columns[spec.name]) for spec in inputs}
            samples = Samples(cast, labels)
        except MemoryError as error:
            raise CalibrationDataError(f"{what}: too large for this machine's memory") from error
    _check_lengths(samples, what)
    if scaling is not None and not reader.has_images:
        raise CalibrationDataError(
            f"{what}: image_scale is for images: integer arrays with height, width and channels"
        )
    return samples


def check_ranges(samples: Samples, inputs: Sequence[InputSpec]) -> None:
    """Checks that activation ranges measured on these samples mean something.

    Args:
        samples: what was read.
        inputs: what the model takes.

    Raises:
        CalibrationDataError: no float input ever changes; if only some do not, it is a warning.
    """
    floats = [spec.name for spec in inputs if spec.dtype.startswith("float")]
    still = [name for name in floats if _is_constant(samples.columns[name])]
    if still:
        message = (
            f"calibration data: input {still[0]!r} never changes; "
            "expected samples as the device will see them"
        )
        if still == floats:
            raise CalibrationDataError(message)
        warnings.warn(message, ConversionWarning, stacklevel=3)
    if len(samples) < FEW:
        warnings.warn(
            f"calibration data: only {len(samples)} sample{'' if len(samples) == 1 else 's'}; "
            f"fewer than {FEW} rarely cover the range of activations, 100 are typical",
            ConversionWarning,
            stacklevel=3,
        )


def _check_lengths(samples: Samples, what: str) -> None:
    lengths = {name: len(column) for name, column in samples.columns.items()}
    if samples.labels is not None:
        lengths["y"] = len(samples.labels)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise CalibrationDataError(f"{what}: expected as many samples of each; got {found}")


def _has_length(stream: Iterable[Any]) -> bool:
    """Whether it ends for sure; a `tf.data.Dataset` has a length but not always knows it."""
    try:
        return len(stream) >= 0  # type: ignore[arg-type]
    except TypeError:
        return False


def _is_constant(column: Sequence[np.ndarray]) -> bool:
    first = column[0].flat[0] if column[0].size else 0
    return all(np.all(item == first) for item in column)


def _is_batch(spec: InputSpec, array: np.ndarray, label: np.ndarray | None) -> bool:
    """Whether the first axis of an array in a stream is samples, by the input and the labels."""
    if not spec.shape or array.ndim != len(spec.shape):
        return False
    if spec.batch_size == 1 or len(array) != spec.batch_size:
        return True
    # It may be all that the input takes at once, unless each row has its label.
    return label is not None and array.ndim > 1 and label.shape[:1] == (len(array),)


def _numpy_type(spec: InputSpec, what: str) -> np.dtype[Any]:
    try:
        return np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)
    except TypeError:
        raise CalibrationDataError(
            f"{what}: no samples can be given for {spec}; expected an input of numbers"
        ) from None


class _Reader:
    """What is known while data are read: the inputs they must fit and how to scale them."""

    def __init__(
        self,
        inputs: Sequence[InputSpec],
        scaling: Scaling | None,
        parse_function: Callable[[Any], Any] | None,
        what: str,
    ) -> None:
        self.inputs = inputs
        self.scaling = scaling
        self.parse_function = parse_function
        self.what = what
        self.has_images = False

    def columns(self, data: Any) -> tuple[dict[str, Sequence[Any]], np.ndarray | None]:
        """Sorts data of any form into one column an input, and the labels."""
        if readers.is_path(data):
            data = readers.open_path(data, self.inputs, self.parse_function, self.what)
        if isinstance(data, Samples):
            return dict(data.columns), data.labels
        if isinstance(data, np.ndarray):
            data = {self._only_input().name: data}
        if isinstance(data, Mapping):
            return self._from_arrays(dict(data))
        return self._from_stream(data)

    def _only_input(self) -> InputSpec:
        if len(self.inputs) > 1:
            raise CalibrationDataError(
                f"{self.what}: expected one array for each of {_list(self.inputs)}; got one array"
            )
        return self.inputs[0]

    def _from_arrays(
        self, arrays: dict[str, Any]
    ) -> tuple[dict[str, Sequence[Any]], np.ndarray | None]:
        labels = None if self._is_input("y") else arrays.pop("y", None)
        columns = self._by_name({name: np.asarray(array) for name, array in arrays.items()})
        for spec in self.inputs:
            array = columns[spec.name]
            if array.size == 0:
                raise CalibrationDataError(
                    f"{self.what}: expected samples for {spec}; got none: {list(array.shape)}"
                )
            if array.ndim == len(spec.shape):
                columns[spec.name] = array[:, np.newaxis]
            elif array.ndim != len(spec.shape) + 1:
                raise self._misfit(spec, array.shape, array.dtype)
        return columns, None if labels is None else np.atleast_1d(as_array(labels))

    def _from_stream(self, data: Any) -> tuple[dict[str, Sequence[Any]], np.ndarray | None]:
        stream = data() if callable(data) and not isinstance(data, Iterable) else data
        if not isinstance(stream, Iterable):
            raise CalibrationDataError(
                f"{self.what}: expected an array, a path, a dataset, a generator or a function "
                f"that returns one; got {type(data).__name__}"
            )
        columns: dict[str, list[Any]] = {spec.name: [] for spec in self.inputs}
        labels: list[Any] = []
        may_not_end = not _has_length(stream)
        for count, element in enumerate(stream, 1):
            self._add(element, columns, labels)
            read = max(count, len(columns[self.inputs[0].name]))
            if may_not_end and read >= STREAM_LIMIT:
                break
        return dict(columns), as_array(labels) if labels else None

    def _add(self, element: Any, columns: dict[str, list[Any]], labels: list[Any]) -> None:
        """Adds one element of a stream: a sample or a batch of them, perhaps with labels."""
        features, label = self._split(element)
        if not isinstance(features, Mapping):
            features = dict(zip([spec.name for spec in self.inputs], features, strict=True))
        arrays = self._by_name({str(key): np.asarray(value) for key, value in features.items()})
        own = None if label is None else as_array(label)
        batched = [_is_batch(spec, arrays[spec.name], own) for spec in self.inputs]
        column = columns[self.inputs[0].name]
        before = len(column)
        for spec, is_batch in zip(self.inputs, batched, strict=True):
            columns[spec.name].extend(self._items(spec, arrays[spec.name], is_batch))
        if before and bool(labels) != (own is not None):
            raise CalibrationDataError(
                f"{self.what}: expected labels for all samples or for none; "
                f"sample {before} has {'none' if own is None else 'one'}, unlike those before it"
            )
        if own is not None:
            labels.extend(self._labels(own, len(column) - before, any(batched)))

    def _items(self, spec: InputSpec, array: np.ndarray, is_batch: bool) -> Iterable[np.ndarray]:
        """One sample, a batch of samples, or all that an input takes at once."""
        if array.ndim == len(spec.shape) - 1:
            return [array[np.newaxis]]
        if array.ndim != len(spec.shape):
            raise self._misfit(spec, array.shape, array.dtype)
        return array[:, np.newaxis] if is_batch else [array]

    def _labels(self, label: np.ndarray, count: int, is_batch: bool) -> Iterable[Any]:
        """What an element's label says of each of its samples."""
        if is_batch and label.shape[:1] == (count,):
            return label
        if count == 1:
            return [label]
        raise CalibrationDataError(
            f"{self.what}: expected {count} labels, for a batch of {count} samples; "
            f"got {label.dtype} {list(label.shape)}"
        )

    def _split(self, element: Any) -> tuple[Any, Any]:
        """Tells features from a label, by the number of inputs."""
        count = len(self.inputs)
        if isinstance(element, Mapping):
            rest = {key: value for key, value in element.items() if key != "y"}
            return (element, None) if self._is_input("y") else (rest, element.get("y"))
        if not isinstance(element, (tuple, list)):
            element = (element,)
        if len(element) == 2 and isinstance(element[0], (tuple, list, Mapping)):
            return element[0], element[1]
        if len(element) == count:
            return element, None
        if len(element) == count + 1:
            return element[:count], element[count]
        raise CalibrationDataError(
            f"{self.what}: expected {count} arrays a sample, for {_list(self.inputs)}; "
            f"got {len(element)}"
        )

    def _is_input(self, name: str) -> bool:
        return any(spec.name == name for spec in self.inputs)

    def _by_name(self, arrays: dict[str, Any]) -> dict[str, Any]:
        if len(arrays) == len(self.inputs) == 1:  # no choice, so the name does not matter
            return {self.inputs[0].name: next(iter(arrays.values()))}
        missing = [spec.name for spec in self.inputs if spec.name not in arrays]
        if missing:
            raise CalibrationDataError(
                f"{self.what}: expected an array for each of {_list(self.inputs)}; "
                f"got {', '.join(sorted(arrays)) or 'none'}"
            )
        return {spec.name: arrays[spec.name] for spec in self.inputs}

    def cast(self, spec: InputSpec, column: Sequence[Any]) -> Sequence[np.ndarray]:
        """Checks one column's shapes and values and gives it the input's type."""
        if len(column) == 0:
            raise CalibrationDataError(f"{self.what}: expected samples for {spec}; got none")
        shape = np.shape(column[0])
        fits = len(shape) == len(spec.shape) and all(
            own is None or own == dim or (axis == 0 and dim == 1)
            for axis, (own, dim) in enumerate(zip(spec.shape, shape, strict=True))
        )
        for index, item in enumerate(column):
            if not fits or np.shape(item) != shape:
                where = f" in sample {index}" if index else ""
                own = np.shape(item)[1:] if np.shape(item)[:1] == (1,) else np.shape(item)
                raise self._misfit(spec, (len(column), *own), item.dtype, where)
        return [self._value(spec, np.asarray(item), index) for index, item in enumerate(column)]

    def _value(self, spec: InputSpec, item: np.ndarray, index: int) -> np.ndarray:
        wanted = _numpy_type(spec, self.what)
        is_image = item.dtype.kind in "iu" and item.ndim == 4
        self.has_images |= is_image
        if is_image and wanted.kind == "f" and self.scaling is not None:
            value = self.scaling.apply(item).astype(wanted)
        elif is_image and self.scaling is not None and not self.scaling.is_identity:
            raise CalibrationDataError(
                f"{self.what}: the model takes pixels as they are ({spec}); expected no image_scale"
            )
        elif item.dtype == wanted:
            value = item
        elif item.dtype.kind == "f" and wanted.kind == "f":
            with np.errstate(over="ignore"):
                value = item.astype(wanted)
        elif item.dtype.kind in "iub" and wanted.kind in "iub":
            value = item.astype(wanted)
            if not np.array_equal(value, item):
                raise CalibrationDataError(f"{self.what}: sample {index} overflows {spec}")
        else:
            raise self._wrong_type(spec, item)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise CalibrationDataError(
                f"{self.what}: expected finite numbers; input {spec.name!r} has NaN or infinity "
                f"in sample {index}"
            )
        return value

    def _wrong_type(self, spec: InputSpec, item: np.ndarray) -> CalibrationDataError:
        if item.dtype.kind in "iub":
            advice = "give floats"
            if item.ndim == 4:
                advice = (
                    "state how with image_scale (0..1, -1..1, 0..255 or mean,std), or " + advice
                )
        else:
            advice = f"give {spec.dtype}"
        return CalibrationDataError(
            f"{self.what}: expected {spec.dtype} for {spec.name!r}, got {item.dtype}; {advice}"
        )

    def _misfit(
        self, spec: InputSpec, shape: Sequence[int], dtype: Any, where: str = ""
    ) -> CalibrationDataError:
        rest = spec.shape[1:] if spec.batch_size == 1 else spec.shape
        wanted = ", ".join(["samples", *("?" if dim is None else str(dim) for dim in rest)])
        return CalibrationDataError(
            f"{self.what}: expected {spec.dtype} [{wanted}] for {spec.name!r}, "
            f"got {dtype} {list(shape)}{where}"
        )


def _list(inputs: Sequence[InputSpec]) -> str:
    return "; ".join(str(spec) for spec in inputs)

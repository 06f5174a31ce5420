"""What is compared, on which data: models, samples and labels from whatever a user gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfq.accuracy.running import check_not_compiled
from tfq.convert import calibration, flatbuffers, readers, shapes
from tfq.convert.calibration import Samples
from tfq.convert.labels import as_array
from tfq.convert.sources import InputSpec
from tfq.errors import ArgumentError, CalibrationDataError, InvalidModelError
from tfq.model import Model, Tensor, load

_WHAT = "evaluation data"
_NO_NUMBERS = ("string", "resource", "variant")
KERAS_FILES = (".keras", ".h5", ".hdf5")


class Reading(NamedTuple):
    """A reference and what it is asked.

    Attributes:
        model: the reference.
        label: what to call it.
        samples: by the names of its inputs.
    """

    model: Model
    label: str
    samples: Samples


def open_model(model: Any, what: str) -> Model:
    """Open a `.tflite`, quantized or not.

    Args:
        model: A `tfq.Model` or a path.
        what: What to call it in messages.

    Raises:
        ArgumentError: If it is something else.
        InvalidModelError: If the file is missing or broken, is compiled for a device, has no inputs
            or no outputs, or takes what are no numbers.
    """
    if isinstance(model, (str, os.PathLike)):
        model = load(model)
    if not isinstance(model, Model):
        raise ArgumentError(
            f"{what}: expected a tfq.Model or the path of a .tflite, got {type(model).__name__}"
        )
    check_not_compiled(model)
    for kind, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if not tensors:
            raise InvalidModelError(f"{model.name}: has no {kind}; there is nothing to compare")
    for tensor in model.inputs:
        if tensor.dtype in _NO_NUMBERS:
            raise InvalidModelError(
                f"{tensor.place}: expected an input of numbers, got {tensor.dtype}"
            )
    return model


def with_own_names(model: Model) -> Model:
    """The model with a name for each input and output by which it can be told from the others."""
    each = (model.input_names, model.output_names)
    if all(len(set(names)) == len(names) for names in each):
        return model
    return flatbuffers.with_signature(model)


def open_reference(
    reference: Any,
    data: Any,
    *,
    labels: Any = None,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    batch_size: int | None = 1,
    input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
    signature: str | None = None,
    unsafe_load: bool = False,
) -> Reading:
    """Open the reference, convert it if it is no `.tflite`, and read the data for its inputs.

    Args:
        reference: As in `tfq.compare`, and so the rest.
        data: As there.
        labels: As there.
        image_scale: As there.
        parse_function: As there.
        batch_size: As there.
        input_shapes: As there.
        signature: As there.
        unsafe_load: As there.

    Raises:
        tfq.Error: As there.
    """
    scaling: dict[str, Any] = {"image_scale": image_scale, "parse_function": parse_function}
    if signature is None and _is_flatbuffer(reference):
        model = with_own_names(open_model(reference, "reference"))
        shapes.check_batch_size(batch_size)
        inputs = shapes.resolve(inputs_of(model), None, input_shapes or {})
        reading = Reading(model, model.name, calibration.read(data, inputs, what=_WHAT, **scaling))
    else:
        from tfq.convert.workbench import Workbench

        bench = Workbench(
            reference,
            batch_size=batch_size,
            input_shapes=input_shapes,
            signature=signature,
            unsafe_load=unsafe_load,
            **scaling,
        )
        model = with_own_names(bench.float_model)
        reading = Reading(model, bench.label, bench.read(data, _WHAT))
    if labels is None:
        return reading
    values = read_labels(labels, len(reading.samples))
    return reading._replace(samples=replace(reading.samples, labels=values))


def _is_flatbuffer(reference: Any) -> bool:
    if not isinstance(reference, (str, os.PathLike)):
        return isinstance(reference, Model)
    path = Path(reference)
    return not path.is_dir() and path.suffix.lower() not in KERAS_FILES


def inputs_of(model: Model) -> tuple[InputSpec, ...]:
    """What a model takes, in real numbers where its integers stand for some.

    Args:
        model: Any model.

    Returns:
        One for each input, by its name, with None for open dimensions.
    """
    return tuple(
        InputSpec(
            name,
            tuple(None if size < 0 else size for size in tensor.shape_signature),
            "float32" if is_quantized(tensor) else tensor.dtype,
        )
        for name, tensor in zip(model.input_names, model.inputs, strict=True)
    )


def is_quantized(tensor: Tensor) -> bool:
    """Whether the integers of a tensor stand for real numbers, with one scale."""
    quantization = tensor.quantization
    return (
        quantization is not None
        and len(quantization.scales) == 1
        and quantization.scales[0] != 0
        and not tensor.dtype.startswith("float")
    )


def read_labels(labels: Any, count: int) -> np.ndarray[Any, Any]:
    """Read labels that are not among the data.

    Args:
        labels: An array, or the path of a `.npy`, or of a `.npz` that holds them as `y` or alone.
        count: How many samples there are.

    Returns:
        One label a sample, in the first axis.

    Raises:
        CalibrationDataError: If the file is missing or another, or has another number of labels.
    """
    if readers.is_path(labels):
        labels = _labels_at(Path(labels))
    values = np.atleast_1d(as_array(labels))
    if len(values) != count:
        raise CalibrationDataError(f"labels: expected {count}, one a sample; got {len(values)}")
    return values


def _labels_at(path: Path) -> Any:
    if path.suffix.lower() not in (".npy", ".npz"):
        raise CalibrationDataError(f"labels: {path}: expected a .npy or .npz file")
    spec: Sequence[InputSpec] = [InputSpec("y", (), "float32")]
    arrays = dict(readers.open_path(path, spec, None, "labels"))
    if "y" not in arrays and len(arrays) != 1:
        raise CalibrationDataError(
            f"labels: {path}: expected an array `y`; got {', '.join(arrays) or 'none'}"
        )
    return arrays.get("y", next(iter(arrays.values())))

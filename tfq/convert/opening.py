"""A source and its calibration data, opened and known to fit each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tfq.convert import calibration, shapes, sources
from tfq.convert.calibration import Samples
from tfq.convert.sources import InputSpec, Source


class Opened(NamedTuple):
    """What is converted, and on which data.

    Attributes:
        source: the model.
        inputs: its inputs, with the shapes to convert.
        samples: calibration data; None if there are none.
    """

    source: Source
    inputs: tuple[InputSpec, ...]
    samples: Samples | None


def open_all(
    source: Any,
    calibration_data: Any = None,
    *,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    batch_size: int | None = 1,
    input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
    signature: str | None = None,
    unsafe_load: bool = False,
    verbose: bool = False,
) -> Opened:
    """Opens a source, settles the shapes of its inputs and reads the data for them.

    Args:
        source: as in `tfq.convert`, and so the rest.
        calibration_data: as there.
        image_scale: as there.
        parse_function: as there.
        batch_size: as there.
        input_shapes: as there.
        signature: as there.
        unsafe_load: as there.
        verbose: as there.

    Raises:
        ArgumentError: an argument is unknown or contradicts the model.
        InvalidModelError: the source is missing, broken or of another kind.
        ConversionError: it cannot be converted at all, such as a quantized model.
        CalibrationDataError: the data do not fit it.
    """
    opened = sources.open_source(
        source, signature=signature, unsafe_load=unsafe_load, verbose=verbose
    )
    inputs = shapes.resolve(opened.inputs, batch_size, input_shapes or {})
    samples = None
    if calibration_data is not None:
        samples = calibration.read(
            calibration_data, inputs, image_scale=image_scale, parse_function=parse_function
        )
        inputs = shapes.fill(inputs, samples.shapes)
    return Opened(opened, inputs, samples)


def samples_for(opened: Opened, mode: str) -> Samples:
    """Return the samples for a mode that needs them.

    Raises:
        CalibrationDataError: there are none, or no range can be measured on them.
    """
    from tfq.errors import CalibrationDataError

    if opened.samples is None:
        wanted = "; ".join(map(str, opened.inputs))
        raise CalibrationDataError(f"{mode} needs calibration_data for {wanted}")
    calibration.check_ranges(opened.samples, opened.inputs)
    return opened.samples

"""One source, converted in many ways: what they have in common is done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tfq.convert import calibration, converted, makers, opening, request, sources
from tfq.convert.calibration import Samples
from tfq.convert.converted import ConvertedModel
from tfq.convert.memory import Memory
from tfq.convert.opening import Opened
from tfq.convert.sources import FlatbufferSource, GraphSource, InputSpec
from tfq.errors import ConversionError
from tfq.model import Model
from tfq.profiles import Profile


class Workbench:
    """Converts one source in as many ways as are asked for.

    Whatever the source, all is made from its float `.tflite`: what TFLiteConverter itself would
    quantize of a Keras model, LiteRT Quantizer does.

    Attributes:
        label: what the source is, for messages.
        float_model: its `.tflite` in float32.
        inputs: the float model's, with the shapes that are converted.
        samples: calibration data by the names of the float model's inputs; None if there are none.
    """

    label: str
    float_model: Model
    inputs: tuple[InputSpec, ...]
    samples: Samples | None

    def __init__(
        self,
        source: Any,
        calibration_data: Any = None,
        *,
        image_scale: str | None = None,
        parse_function: Callable[[Any], Any] | None = None,
        batch_size: int | None = 1,
        input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
        signature: str | None = None,
        unsafe_load: bool = False,
        allow_float_fallback: bool = False,
        allow_select_tf_ops: bool = False,
        allow_custom_ops: bool = False,
        verbose: bool = False,
    ) -> None:
        """Opens a source, reads the data and converts it to float32.

        Args:
            source: as in `tfq.convert`, and so the rest.
            calibration_data: as there; None if no mode needs them.
            image_scale: as there, for calibration and evaluation data.
            parse_function: as there, likewise.
            batch_size: as there.
            input_shapes: as there.
            signature: as there.
            unsafe_load: as there.
            allow_float_fallback: as there.
            allow_select_tf_ops: as there.
            allow_custom_ops: as there.
            verbose: as there.

        Raises:
            tfq.Error: as in `tfq.convert`.
        """
        self._reading: dict[str, Any] = {
            "image_scale": image_scale,
            "parse_function": parse_function,
        }
        self._options: dict[str, Any] = {
            "allow_float_fallback": allow_float_fallback,
            "allow_select_tf_ops": allow_select_tf_ops,
            "allow_custom_ops": allow_custom_ops,
            "verbose": verbose,
        }
        opened = opening.open_all(
            source,
            calibration_data,
            image_scale=image_scale,
            parse_function=parse_function,
            batch_size=batch_size,
            input_shapes=input_shapes,
            signature=signature,
            unsafe_load=unsafe_load,
            verbose=verbose,
        )
        self.label = opened.source.label
        self._users_inputs = opened.inputs
        self._memory = Memory()
        self._is_trained = isinstance(opened.source, GraphSource) and bool(opened.source.scheme)
        self._convert_to_float(opened)

    def _convert_to_float(self, opened: Opened) -> None:
        asked = request.complete(None, mode="float32", **self._options)
        with makers.maker(opened.source, opened.inputs, asked, None) as making:
            self.float_model, self._names = making.float_model, making.names
        if isinstance(opened.source, GraphSource) and not self._is_trained:
            flat = sources.open_source(self.float_model)
        else:
            flat = FlatbufferSource((), self.float_model, self.label)
        self.inputs = tuple(replace(each, name=self._names[each.name]) for each in opened.inputs)
        self.samples = None if opened.samples is None else self._renamed(opened.samples)
        self._opened = Opened(replace(flat, label=self.label), self.inputs, self.samples)

    def _renamed(self, samples: Samples) -> Samples:
        columns = {self._names[name]: column for name, column in samples.columns.items()}
        return Samples(columns, samples.labels)

    def convert(
        self,
        *,
        mode: str | None = None,
        granularity: str | None = None,
        accuracy: str | None = None,
        passes: str | Sequence[str] | None = None,
        weight_bits: int = 8,
        block_size: int | None = None,
        input_type: str | None = None,
        output_type: str | None = None,
        profile: Profile | None = None,
    ) -> ConvertedModel:
        """Converts the source in one way.

        Args:
            mode: as in `tfq.convert`, and so the rest.
            granularity: as there.
            accuracy: as there.
            passes: as there.
            weight_bits: as there.
            block_size: as there.
            input_type: as there.
            output_type: as there.
            profile: as there.

        Raises:
            tfq.Error: as in `tfq.convert`.
        """
        asked = request.complete(
            profile,
            mode=mode,
            granularity=granularity,
            input_type=input_type,
            output_type=output_type,
            accuracy=accuracy,
            passes=passes,
            weight_bits=weight_bits,
            block_size=block_size,
            **self._options,
        )
        if self._is_trained:
            raise ConversionError(
                f"{self.label}: was trained for one scheme (tfq.qat); convert it with tfq convert"
            )
        samples = None
        if asked.mode.needs_calibration:
            samples = self._memory.once(
                "samples", lambda: opening.samples_for(self._opened, asked.mode.name)
            )
        self._memory.begin((asked.mode, asked.granularity, asked.weight_bits))
        source, inputs, _ = self._opened
        return converted.make(source, inputs, asked, samples, profile, memory=self._memory)

    def read(self, data: Any, what: str = "evaluation data") -> Samples:
        """Reads other data for the same inputs.

        Args:
            data: as calibration data, by the names that the source's inputs have.
            what: what to call the data in messages.

        Returns:
            Samples by the names of the float model's inputs, and the labels.

        Raises:
            CalibrationDataError: they do not fit.
        """
        samples = calibration.read(data, self._users_inputs, what=what, **self._reading)
        return self._renamed(samples)

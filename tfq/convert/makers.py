"""What TFLiteConverter and LiteRT Quantizer make of a source, without passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial

from tfq.convert import quantizer
from tfq.convert.calibration import Samples
from tfq.convert.converter import FrozenGraph
from tfq.convert.memory import Memory
from tfq.convert.plan import NO_PLAN
from tfq.convert.request import Request
from tfq.convert.sources import FlatbufferSource, GraphSource, InputSpec, Source
from tfq.model import Model, load
from tfq.passes.float_weights import check_finite
from tfq.passes.integer_io import integer_io


@contextmanager
def maker(
    source: Source,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
    memory: Memory | None = None,
) -> Iterator[Maker]:
    """Opens what makes models of a source.

    Args:
        source: what to convert.
        inputs: its inputs, with the shapes to convert.
        request: how.
        samples: calibration data, where the mode needs them.
        memory: what was computed already of the same source and samples.

    Raises:
        ConversionError: the source cannot be traced, or does not run with these shapes.
    """
    if not isinstance(source, GraphSource):
        yield Maker(source, inputs, request, samples, memory)
        return
    graph = FrozenGraph(source, inputs, request)
    try:
        yield GraphMaker(source, inputs, request, samples, graph)
    finally:
        graph.close()


class Maker:
    """Makes models of a float `.tflite`, through LiteRT Quantizer.

    Attributes:
        inputs: the model's, with the shapes to convert.
        request: how.
        samples: calibration data; None if there are none.
        tool: what quantizes where no pass does.
        memory: what was computed already of this source and these samples.
    """

    def __init__(
        self,
        source: Source,
        inputs: Sequence[InputSpec],
        request: Request,
        samples: Samples | None,
        memory: Memory | None = None,
    ) -> None:
        """Holds what is asked."""
        self.source, self.inputs = source, inputs
        self.request, self.samples = request, samples
        self.tool = "litert-quantizer"
        self.memory = Memory() if memory is None else memory

    @property
    def names(self) -> dict[str, str]:
        """The float model's name of each input, by the name that the user knows."""
        names = [spec.name for spec in self.inputs]
        return dict(zip(names, self.float_model.input_names, strict=True))

    @cached_property
    def float_model(self) -> Model:
        """The model in float32."""
        return self.memory.once("float model", self._shaped)

    def _shaped(self) -> Model:
        assert isinstance(self.source, FlatbufferSource)
        model = quantizer.with_shapes(self.source.model, self.inputs, self.source.label)
        check_finite(model, self.source.label)
        return model

    def plain(self) -> Model:
        """Quantizes without passes.

        Raises:
            ConversionError: the tool refuses the model.
        """
        key = replace(self.request, plan=NO_PLAN)
        return self.memory.once(key, partial(self.quantized, self.float_model), recent=True)

    def quantized(self, model: Model) -> Model:
        """What LiteRT Quantizer makes of a float model with the inputs of this one.

        Raises:
            ConversionError: it refuses the model.
        """
        request, label = self.request, self.source.label
        made = load(
            quantizer.quantize(model, self.inputs, request, self.samples, label, self.memory)
        )
        if "uint8" in (request.input_type, request.output_type):  # which LiteRT Quantizer lacks
            made, _ = integer_io(made, [request.input_type], [request.output_type])
        return made


class GraphMaker(Maker):
    """Makes models of a TensorFlow source, through TFLiteConverter where it can.

    It cannot keep activations in float while weights are integers, makes no weights of other bits
    than 8, and its 16x8 quantizer refuses per-tensor weights ("Quantized dimension … do not match",
    TensorFlow 2.21).
    """

    def __init__(
        self,
        source: GraphSource,
        inputs: Sequence[InputSpec],
        request: Request,
        samples: Samples | None,
        graph: FrozenGraph,
    ) -> None:
        """Holds what is asked."""
        super().__init__(source, inputs, request, samples)
        self._graph = graph
        kind = (request.mode.name, request.granularity)
        lacks = kind[0] == "weight_only" or kind == ("int16x8", "per_tensor")
        if not lacks and request.weight_bits == 8 and request.block_size is None:
            self.tool = "TFLiteConverter"

    @property
    def names(self) -> dict[str, str]:
        """The float model's name of each input, by the name that the user knows."""
        return self._graph.names

    @cached_property
    def float_model(self) -> Model:
        """The model in float32."""
        model = load(self._graph.convert(self.request.as_float(), None))
        check_finite(model, self.source.label)
        return model

    def plain(self) -> Model:
        """Quantizes without passes.

        Raises:
            ConversionError: the tool refuses the model.
        """
        if self.tool == "TFLiteConverter":
            return load(self._graph.convert(self.request, self.samples))
        return super().plain()

"""The making of a model, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from tfq import format as file_format
from tfq.convert import check, converter, quantizer
from tfq.convert.calibration import Samples
from tfq.convert.request import Request
from tfq.convert.sources import GraphSource, InputSpec, Source
from tfq.lint import Report, lint
from tfq.model import Model, load
from tfq.profiles import Profile


class ConvertedModel(Model):
    """A model that `tfq.convert` made.

    Attributes:
        mode: how it is quantized.
        granularity: the weights' scales; None where the mode has none.
        report: what lint says of it for the profile it was made for; None without a profile.
    """

    mode: str
    granularity: str | None
    report: Report | None

    def __init__(self, content: bytes, request: Request, profile: Profile | None) -> None:
        """Reads what a converter wrote, and lints it for `profile`."""
        super().__init__(file_format.read(content))
        vars(self).update(mode=request.mode.name, granularity=request.granularity)
        vars(self).update(report=None if profile is None else lint(self, profile))


def make(
    source: Source,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
    profile: Profile | None,
) -> ConvertedModel:
    """Converts, reads the result back, checks it and lints it.

    Args:
        source: what to convert.
        inputs: its inputs, with the shapes to convert.
        request: how.
        samples: calibration data, where the mode needs them.
        profile: the device to lint for.

    Raises:
        ConversionError: the converter refuses, or what came out is not what was asked.
    """
    model = ConvertedModel(_content(source, inputs, request, samples), request, profile)
    check.check(model, request)
    return model


def _content(
    source: Source, inputs: Sequence[InputSpec], request: Request, samples: Samples | None
) -> bytes:
    """Runs TFLiteConverter, LiteRT Quantizer, or one after the other."""
    if isinstance(source, GraphSource):
        if not _needs_quantizer(request):
            return converter.convert_graph(source, inputs, request, samples)
        content = converter.convert_graph(source, inputs, request.as_float(), None)
        return quantizer.quantize(load(content), inputs, request, samples, source.label)
    model = quantizer.with_shapes(source.model, inputs, source.label)
    return quantizer.quantize(model, inputs, request, samples, source.label)


def _needs_quantizer(request: Request) -> bool:
    """What TFLiteConverter has no switch for, or fails at.

    It cannot keep activations in float while weights are integers, and its 16x8 quantizer refuses
    per-tensor weights ("Quantized dimension … do not match", TensorFlow 2.21).
    """
    name = request.mode.name
    return name == "weight_only" or (name == "int16x8" and request.granularity == "per_tensor")

"""The making of a model, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfq.convert import check
from tfq.convert.calibration import Samples
from tfq.convert.hybrids import computable
from tfq.convert.makers import Maker, maker
from tfq.convert.record import Applied, recorded
from tfq.convert.request import Request
from tfq.convert.sources import InputSpec, Source
from tfq.lint import Report, lint
from tfq.model import Model
from tfq.profiles import Profile

if TYPE_CHECKING:
    from tfq.convert.choice import Choice
    from tfq.convert.memory import Memory
    from tfq.passes.ranges import Ranges


class ConvertedModel(Model):
    """A model that `tfq.convert` made.

    Attributes:
        mode: how it is quantized.
        granularity: the weights' scales, "per_tensor", "per_channel" or "blockwise"; None where the
            mode has none.
        applied: what was done for its accuracy.
        ranges: what calibration saw of the activations; None where none were taken.
        report: what lint says of it for the profile it was made for; None without a profile.
    """

    mode: str
    granularity: str | None
    applied: Applied
    ranges: Ranges | None
    report: Report | None

    def __init__(self, choice: Choice, request: Request, profile: Profile | None) -> None:
        """Views what was made, with a record of how in its metadata, and lints it."""
        made = recorded(choice.model, choice.applied, request, profile)
        super().__init__(made.table)
        granularity = "blockwise" if _has_blocks(self) else request.granularity
        vars(self).update(mode=request.mode.name, granularity=granularity)
        vars(self).update(applied=choice.applied, ranges=choice.ranges)
        vars(self).update(report=None if profile is None else lint(self, profile))


def _has_blocks(model: Model) -> bool:
    found = [tensor.quantization for each in model.subgraphs for tensor in each.tensors]
    return any(each is not None and each.granularity == "blockwise" for each in found)


def make(
    source: Source,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
    profile: Profile | None,
    saved: Ranges | None = None,
    *,
    for_all_modes: bool = False,
    memory: Memory | None = None,
) -> ConvertedModel:
    """Converts, reads the result back, checks it and lints it.

    Args:
        source: what to convert.
        inputs: its inputs, with the shapes to convert.
        request: how.
        samples: calibration data, where the mode needs them.
        profile: the device to lint for.
        saved: ranges of an earlier calibration, instead of running the samples.
        for_all_modes: whether the ranges shall do for other modes, too.
        memory: what was computed already of the same source and samples.

    Raises:
        ConversionError: the converter refuses, or what came out is not what was asked.
    """
    with maker(source, inputs, request, samples, memory) as making:
        choice = _choice(making, request, saved, for_all_modes)
    choice = choice._replace(model=computable(choice.model))
    check.check(choice.model, request)
    return ConvertedModel(choice, request, profile)


def _choice(making: Maker, request: Request, saved: Ranges | None, for_all_modes: bool) -> Choice:
    from tfq.convert import trained
    from tfq.convert.choice import Choice, check_runs, choose
    from tfq.passes.equalize import equalize

    if request.plan.level == trained.LEVEL:
        return trained.choice(making)
    if request.plan.level == "none":
        model = making.plain()
        if request.mode.integer:
            check_runs(model, (), making.tool)
        return Choice(model, Applied("none", converter=making.tool))
    if request.mode.integer:
        return choose(making, saved, for_all_modes=for_all_modes)
    model, change = equalize(making.float_model)
    applied = Applied("passes", request.plan.float_passes, changes=(change,))
    return Choice(making.quantized(model), applied)

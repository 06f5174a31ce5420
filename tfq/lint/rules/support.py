"""Q7xx: operators that the device does not take.

What is wrong with an operator's types is Q1xx and Q301. Here is what remains: operators that the
device does not have, and constraints that they break.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.lint import placement
from tfq.lint.finding import Hit, place, shortened
from tfq.lint.placement import wrong_type
from tfq.lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator
    from tfq.profiles import Profile

FLEX = "Flex"
# These are part of LiteRT, though custom.
KNOWN_CUSTOM = frozenset({"TFLite_Detection_PostProcess"})


@rule("Q701", "op-rejected", severity="error")
def op_rejected(model: Model, profile: Profile) -> Iterator[Hit]:
    """Device refuses a model with this op.

    ## What it does
    Reports every operator that the device's profile does not list, or whose constraints it breaks,
    where the device or its compiler then refuses the whole model. Says the value that was found and
    the limit.

    ## Why is this bad?
    The model does not run on the device at all.

    ## Example
    An operator without a kernel on a microcontroller.

    ## Use instead
    Another operator, or other options, before conversion; `tfq profiles NAME` lists what it takes.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if profile.misfit.target == "rejected":
        for operator, reason in _misfits(model, profile):
            yield Hit(f"{place(operator)}: {reason}; it refuses the model", operator)


@rule("Q702", "op-on-cpu", severity="warning")
def op_on_cpu(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op stays on the CPU.

    ## What it does
    Reports every operator that the device's profile does not list, or whose constraints it breaks,
    where the CPU then runs it. Says the value that was found and the limit. Custom operators that
    it does not list are Q711 and Q712.

    ## Why is this bad?
    It is slow, not wrong: the CPU computes it, with a transfer there and back.

    ## Example
    A kernel larger than the accelerator's, or an operator that it does not have.

    ## Use instead
    Another operator, or other options, before conversion; `tfq profiles NAME` lists what it takes.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if profile.misfit.target != "rejected":
        for operator, reason in _misfits(model, profile):
            if not _is_foreign(operator, profile):
                yield Hit(f"{place(operator)}: {reason}; it runs on the CPU", operator)


@rule("Q703", "after-end", severity="warning")
def after_end(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op stays on the CPU because of an op before it.

    ## What it does
    Reports every operator that the device would take, but that needs what an operator on the CPU
    computes, where the device runs one piece from the start of the model only. Names the first
    operator that ended it.

    ## Why is this bad?
    One operator in the wrong place costs the acceleration of all that follow.

    ## Example
    An operator without support in the middle of a model for the Edge TPU.

    ## Use instead
    Another operator in the place of the one that is named, or the same one at the model's end.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if not profile.misfit.ends_accelerator:
        return
    for each in placement.place(model, profile).operators:
        culprit = each.ended_by
        if culprit is not None:
            what = f"needs what op {culprit.index} {shortened(culprit.name)} computes on the CPU"
            yield Hit(
                f"{place(each.operator)}: {what}, where the accelerated part ends", each.operator
            )


@rule("Q711", "custom-op", severity="warning")
def custom_op(model: Model, profile: Profile) -> Iterator[Hit]:
    """Custom op: runs only where the application brings its kernel.

    ## What it does
    Reports every custom operator that the device's profile does not list and that LiteRT does not
    have; operators of TensorFlow are Q712. Where the device refuses such a model, it is Q701.

    ## Why is this bad?
    LiteRT and a device's compiler know nothing of it: the model does not load, or the operator
    stays on the CPU, unless the application registers a kernel.

    ## Example
    A converter with `allow_custom_ops = True`.

    ## Use instead
    Built-in operators, or the part of the model after it in the application's own code.

    ## Fix safety
    No fix of the file alone.

    ## References
    - https://ai.google.dev/edge/litert/conversion/tensorflow/ops_custom
    """
    if profile.misfit.target == "rejected":
        return
    for operator in _foreign(model, profile):
        if not operator.name.startswith(FLEX):
            what = "custom op; the application must bring its kernel"
            yield Hit(f"{place(operator)}: {what}", operator)


@rule("Q712", "flex-op", severity="warning")
def flex_op(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op is one of TensorFlow's own and needs the Flex delegate.

    ## What it does
    Reports every operator that the converter took over from TensorFlow as it is, unless the
    device's profile lists it. Where the device refuses such a model, it is Q701.

    ## Why is this bad?
    It needs TensorFlow's kernels beside LiteRT, tens of megabytes that few devices have, and runs
    on the CPU.

    ## Example
    `target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]`.

    ## Use instead
    Operations that LiteRT has itself.

    ## Fix safety
    No fix of the file alone.

    ## References
    - https://ai.google.dev/edge/litert/conversion/tensorflow/ops_select
    """
    if profile.misfit.target == "rejected":
        return
    for operator in _foreign(model, profile):
        if operator.name.startswith(FLEX):
            what = "an op of TensorFlow; it needs the Flex delegate"
            yield Hit(f"{place(operator)}: {what}", operator)


def _misfits(model: Model, profile: Profile) -> Iterator[tuple[Operator, str]]:
    """Return operators that the device does not take, but for their types."""
    for placed in placement.place(model, profile).operators:
        if placed.reason and not wrong_type(placed.operator, profile):
            yield placed.operator, placed.reason


def _foreign(model: Model, profile: Profile) -> Iterator[Operator]:
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if _is_foreign(operator, profile):
                yield operator


def _is_foreign(operator: Operator, profile: Profile) -> bool:
    known = operator.name in KNOWN_CUSTOM or operator.name in profile.operators
    return operator.is_custom and not known

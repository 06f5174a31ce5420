"""Changes a quantized model so that it meets a device's profile, as far as the file allows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import profiles
from tfq.lint import Report, lint
from tfq.lint.selection import NOTHING
from tfq.model import Model, load

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator, Mapping

    from tfq.lint.baseline import Baseline
    from tfq.passes import Changes
    from tfq.profiles import Profile

    Repair = Callable[[Report], tuple[Model, Changes]]

_BIASES = frozenset({"Q502", "Q503", "Q504"})
_INTEGERS = ("int8", "uint8", "int16")


class RetargetedModel(Model):
    """A model that `tfq.retarget` made.

    Attributes:
        changes: What each pass did, in the order in which they ran; empty if none was needed.
        before: What lint said of the model that was given.
        report: What lint says now.
    """

    changes: tuple[Changes, ...]
    before: Report
    report: Report

    def __init__(self, changes: tuple[Changes, ...], before: Report, report: Report) -> None:
        """View the file of the model that `report` is about."""
        super().__init__(report.model.table)
        vars(self).update(changes=changes, before=before, report=report)

    @property
    def modified(self) -> bool:
        """Whether any pass changed anything."""
        return any(changes.modified for changes in self.changes)

    @property
    def unrepaired(self) -> dict[str, str]:
        """By rule id, for each rule that still finds errors: why that is so."""
        ran = {changes.name for changes in self.changes}
        return {
            finding.rule: _reason(finding.rule, ran)
            for finding in self.report.findings
            if finding.severity == "error"
        }


class Step(NamedTuple):
    """One repair.

    Attributes:
        name: The pass.
        rules: The rules whose errors it repairs; if there are none, it runs in any case.
        repair: Runs the pass on the model of a report, as the profile wants it.
    """

    name: str
    rules: frozenset[str]
    repair: Repair


def retarget(
    model: Model | str | os.PathLike[str] | bytes,
    profile: Profile | str | os.PathLike[str],
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    severity: Mapping[str, str] = NOTHING,
    baseline: Baseline | str | os.PathLike[str] | None = None,
    input_type: str | None = None,
    output_type: str | None = None,
) -> RetargetedModel:
    """Repair what a device's profile calls an error, where a change of the file can.

    The passes of `tfq.passes` run as the errors need them; nothing else is changed, and the model
    that was converted is not needed. What changes the ranges of activations costs accuracy: compare
    before deploying.

    Args:
        model: A model, or what `tfq.load` takes.
        profile: A profile, or what `tfq.profiles.load` takes: a name or the path of a file.
        select: The rules whose errors are repaired, as `tfq.lint` takes them; empty for all.
        ignore: The rules whose errors are not, likewise.
        severity: By rule, `"error"`, `"warning"` or `"hint"`, likewise.
        baseline: Findings that are accepted, and so not repaired, likewise.
        input_type: What the inputs shall be, `"int8"`, `"uint8"`, `"int16"` or `"float32"`; None
            for what the errors need.
        output_type: What the outputs shall be, likewise.

    Returns:
        The new model. `.changes` says what was done and what it cost, `.report` what lint says
        now, `.unrepaired` why errors are left.

    Raises:
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
        tfq.errors.ArgumentError: If there is no such rule, severity or type, or the baseline is
            broken.

    Example:
        >>> model = tfq.retarget("mobilenet_int8.tflite", "artpec8")
        >>> model.report.raise_for_findings()
        >>> model.save("mobilenet_artpec8.tflite")
    """
    if not isinstance(profile, profiles.Profile):
        profile = profiles.load(profile)
    if not isinstance(model, Model):
        model = load(model)
    check = partial(lint, select=select, ignore=ignore, severity=severity, baseline=baseline)
    before = report = check(model, profile)
    done: list[Changes] = []
    for step in (*STEPS, *_interface_steps(input_type, output_type)):
        if step.rules and step.rules.isdisjoint(_errors(report)):
            continue
        model, changes = step.repair(report)
        done += [changes] if changes.changed or changes.kept else []
        if changes.modified:
            report = check(model, profile)
    if any(changes.modified for changes in done):
        from tfq.passes.record import retargeted

        noted = retargeted(model, profile.name, [each.name for each in done if each.modified])
        report = report if noted is model else check(noted, profile)
    return RetargetedModel(tuple(done), before, report)


def _errors(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings if finding.severity == "error"}


def _reason(rule: str, ran: set[str]) -> str:
    steps = (*STEPS, *_interface_steps(None, None))
    tried = [step.name for step in steps if rule in step.rules and step.name in ran]
    if tried:
        return f"{' and '.join(tried)} could not repair all of it"
    return "no change of the file alone can repair it"


def _bias_scales(report: Report) -> tuple[Model, Changes]:
    """Requantize only the biases that are errors: that changes what the others compute."""
    biases = {
        finding.tensor
        for finding in report.findings
        if finding.severity == "error" and finding.rule in _BIASES and finding.tensor is not None
    }
    return _run("bias_scales", report.model, biases)


def _byte_types(report: Report) -> tuple[Model, Changes]:
    """Turn one 8-bit type into the other if the device takes only that."""
    model, profile = report.model, report.profile
    wanted = profile.quantization.activations
    takes = [dtype for dtype in ("int8", "uint8") if dtype in wanted]
    if len(takes) != 1:
        from tfq.passes import Changes

        return model, Changes("byte_types")
    granularity = profile.quantization.granularity
    per_channel = "per_channel" in (
        (granularity.required,) if granularity.required else granularity.allowed
    )
    model, changes = _run(
        "byte_types", model, takes[0], "per_channel" if per_channel else "per_tensor"
    )
    if not changes.modified:
        return model, changes
    # What converted between the two types changes nothing any more.
    model, removed = _run("cancelling_pairs", model)
    return model, changes._replace(changed=changes.changed + removed.changed)


def _power_of_two(report: Report) -> tuple[Model, Changes]:
    return _run("power_of_two", report.model, report.profile.quantization.power_of_two)


def _interface_steps(input_type: str | None, output_type: str | None) -> Iterator[Step]:
    """Give inputs and outputs the types that were asked for, the others what the errors need."""

    def asked(report: Report) -> tuple[Model, Changes]:
        if input_type == output_type == "float32":
            return _run("float_io", report.model)
        inputs, outputs = ([each] if each else [] for each in (input_type, output_type))
        return _run("integer_io", report.model, inputs, outputs)

    def needed(report: Report) -> tuple[Model, Changes]:
        profile = report.profile
        wanted = profile.quantization
        inputs = _preferred(wanted.inputs, profile.convert.input_type)
        outputs = _preferred(wanted.outputs, profile.convert.output_type)
        return _run(
            "integer_io", report.model, [] if input_type else inputs, [] if output_type else outputs
        )

    if input_type or output_type:
        yield Step("integer_io", frozenset(), asked)
    if not (input_type and output_type):
        yield Step("integer_io", frozenset({"Q102", "Q103", "Q107"}), needed)


def _preferred(dtypes: tuple[str, ...], first: str | None) -> list[str]:
    known = [dtype for dtype in dtypes if dtype in (*_INTEGERS, "float32")]
    return sorted(known, key=lambda dtype: dtype != first)


def _alone(name: str) -> Repair:
    """Make a repair of the pass of that name, which asks nothing of the profile."""

    def repair(report: Report) -> tuple[Model, Changes]:
        return _run(name, report.model)

    return repair


def _run(name: str, *arguments: Any) -> tuple[Model, Changes]:
    """Run a pass: `import tfq` does without them."""
    from tfq import passes

    made: tuple[Model, Changes] = getattr(passes, name)(*arguments)
    return made


# In this order: kernels of uint8 need one scale a tensor, and symmetric ranges come before their
# scales are rounded. Inputs and outputs follow.
STEPS = (
    # A pair inside the model is a float operator to a device of integers.
    Step("cancelling_pairs", frozenset({"Q101", "Q521"}), _alone("cancelling_pairs")),
    # Passes that requantize weights take a bias for what its kernel does.
    Step("bias_scales", _BIASES, _bias_scales),
    Step("per_tensor", frozenset({"Q201", "Q203"}), _alone("per_tensor")),
    Step("weight_only", frozenset({"Q204"}), _alone("weight_only")),
    Step("byte_types", frozenset({"Q106"}), _byte_types),
    Step("symmetric_weights", frozenset({"Q211"}), _alone("symmetric_weights")),
    Step("symmetric_activations", frozenset({"Q213"}), _alone("symmetric_activations")),
    Step("power_of_two", frozenset({"Q214"}), _power_of_two),
)

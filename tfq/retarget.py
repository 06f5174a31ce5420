"""Changes a quantized model so that it meets a device's profile, as far as the file allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfq import passes, profiles
from tfq.lint import Report, lint
from tfq.model import Model, load

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from tfq.format import Table
    from tfq.passes import Changes
    from tfq.profiles import Profile

    Repair = Callable[[Model, Profile], tuple[Model, Changes]]

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

    def __init__(self, table: Table, changes: tuple[Changes, ...], before: Report) -> None:
        """View the file whose root table this is, and lint it."""
        super().__init__(table)
        vars(self).update(changes=changes, before=before)
        vars(self).update(report=lint(self, before.profile))

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
        rules: The rules whose errors it repairs.
        repair: Runs the pass as the profile wants it.
    """

    name: str
    rules: frozenset[str]
    repair: Repair


def retarget(
    model: Model | str | os.PathLike[str] | bytes, profile: Profile | str | os.PathLike[str]
) -> RetargetedModel:
    """Repair what a device's profile calls an error, where a change of the file can.

    The passes of `tfq.passes` run as the errors need them; nothing else is changed, and the model
    that was converted is not needed. What changes the ranges of activations costs accuracy: compare
    before deploying.

    Args:
        model: A model, or what `tfq.load` takes.
        profile: A profile, or what `tfq.profiles.load` takes: a name or the path of a file.

    Returns:
        The new model. `.changes` says what was done and what it cost, `.report` what lint says
        now, `.unrepaired` why errors are left.

    Raises:
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.

    Example:
        >>> model = tfq.retarget("mobilenet_int8.tflite", "artpec8")
        >>> model.report.raise_for_findings()
        >>> model.save("mobilenet_artpec8.tflite")
    """
    if not isinstance(profile, profiles.Profile):
        profile = profiles.load(profile)
    if not isinstance(model, Model):
        model = load(model)
    before = report = lint(model, profile)
    done: list[Changes] = []
    for step in STEPS:
        if step.rules.isdisjoint(_errors(report)):
            continue
        model, changes = step.repair(model, profile)
        done += [changes] if changes.changed or changes.kept else []
        if changes.name == "byte_types" and changes.modified:
            # What converted between the two types changes nothing any more.
            model, changes = passes.cancelling_pairs(model)
            done += [changes] if changes.modified else []
        report = lint(model, profile)
    return RetargetedModel(model.table, tuple(done), before)


def _errors(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings if finding.severity == "error"}


def _reason(rule: str, ran: set[str]) -> str:
    tried = [step.name for step in STEPS if rule in step.rules and step.name in ran]
    if tried:
        return f"{' and '.join(tried)} could not repair all of it"
    return "no change of the file alone can repair it"


def _byte_types(model: Model, profile: Profile) -> tuple[Model, Changes]:
    """Turn one 8-bit type into the other if the device takes only that."""
    wanted = profile.quantization.activations
    takes = [dtype for dtype in ("int8", "uint8") if dtype in wanted]
    if len(takes) != 1:
        return model, passes.Changes("byte_types")
    granularity = profile.quantization.granularity
    per_channel = "per_channel" in (
        (granularity.required,) if granularity.required else granularity.allowed
    )
    return passes.byte_types(model, takes[0], "per_channel" if per_channel else "per_tensor")


def _power_of_two(model: Model, profile: Profile) -> tuple[Model, Changes]:
    return passes.power_of_two(model, profile.quantization.power_of_two)


def _interface(model: Model, profile: Profile) -> tuple[Model, Changes]:
    wanted = profile.quantization
    inputs = _preferred(wanted.inputs, profile.convert.input_type)
    outputs = _preferred(wanted.outputs, profile.convert.output_type)
    return passes.integer_io(model, inputs, outputs)


def _preferred(dtypes: tuple[str, ...], first: str | None) -> list[str]:
    known = [dtype for dtype in dtypes if dtype in (*_INTEGERS, "float32")]
    return sorted(known, key=lambda dtype: dtype != first)


def _alone(repair: Callable[[Model], tuple[Model, Changes]]) -> Repair:
    """Make a repair of a pass that asks nothing of the profile."""
    return lambda model, profile: repair(model)


# In this order: kernels of uint8 need one scale a tensor, and symmetric ranges come before their
# scales are rounded.
STEPS = (
    # A pair inside the model is a float operator to a device of integers.
    Step("cancelling_pairs", frozenset({"Q101", "Q521"}), _alone(passes.cancelling_pairs)),
    Step("per_tensor", frozenset({"Q201"}), _alone(passes.per_tensor)),
    Step("byte_types", frozenset({"Q106"}), _byte_types),
    Step("symmetric_weights", frozenset({"Q211"}), _alone(passes.symmetric_weights)),
    Step("symmetric_activations", frozenset({"Q213"}), _alone(passes.symmetric_activations)),
    Step("power_of_two", frozenset({"Q214"}), _power_of_two),
    Step("integer_io", frozenset({"Q102", "Q103", "Q107"}), _interface),
)

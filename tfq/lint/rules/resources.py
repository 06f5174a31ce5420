"""Q9xx: memory and speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place
from tfq.lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model
    from tfq.profiles import Profile


@rule("Q901", "weights-memory", severity="warning")
def weights_memory(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights are larger than the device's memory for them.

    ## What it does
    Adds up the constants of the file and compares them with the memory that the device's profile
    states; one finding for the model.

    ## Why is this bad?
    What does not fit is fetched anew in every run, or the model does not run.

    ## Example
    A model of 20 MB on an accelerator that keeps 8 MB.

    ## Use instead
    A smaller model, or fewer channels.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    most = profile.memory.weights
    if most is None:
        return
    found = ops.weight_bytes(model)
    if found > most:
        why = f": {profile.memory.why}" if profile.memory.why else ""
        yield Hit(f"weights take {found:,} bytes; {profile.name} has room for {most:,}{why}")


@rule("Q902", "activations-memory", severity="warning")
def activations_memory(model: Model, profile: Profile) -> Iterator[Hit]:
    """Activations are larger than the device's memory for them.

    ## What it does
    Finds where the activations that live at the same time take the most memory, and compares that
    with what the device's profile states; one finding for the model. A runtime needs more: see
    `tfq.ops.peak_activations`.

    ## Why is this bad?
    What does not fit is moved out and in while the model runs, or the model does not run.

    ## Example
    Large images with many channels in the first layers.

    ## Use instead
    Smaller inputs, or an earlier stride.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    most = profile.memory.activations
    if most is None:
        return
    peak = ops.peak_activations(model)
    if peak.bytes > most:
        where = f"{place(peak.operator)}: " if peak.operator is not None else ""
        why = f": {profile.memory.why}" if profile.memory.why else ""
        room = f"{profile.name} has room for {most:,}{why}"
        yield Hit(f"{where}activations take {peak.bytes:,} bytes; {room}", peak.operator)


@rule("Q911", "advice", severity="hint")
def advice(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op runs, but slower or less accurately than it could.

    ## What it does
    Reports every operator that breaks a piece of advice in the device's profile: numbers of
    channels that leave the hardware idle, kernels and strides that it is not made for. One finding
    an operator and piece of advice.

    ## Why is this bad?
    The accelerator works in blocks of a fixed size and shape: what does not fill them takes the
    same time.

    ## Example
    A layer of 10 channels on hardware that computes 16 at a time.

    ## Use instead
    What the finding expects, before training.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if not profile.advice:
        return
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            for constraint in profile.advice:
                broken = constraint.broken_by(operator)
                if broken:
                    yield Hit(f"{place(operator)}: {broken}", operator)

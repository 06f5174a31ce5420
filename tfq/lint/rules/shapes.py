"""Q8xx: shapes, and what a caller can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile

OPEN = -1


@rule("Q801", "dynamic-shape", severity="error")
def dynamic_shape(model: Model, profile: Profile) -> Iterator[Hit]:
    """Shape is not known before the model runs.

    ## What it does
    Reports, where the device wants all shapes before the model runs: inputs with an open dimension
    other than the first, and operators whose output has one though their inputs have none. The
    first dimension is Q802.

    ## Why is this bad?
    The device's compiler plans memory and transfers for fixed sizes. It refuses such a model, or
    leaves all that depends on the open dimension to the CPU.

    ## Example
    A Keras model with `Input((None, None, 3))`.

    ## Use instead
    `tfq convert --input_shape=…`, or a model whose input has one size.

    ## Fix safety
    Safe for callers that send one size only.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if not profile.shapes.static:
        return
    for tensor, operator in _opened(model):
        if OPEN in tensor.shape_signature[1:] or min(tensor.shape, default=0) < 0:
            wants = f"{profile.name} wants all dimensions known"
            yield _hit(tensor, operator, f"has the shape {_shown(tensor)}; {wants}")


@rule("Q802", "open-batch", severity="hint")
def open_batch(model: Model, profile: Profile) -> Iterator[Hit]:
    """First dimension is open: the batch size is not fixed.

    ## What it does
    Reports inputs whose first dimension alone is open, where the device wants all shapes before the
    model runs.

    ## Why is this bad?
    Most tools take it as 1, as the file states it beside; some refuse the model.

    ## Example
    A Keras model without `batch_size`, converted as it is.

    ## Use instead
    `tfq convert`, which fixes the batch size.

    ## Fix safety
    Safe for callers that send one sample at a time.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if not profile.shapes.static:
        return
    for tensor, operator in _opened(model):
        signature = tensor.shape_signature
        if operator is None and signature[:1] == (OPEN,) and OPEN not in signature[1:]:
            yield _hit(tensor, operator, f"has the shape {_shown(tensor)}; the batch size is open")


@rule("Q803", "rank", severity="warning")
def rank(model: Model, profile: Profile) -> Iterator[Hit]:
    """Tensor has more dimensions than the device takes.

    ## What it does
    Reports every operator with an activation of more dimensions than the device's profile states;
    one finding an operator.

    ## Why is this bad?
    The operator stays on the CPU, or the device's compiler refuses the model.

    ## Example
    A five-dimensional RESHAPE and TRANSPOSE, as a channel shuffle or a transformer has them.

    ## Use instead
    The same in fewer dimensions: merge those that stay side by side.

    ## Fix safety
    No fix of the file alone.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    most = profile.shapes.rank
    if most is None:
        return
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            tensors = [*operator.inputs, *operator.outputs]
            deep = [each for each in tensors if each is not None and len(each.shape) > most]
            found = next((each for each in deep if not each.is_constant), None)
            if found is not None:
                what = f"has {len(found.shape)} dimensions; {profile.name} takes {most} or fewer"
                yield Hit(f"{place(operator)}: tensor {quoted(found)} {what}", operator, found)


@rule("Q804", "batch", severity="warning")
def batch(model: Model, profile: Profile) -> Iterator[Hit]:
    """Batch size is not what the device takes.

    ## What it does
    Reports every input of the model, and of its signatures, of two or more dimensions whose first
    is another than the batch size in the device's profile. Open ones are Q801 and Q802.

    ## Why is this bad?
    The device's kernels work on one sample at a time: the model is refused, or stays on the CPU.

    ## Example
    A model that was converted with a batch size of 8 for throughput on a server.

    ## Use instead
    `tfq convert` from the model with a batch size of 1.

    ## Fix safety
    No fix of the file alone: constants may depend on the batch size.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    wanted = profile.shapes.batch
    if wanted is None:
        return
    for subgraph in ops.entries(model):
        for tensor in subgraph.inputs:
            shape = tensor.shape
            is_open = tensor.shape_signature[:1] == (OPEN,)
            if len(shape) > 1 and not is_open and shape[0] != wanted:
                wants = f"{profile.name} takes a batch size of {wanted}"
                yield _hit(tensor, None, f"has the shape {_shown(tensor)}; {wants}")


@rule("Q811", "several-signatures", severity="hint")
def several_signatures(model: Model, profile: Profile) -> Iterator[Hit]:
    """Model has several entry points.

    ## What it does
    Says how many subgraphs a caller can run, where there are more than one and the device has an
    accelerator; one finding for the model.

    ## Why is this bad?
    Compilers for accelerators take the first subgraph; the others are lost or run on the CPU.

    ## Example
    A SavedModel with signatures for encoding and for decoding, in one file.

    ## Use instead
    One file for each signature.

    ## Fix safety
    Safe for callers that name the file instead of the signature.

    ## References
    - https://ai.google.dev/edge/litert/conversion/tensorflow/signatures
    """
    entries = ops.entries(model)
    if profile.engine == "accelerator" and len(entries) > 1:
        names = ", ".join(str(each.index) for each in entries[:10])
        more = ", …" if len(entries) > 10 else ""
        yield Hit(f"{len(entries)} entry points: subgraphs {names}{more}; compilers take the first")


def _opened(model: Model) -> Iterator[tuple[Tensor, Operator | None]]:
    """Return tensors with open dimensions that no tensor before them explains."""
    for subgraph in model.subgraphs:
        entries = [] if subgraph not in ops.entries(model) else subgraph.inputs
        for tensor in entries:
            if OPEN in tensor.shape_signature:
                yield tensor, None
        for operator in subgraph.operators:
            made = [each for each in operator.outputs if OPEN in each.shape_signature]
            if made and not any(
                each is not None and OPEN in each.shape_signature for each in operator.inputs
            ):
                yield made[0], operator


def _shown(tensor: Tensor) -> str:
    return f"[{', '.join(str(each) for each in tensor.shape_signature)}]"


def _hit(tensor: Tensor, operator: Operator | None, what: str) -> Hit:
    if operator is not None:
        return Hit(f"{place(operator)}: output {quoted(tensor)} {what}", operator, tensor)
    subgraph = tensor.subgraph.index
    where = f"subgraph {subgraph} " if subgraph else ""
    return Hit(f"{where}input {quoted(tensor)} {what}", None, tensor)

"""Which tensors of an operator the facts are about."""

from __future__ import annotations

from tfq.ops.constants import stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Operator, Tensor

# Where the data stand that are not the first input.
_DATA = {"TRANSPOSE_CONV": 2, "CONV_3D_TRANSPOSE": 2, "SPLIT": 1}


def data(op: Operator) -> Tensor | None:
    """Return the input that the operator works on; for several alike the first."""
    place = _DATA.get(op.name, 0)
    return op.inputs[place] if place < len(op.inputs) else None


def result(op: Operator) -> Tensor | None:
    """Return the first output."""
    return op.outputs[0] if op.outputs else None


def activations(op: Operator) -> tuple[Tensor, ...]:
    """Return all inputs and outputs that are no constants, and no variables that keep a state."""
    tensors = (*op.inputs, *op.outputs)
    present = [each for each in tensors if each is not None]
    return tuple([each for each in present if not is_constant(each) and not each.is_variable])


def is_constant(tensor: Tensor) -> bool:
    """Say whether a tensor is a constant, or unpacked from one by DEQUANTIZE or DENSIFY."""
    return tensor.is_constant or stored(tensor) is not tensor


def size(tensor: Tensor | None, axis: int, rank: int = 4) -> int | None:
    """Return one dimension of a tensor of that rank, and None of any other tensor."""
    if tensor is None or len(tensor.shape) != rank:
        return None
    return tensor.shape[axis]


def constant(op: Operator, place: int) -> tuple[int, ...] | None:
    """Return the values of a small constant input, such as axes or paddings."""
    if place >= len(op.inputs):
        return None
    tensor = op.inputs[place]
    if tensor is None or not tensor.is_constant or tensor.dtype not in ("int32", "int64"):
        return None
    return tensor.values

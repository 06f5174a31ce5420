"""Constants that a float model unpacks when it runs, unpacked in the file."""

from __future__ import annotations

from tfq import ops
from tfq.errors import ConversionError
from tfq.passes.changes import Change, Changes, Kept, operator_place, tensor_place
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model, Operator, Tensor


# Types with NaN and infinity that can be read without further packages.
_FLOATS = frozenset({"bfloat16", "float16", "float32", "float64"})


def float_weights(model: Model) -> tuple[Model, Changes]:
    """Restore the float32 constants of a model that stores them in a smaller form.

    1. float16 constants behind DEQUANTIZE become float32.
    2. Sparse constants behind DENSIFY are laid out with all their zeros, also where both follow.
    3. Integer constants behind DEQUANTIZE (weight-only models) become the numbers they stand for.

    Left alone:

    4. Weights that kernels take as integers beside float activations (hybrid operators).
    5. Constants in another file, and those of types that cannot be read.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    rewrite = Rewrite(model)
    changed, kept = [], []
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if not ops.unpacks_constant(operator):
                continue
            reason = _obstacle(operator)
            if reason is not None:
                kept.append(Kept(operator_place(operator), reason))
                continue
            changed.append(_unpack(rewrite, operator))
    if not changed:
        return model, Changes("float_weights", (), tuple(kept))
    return rewrite.finish(), Changes("float_weights", tuple(changed), tuple(kept))


def check_finite(model: Model, label: str = "") -> None:
    """See that all weights and biases are numbers, however the model stores them.

    Other constants may be infinite, as masks are and what PADV2 fills in.

    Args:
        model: Any model.
        label: What to call it in messages; by default by its name.

    Raises:
        ConversionError: If a weight or bias is NaN or infinite, or its data stand in another file.
    """
    import numpy as np

    name = label or model.name
    seen: set[Tensor] = set()
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            for each in (*ops.all_weights(operator), *ops.all_biases(operator)):
                tensor = ops.stored(each)
                if tensor in seen or not tensor.is_constant:
                    continue
                seen.add(tensor)
                if tensor.is_external:
                    raise ConversionError(
                        f"{name}: expected weights in the model's own file, got those of"
                        f" {tensor.name!r} in another"
                    )
                if tensor.dtype not in _FLOATS:
                    continue
                values = tensor.numpy()
                if not np.isfinite(values).all():
                    found = "NaN" if np.isnan(values).any() else "infinity"
                    raise ConversionError(
                        f"{name}: expected finite weights, got {found} in {tensor.name!r}"
                    )


def _obstacle(operator: Operator) -> str | None:
    if len(operator.outputs) != 1 or operator.outputs[0].dtype not in ("float16", "float32"):
        return "it does not make one float tensor"
    made = operator.outputs[0]
    chain = (made, *(each.outputs[0] for each in made.consumers if ops.unpacks_constant(each)))
    if any(tensor in operator.subgraph.outputs for tensor in chain):
        return "it makes an output of the model"
    origin = ops.stored(operator.outputs[0])
    return "its data stand in another file" if origin.is_external else None


def _unpack(rewrite: Rewrite, operator: Operator) -> Change:
    """Put the values into the operator's output, and take the operator out."""
    made = operator.outputs[0]
    draft = rewrite.view(made)
    rewrite.set_parameters(draft, None)
    rewrite.set_data(draft, _values(made))
    rewrite.remove(operator.subgraph.index, rewrite.operator(operator))
    origin = ops.stored(made)
    return Change(tensor_place(made), f"{origin.dtype} unpacked to float32")


def _values(made: Tensor) -> bytes:
    import numpy as np

    from tfq.passes.parameters import real_values

    origin = ops.stored(made)
    values = real_values(origin)
    if values is None:
        values = origin.numpy()
    return values.reshape(made.shape).astype(np.dtype("<f4")).tobytes()

"""New quantization parameters for tensors, and all that follows from them.

Passes decide which parameters a tensor gets; this changes the file: constants are quantized anew
from the real numbers that they stand for, and biases, whose scale is that of the input times that
of the weights, follow. All else is the kernels' business: they compute their multipliers from the
scales when the model is loaded.
"""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.errors import InvalidModelError
from tfq.passes.changes import Change, Changes, cost, operator_place, tensor_place
from tfq.passes.kernels import BIASED
from tfq.passes.parameters import (
    LIMITS,
    Parameters,
    dequantized,
    encoded,
    float32,
    parameters,
    quantized,
    real_values,
)
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator, Tensor
    from tfq.passes.changes import Cost, Kept

    Targets = Mapping[Tensor, Parameters]


class _Use(NamedTuple):
    """A bias where an operator reads it: the scale of its integers, before and after."""

    operator: Operator
    before: tuple[float, ...]
    after: tuple[float, ...]


def requantized(
    name: str, model: Model, targets: Targets, kept: Sequence[Kept]
) -> tuple[Model, Changes]:
    """Do what a pass that gives tensors new quantization parameters has decided.

    Args:
        name: The pass.
        model: Any model.
        targets: The new parameters of tensors; see `requantize`.
        kept: What the pass leaves alone.

    Returns:
        The new model, or `model` itself if there are no targets; and what changed.
    """
    if not targets:
        return model, Changes(name, (), tuple(kept))
    rewrite = Rewrite(model)
    changed = requantize(rewrite, targets)
    return rewrite.finish(), Changes(name, tuple(changed), tuple(kept))


def requantize(rewrite: Rewrite, targets: Targets) -> list[Change]:
    """Give tensors new quantization parameters.

    1. An activation: the parameters.
    2. A constant: also the integers, in a buffer of its own if others share the old one. Weights
       leave out the lowest integer.
    3. The bias of a convolution or dense layer whose input or weights are among the tensors: scale
       and integers. Where operators share it and now need different ones, each gets its own.

    Args:
        rewrite: The model under change.
        targets: The new parameters of tensors. Those of constants must be understood (see
            `real_values`), and no kernel must mind (see `obstacle`).

    Returns:
        A change for each tensor, and for each bias that no longer fits its type.
    """
    weights = _weights(rewrite.model)
    changes = []
    for tensor, target in targets.items():
        draft = rewrite.view(tensor)
        loss = None
        if tensor.is_constant:
            loss = _requantize_data(rewrite, tensor, target, weights)
        rewrite.set_parameters(draft, target)
        changes.append(Change(tensor_place(tensor), _described(tensor, target), loss))
    for bias, uses in _biases(rewrite.model, targets).items():
        changes += _requantize_bias(rewrite, bias, uses)
    return changes


def _weights(model: Model) -> dict[Tensor, int | None]:
    """Return the constants that are weights, and where their channels lie."""
    return {
        ops.stored(tensor): ops.channel_axis(operator)
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        for tensor in ops.all_weights(operator)
    }


def _requantize_data(
    rewrite: Rewrite, tensor: Tensor, target: Parameters, weights: Mapping[Tensor, int | None]
) -> Cost | None:
    values = real_values(tensor)
    if values is None:
        return None
    integers = quantized(values, target, narrow=tensor in weights)
    rewrite.set_data(rewrite.view(tensor), encoded(integers, target.dtype))
    return cost(values, dequantized(integers, target), weights.get(tensor))


def _described(tensor: Tensor, target: Parameters) -> str:
    quantization = tensor.quantization
    if quantization is None:
        return _shown(target.dtype, target.scales, target.zero_points)
    old = _shown(tensor.dtype, quantization.scales, quantization.zero_points)
    new = _shown(target.dtype, target.scales, target.zero_points)
    return f"{old} → {new.removeprefix(f'{tensor.dtype}, ')}"


def _shown(dtype: str, scales: tuple[float, ...], zero_points: tuple[int, ...]) -> str:
    if len(scales) != 1:
        return f"{dtype}, {len(scales)} scales"
    point = zero_points[0] if zero_points else 0
    middle = LIMITS[dtype][2] if dtype in LIMITS else 0
    return f"{dtype}, scale {scales[0]:.4g}{f', zero point {point}' if point != middle else ''}"


def _biases(model: Model, targets: Targets) -> dict[Tensor, list[_Use]]:
    """Find the biases that change, each with all operators that read it."""
    uses: dict[Tensor, list[_Use]] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            bias = ops.bias(operator)
            if operator.name in BIASED and bias is not None and bias.is_constant:
                use = _use(operator, bias, targets)
                if use is not None:
                    uses.setdefault(bias, []).append(use)
    return {
        bias: found for bias, found in uses.items() if any(use.before != use.after for use in found)
    }


def _use(operator: Operator, bias: Tensor, targets: Targets) -> _Use | None:
    place = BIASED[operator.name]
    data = operator.inputs[place] if place < len(operator.inputs) else None
    weights = ops.weights(operator)
    if bias.dtype not in ("int32", "int64") or data is None or weights is None:
        return None
    return _Use(operator, product(data, weights, {}), product(data, weights, targets))


def product(data: Tensor, weights: Tensor, targets: Targets) -> tuple[float, ...]:
    """Return the scales of the sums that a kernel adds its bias to.

    Args:
        data: The input of the operator.
        weights: Its weights.
        targets: New parameters of tensors; the others have their own.

    Returns:
        One, or one for each channel; empty if the parameters are not understood.
    """
    first = targets.get(data) or parameters(data)
    second = targets.get(weights) or parameters(weights)
    if first is None or second is None:
        return ()
    return tuple([first.scales[0] * scale for scale in second.scales])


def _requantize_bias(rewrite: Rewrite, bias: Tensor, uses: list[_Use]) -> Iterator[Change]:
    alike = len({use[1:] for use in uses}) == 1
    is_shared = not alike or any(
        reader not in [use.operator for use in uses] for reader in bias.consumers
    )
    for number, use in enumerate(uses):
        if use.before == use.after or not use.before or not use.after:
            continue
        draft = rewrite.view(bias)
        if is_shared:
            subgraph = bias.subgraph.index
            name = f"{bias.name}_{use.operator.index}"
            index = rewrite.add_tensor(subgraph, draft, name, constant=True)
            draft = rewrite.tensor(subgraph, index)
            rewrite.read(rewrite.operator(use.operator), bias.index, index)
        elif number:
            return
        integers, saturated = _scaled(bias, use)
        rewrite.set_data(draft, encoded(integers, bias.dtype))
        scales = tuple([float32(scale) for scale in use.after])
        rewrite.set_parameters(draft, Parameters(bias.dtype, scales, (0,) * len(scales)))
        if saturated:
            what = f"{saturated} values of the bias do not fit {bias.dtype} and were clipped"
            yield Change(operator_place(use.operator), what)


def _scaled(bias: Tensor, use: _Use) -> tuple[np.ndarray[Any, Any], int]:
    """Return the integers of a bias for its new scale, and how many do not fit."""
    import numpy as np

    old = bias.numpy().astype(np.float64).ravel()
    before = np.asarray(use.before)
    after = np.asarray(use.after)
    if {before.size, after.size} - {1, old.size}:
        raise InvalidModelError(
            f"{bias.place}: expected a value for each of {max(before.size, after.size)} channels,"
            f" got {old.size}"
        )
    exact = old * before / np.where(after == 0, 1.0, after)
    low, high, _ = LIMITS[bias.dtype]
    # The highest integer of 64 bits is no float64.
    limit = float(high) if bias.dtype == "int32" else float(2**63 - 1024)
    integers = np.clip(np.rint(exact), low, limit)
    return integers, int(np.count_nonzero(np.rint(exact) != integers))

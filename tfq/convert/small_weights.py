"""Weights of fewer than 8 bits, with a scale a channel or a block: which layers have them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator

from tfq import ops
from tfq.convert.request import Request
from tfq.errors import ConversionWarning
from tfq.model import Model, Operator, Tensor
from tfq.passes.rewrite import Rewrite

# Those that LiteRT's FULLY_CONNECTED takes.
_ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1")


def misfits(model: Model, request: Request) -> list[Operator]:
    """The operators that can have blocks, but not of the size that is asked.

    Args:
        model: a float model.
        request: mode and size of a block.

    Returns:
        Those whose input channels are no whole number of blocks, or whose weights are computed.
    """
    block = request.block_size or 1
    return [
        operator
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if operator.name in request.mode.blockwise and not _fits(ops.weights(operator), block)
    ]


def unfused(model: Model, request: Request) -> Model:
    """Gives layers that will have blocks their activation as an operator of its own.

    LiteRT 2.3 applies a fused one in XNNPACK only: its own FULLY_CONNECTED forgets it where weights
    have blocks (one layer of 64 with ReLU: 0.2 dB rather than 21).

    Args:
        model: a float model.
        request: mode and size of a block.

    Returns:
        The new model, or `model` itself if there is no such layer.
    """
    if request.block_size is None:
        return model
    rewrite, unfit, changed = Rewrite(model), misfits(model, request), False
    for operator in (each for subgraph in model.subgraphs for each in subgraph.operators):
        activation = operator.options.get("fused_activation_function")
        is_blockwise = operator.name in request.mode.blockwise and operator not in unfit
        if is_blockwise and activation in _ACTIVATIONS:
            _unfuse(rewrite, operator, activation)
            changed = True
    return rewrite.finish() if changed else model


def _unfuse(rewrite: Rewrite, operator: Operator, activation: str) -> None:
    place, row, output = operator.subgraph.index, rewrite.operator(operator), operator.outputs[0]
    linear = rewrite.add_tensor(place, rewrite.view(output), f"{output.name}_linear")
    row["outputs"] = (linear,)
    row["builtin_options"]["fused_activation_function"] = 0
    operators = rewrite.operators(place)
    after = operators.index(row) + 1
    operators.insert(after, rewrite.new_operator(activation, 1, [linear], output.index))


def warn_of_others(model: Model, request: Request) -> None:
    """Says which layers of a quantized model have other weights than was asked.

    Args:
        model: what came out.
        request: what was asked: 4 bits, and perhaps blocks.
    """
    others: Counter[tuple[str, str]] = Counter()
    total = 0
    for operator, weights in _layers(model):
        total += 1
        if not _is_small(weights, request):
            others[weights.dtype, operator.name] += 1
    if not others:
        return
    dtypes = dict.fromkeys(dtype for dtype, _ in others)
    listed = "; ".join(f"{dtype}: {_counts(others, dtype)}" for dtype in dtypes)
    asked = "" if request.block_size is None else f" in blocks of {request.block_size}"
    warnings.warn(
        f"{others.total()} of {total} layers have no 4-bit weights{asked}, but {listed}; "
        f"{request.mode.name} has them in {_able(request)}",
        ConversionWarning,
        stacklevel=8,
    )


def _fits(weights: Tensor | None, block: int) -> bool:
    return weights is not None and weights.is_constant and weights.shape[-1] % block == 0


def _layers(model: Model) -> Iterator[tuple[Operator, Tensor]]:
    """The operators with weights, and these as they stand in the file."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            weights = ops.weights(operator)
            if weights is not None and ops.stored(weights).is_constant:
                yield operator, ops.stored(weights)


def _is_small(weights: Tensor, request: Request) -> bool:
    if weights.dtype != "int4" or weights.quantization is None:
        return False
    return request.block_size is None or weights.quantization.granularity == "blockwise"


def _counts(others: Counter[tuple[str, str]], dtype: str) -> str:
    rows = [(name, count) for (own, name), count in others.items() if own == dtype]
    return ", ".join(f"{name} ({count})" for name, count in rows)


def _able(request: Request) -> str:
    if request.block_size is None:
        return ", ".join(request.mode.four_bits)
    names = " and ".join(request.mode.blockwise)
    return f"{names} with a multiple of {request.block_size} input channels"

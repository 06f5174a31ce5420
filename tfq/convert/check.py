"""Reads back what a converter wrote: an option that silently did nothing must never pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from tfq.convert.request import Request
from tfq.errors import ConversionError, ConversionWarning
from tfq.model import Model, Operator, Tensor

LISTED = 5


def check(model: Model, request: Request) -> None:
    """Compares a converted model with what was asked.

    Args:
        model: what came out.
        request: what was asked.

    Raises:
        ConversionError: an operator computes in float though the mode is an integer one; weights
            have another granularity than asked; inputs or outputs have another type.
    """
    _check_interface(model, request)
    if request.mode.integer and not request.allow_float_fallback:
        _check_integer(model, request)
    if request.granularity is not None:
        _check_granularity(model, request)


def _check_interface(model: Model, request: Request) -> None:
    """Only float tensors change their type; token ids, masks and strings keep their own."""
    quantizable = ("float32", "int8", "uint8", "int16")
    for what, tensors, asked in (
        ("input", model.inputs, request.input_type),
        ("output", model.outputs, request.output_type),
    ):
        for tensor in tensors:
            is_real = tensor.dtype == "float32" or tensor.quantization is not None
            if is_real and tensor.dtype in quantizable and tensor.dtype != asked:
                if request.mode.integer and request.allow_float_fallback:
                    continue
                raise ConversionError(
                    f"asked for {asked} {what}s; the converter made {tensor.name!r} {tensor.dtype}"
                )


def _check_integer(model: Model, request: Request) -> None:
    boundary = _boundary(model)
    floats = [
        op
        for subgraph in model.subgraphs
        for op in subgraph.operators
        if op.compute != "integer" and (op.name, op.index) not in boundary
    ]
    if floats:
        raise ConversionError(
            f"asked for integer kernels only ({request.mode.name}); these stayed in float: "
            f"{_listed(f'{op.name} (operator {op.index})' for op in floats)}; replace them, or "
            "leave them in float with allow_float_fallback"
        )


def _boundary(model: Model) -> set[tuple[str, int]]:
    """The QUANTIZE and DEQUANTIZE operators next to float inputs and outputs."""
    first = [op for tensor in model.inputs for op in tensor.consumers if op.name == "QUANTIZE"]
    last = [tensor.producer for tensor in model.outputs]
    edges = [*first, *(op for op in last if op is not None and op.name == "DEQUANTIZE")]
    return {(op.name, op.index) for op in edges}


def weight_tensors(model: Model) -> Iterator[tuple[Operator, Tensor]]:
    """Every operator with quantized weights, and those weights, also where a DEQUANTIZE is between.

    Args:
        model: any model.
    """
    for subgraph in model.subgraphs:
        for op in subgraph.operators:
            weights = op.weights
            behind = weights.producer if weights is not None else None
            if behind is not None and behind.name == "DEQUANTIZE":
                weights = behind.inputs[0]
            if weights is not None and weights.is_constant and weights.quantization is not None:
                yield op, weights


def _check_granularity(model: Model, request: Request) -> None:
    found = [
        (op, weights, weights.quantization.granularity)
        for op, weights in weight_tensors(model)
        if weights.quantization is not None
    ]
    if not found and not request.mode.integer:
        warnings.warn(
            f"{request.mode.name}: no weights were quantized; TensorFlow leaves tensors of fewer "
            "than 1024 elements in float in this mode",
            ConversionWarning,
            stacklevel=4,
        )
    per_channel = [(op, weights) for op, weights, kind in found if kind != "per_tensor"]
    if request.granularity == "per_tensor" and per_channel:
        names = (f"{op.name} (operator {op.index})" for op, _ in per_channel)
        raise ConversionError(
            f"asked for per-tensor weights; these are still per-channel: {_listed(names)}"
        )
    several = [weights for _, weights, _ in found if max(weights.shape, default=0) > 1]
    if request.granularity == "per_channel" and several and not per_channel:
        raise ConversionError("asked for per-channel weights; all of them are per-tensor")


def _listed(names: Iterator[str]) -> str:
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more

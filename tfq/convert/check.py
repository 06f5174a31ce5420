"""Reads back what a converter wrote: an option that silently did nothing must never pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from tfq import ops
from tfq.convert.request import Request
from tfq.errors import ConversionError, ConversionWarning
from tfq.model import Model, Operator

LISTED = 5
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def check(model: Model, request: Request) -> None:
    """Compares a converted model with what was asked.

    Args:
        model: what came out.
        request: what was asked.

    Raises:
        ConversionError: an operator computes in float though the mode is an integer one; weights
            have another granularity than asked; inputs or outputs have another type.
    """
    if request.mode.integer and not request.allow_float_fallback:
        _check_integer(model, request)
    _check_interface(model, request)
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
    boundary = ops.boundary(model)
    floats = [
        op
        for subgraph in model.subgraphs
        for op in subgraph.operators
        if op.compute != "integer" and op not in boundary
    ]
    if floats:
        # The edges of a float island are there because of what is inside.
        inside = [op for op in floats if op.name not in ("QUANTIZE", "DEQUANTIZE")]
        raise ConversionError(
            f"asked for integer kernels only ({request.mode.name}); these stayed in float: "
            f"{_listed(inside or floats)}; replace them, or leave them in float with "
            "allow_float_fallback"
        )


def _check_granularity(model: Model, request: Request) -> None:
    constants = [
        tensor
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.is_constant and tensor.quantization is not None
    ]
    if not constants and not request.mode.integer:
        warnings.warn(
            f"{request.mode.name}: no weights were quantized; TensorFlow leaves tensors of fewer "
            "than 1024 elements in float in this mode",
            ConversionWarning,
            stacklevel=5,
        )
    fine = [t for t in constants if t.quantization and t.quantization.granularity != "per_tensor"]
    if request.granularity == "per_tensor" and fine:
        users = {op for tensor in fine for op in tensor.consumers}
        raise ConversionError(
            "asked for per-tensor weights; these are still per-channel: "
            f"{_listed(sorted(users, key=lambda op: op.index))}"
        )
    if request.granularity == "per_channel" and not fine and any(_wide_convolutions(model)):
        raise ConversionError("asked for per-channel weights; all of them are per-tensor")


def _wide_convolutions(model: Model) -> Iterator[Operator]:
    """Convolutions with several channels in integer weights; other kinds may have one scale."""
    for subgraph in model.subgraphs:
        for op in subgraph.operators:
            for tensor in map(ops.stored, ops.all_weights(op)):
                is_quantized = tensor.is_constant and tensor.quantization is not None
                if op.name in CONVOLUTIONS and is_quantized and _channels(op, tensor.shape) > 1:
                    yield op


def _channels(op: Operator, shape: tuple[int, ...]) -> int:
    axis = ops.channel_axis(op)
    return 1 if axis is None else shape[axis]


def _listed(operators: Sequence[Operator]) -> str:
    names = [f"{op.name} (operator {op.index})" for op in operators[:LISTED]]
    more = f" and {len(operators) - LISTED} more" if len(operators) > LISTED else ""
    return ", ".join(names) + more

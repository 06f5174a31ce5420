"""Q21x: where the zero points lie, and what kind of number the scales are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.ops import QUANTIZED, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Quantization, Tensor
    from tfq.profiles import Profile

# Whose weights the published specification wants symmetric, where they are signed.
SYMMETRIC_WEIGHTS = frozenset(
    [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "LSTM",
        "SVDF",
        "TRANSPOSE_CONV",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
    ]
)
SIGNED = frozenset({"int2", "int4", "int8", "int16"})


@rule("Q211", "asymmetric-weights", severity="error", fix="symmetric_weights")
def asymmetric_weights(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights have a zero point where it must be in the middle.

    ## What it does
    Reports every operator whose weights have a zero point other than the middle of their type where
    the device wants symmetric weights, and every quantized CONV_2D with such signed weights.

    ## Why is this bad?
    The arithmetic of such a device has no offset for weights. LiteRT itself refuses the CONV_2D
    when the model is loaded.

    ## Example
    Weights of an older uint8 model on a device for symmetric quantization.

    ## Use instead
    `tfq convert --mode=full_integer`, whose weights are symmetric; without the source model,
    `tfq retarget`.

    ## Fix safety
    Requantizing the weights with a symmetric scale costs up to one bit of their precision.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - https://github.com/google-coral/edgetpu/issues/453
    """
    wanted = "weights" in profile.quantization.symmetric
    for operator, tensor, quantization in _weights(model):
        if quantization.symmetric or not (wanted or _is_refused(operator, tensor)):
            continue
        who = f"{profile.name} wants symmetric weights" if wanted else "LiteRT refuses it"
        what = f"have the zero point {_off_middle(tensor, quantization)}; {who}"
        yield Hit(f"{place(operator)}: weights {quoted(tensor)} {what}", operator, tensor)


@rule("Q212", "asymmetric-int8-weights", severity="warning")
def asymmetric_int8_weights(model: Model, profile: Profile) -> Iterator[Hit]:
    """Signed weights have a zero point, against the 8-bit specification.

    ## What it does
    Reports every operator in integers with int8 weights whose zero point is not 0, unless Q211 has
    it.

    ## Why is this bad?
    The published specification says 0, and devices and microcontroller kernels rely on it: some
    refuse the model, some ignore the zero point and compute other numbers.

    ## Example
    Weights that a tool quantized asymmetrically, as activations are.

    ## Use instead
    `tfq convert --mode=full_integer`, whose weights are symmetric.

    ## Fix safety
    Requantizing the weights with a symmetric scale costs up to one bit of their precision.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - https://github.com/tensorflow/tflite-micro/issues/1784
    """
    if "weights" in profile.quantization.symmetric:
        return
    for operator, tensor, quantization in _weights(model):
        if operator.compute != "integer" or operator.name not in SYMMETRIC_WEIGHTS:
            continue
        if tensor.dtype not in SIGNED or quantization.symmetric or _is_refused(operator, tensor):
            continue
        point = _off_middle(tensor, quantization)
        what = f"have the zero point {point}; the specification of 8-bit models says 0"
        yield Hit(f"{place(operator)}: weights {quoted(tensor)} {what}", operator, tensor)


@rule("Q213", "asymmetric-activations", severity="error", fix="symmetric_activations")
def asymmetric_activations(model: Model, profile: Profile) -> Iterator[Hit]:
    """Activations are not symmetric, and the device wants them so.

    ## What it does
    Reports every operator whose output has a zero point other than the middle of its type, and
    every such input of a subgraph, where the device wants symmetric activations. Outputs whose
    quantization the operator prescribes (SOFTMAX …) or passes on (RESHAPE …) do not count.

    ## Why is this bad?
    The arithmetic of such a device has no zero points: the vendor's tools refuse the model or
    quantize it anew.

    ## Example
    Any int8 model of TFLiteConverter on a device for symmetric quantization.

    ## Use instead
    A float model and the vendor's own quantization, or `tfq retarget` where the kernels permit.

    ## Fix safety
    A symmetric range is up to twice as wide: half of the precision of a ReLU's output.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if "activations" not in profile.quantization.symmetric:
        return
    for operator, tensor, quantization in _activations(model):
        if not quantization.symmetric:
            point = _off_middle(tensor, quantization)
            what = f"zero point {point}; {profile.name} wants symmetric activations"
            yield _hit(operator, tensor, what)


@rule("Q214", "no-power-of-two", severity="error", fix="power_of_two")
def no_power_of_two(model: Model, profile: Profile) -> Iterator[Hit]:
    """Scale is not a power of two, and the device wants one.

    ## What it does
    Reports every operator whose weights, or whose output, have a scale that is no power of two, and
    every such input of a subgraph, where the device wants powers of two for them. Outputs whose
    scale the operator prescribes (SOFTMAX …) or passes on (RESHAPE …) do not count.

    ## Why is this bad?
    Such a device scales by shifting bits: the vendor's tools refuse other scales or quantize anew.

    ## Example
    Any int8 model of TFLiteConverter: its scales are ranges divided by 255.

    ## Use instead
    A float model and the vendor's own quantization, or `tfq retarget` where the kernels permit.

    ## Fix safety
    Rounding a scale up to a power of two costs up to one bit of precision.

    ## References
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    wanted = profile.quantization.power_of_two
    if "weights" in wanted:
        for operator, tensor, quantization in _weights(model):
            if not quantization.power_of_two:
                scale = _first_odd(quantization)
                what = f"have the scale {scale:.6g}; {profile.name} wants powers of two"
                yield Hit(f"{place(operator)}: weights {quoted(tensor)} {what}", operator, tensor)
    if "activations" in wanted:
        for made_by, tensor, quantization in _activations(model):
            if not quantization.power_of_two:
                scale = _first_odd(quantization)
                what = f"scale {scale:.6g}; {profile.name} wants powers of two"
                yield _hit(made_by, tensor, what)


def _weights(model: Model) -> Iterator[tuple[Operator, Tensor, Quantization]]:
    """Return the leading quantized weights of each operator."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            for tensor in map(stored, operator.all_weights):
                quantization = tensor.quantization
                if tensor.is_constant and tensor.dtype in QUANTIZED and quantization is not None:
                    yield operator, tensor, quantization
                    break


def _activations(model: Model) -> Iterator[tuple[Operator | None, Tensor, Quantization]]:
    """Return what enters each subgraph, and what its operators are free to scale."""
    for subgraph in model.subgraphs:
        found: list[tuple[Operator | None, Tensor]] = [(None, each) for each in subgraph.inputs]
        for operator in subgraph.operators:
            # What passes a scale on is not its cause.
            if ops.fixed_quantization(operator) is None and not ops.shared_scale(operator):
                found += [(operator, each) for each in operator.outputs]
        for made_by, tensor in found:
            quantization = tensor.quantization
            if tensor.dtype in QUANTIZED and quantization is not None:
                yield made_by, tensor, quantization


def _is_refused(operator: Operator, tensor: Tensor) -> bool:
    """Whether LiteRT refuses the operator if its weights have a zero point (its conv.cc)."""
    return (
        operator.name == "CONV_2D"
        and operator.compute == "integer"
        and tensor.dtype in SIGNED
        and tensor.quantization is not None
        and tensor.quantization.granularity != "blockwise"
    )


def _off_middle(tensor: Tensor, quantization: Quantization) -> int:
    middle = 128 if tensor.dtype == "uint8" else 0
    points = quantization.zero_points or (0,)
    return next((point for point in points if point != middle), points[0])


def _first_odd(quantization: Quantization) -> float:
    from math import frexp

    odd = (scale for scale in quantization.scales if abs(frexp(scale)[0]) != 0.5)
    return next(odd, quantization.scales[0] if quantization.scales else 0.0)


def _hit(operator: Operator | None, tensor: Tensor, what: str) -> Hit:
    if operator is not None:
        return Hit(f"{place(operator)}: output {quoted(tensor)} has the {what}", operator, tensor)
    subgraph = tensor.subgraph.index
    where = f"subgraph {subgraph} " if subgraph else ""
    return Hit(f"{where}input {quoted(tensor)} has the {what}", None, tensor)

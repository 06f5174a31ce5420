"""Q4xx: the numbers of quantization parameters, whatever the device.

Each is about one tensor. How the numbers of several tensors fit together are Q5xx.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.ops import QUANTIZED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Quantization, Tensor
    from tfq.profiles import Profile

# The smallest float32 with all its precision; what is below is denormal.
SMALLEST_NORMAL = 2.0**-126
SIGNED = {"int2": 2, "int4": 4, "int8": 8, "int16": 16}
UNSIGNED = {"uint4": 4, "uint8": 8, "uint16": 16}
LIMITS = {name: (-(1 << bits - 1), (1 << bits - 1) - 1) for name, bits in SIGNED.items()}
LIMITS |= {name: (0, (1 << bits) - 1) for name, bits in UNSIGNED.items()}


@rule("Q401", "bad-scale", severity="error")
def bad_scale(model: Model, profile: Profile) -> Iterator[Hit]:
    """Scale is zero, negative, denormal, infinite or no number.

    ## What it does
    Reports every quantized tensor, and every quantized bias, with a scale that is not a normal
    number above 0; one finding a tensor.

    ## Why is this bad?
    Kernels divide by scales. With 0 or NaN some end the process when the model is loaded, others
    compute numbers that mean nothing; denormal numbers are 0 on many devices.

    ## Example
    A layer whose output was always 0 in calibration, or a NaN in its data.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data that every layer reacts to.

    ## Fix safety
    No fix of the file alone: the range of the values must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for tensor, quantization in _quantized(model):
        if tensor.dtype not in QUANTIZED and not _is_bias(tensor):
            continue
        scales = quantization.scales
        bad = [index for index, scale in enumerate(scales) if not is_usable(scale)]
        if bad:
            which = f"{len(bad)} of {len(scales)} scales: the first, {bad[0]}, is"
            what = which if len(scales) > 1 else "scale"
            shown = f"{what} {scales[bad[0]]:.6g}; expected a normal number above 0"
            yield _hit(tensor, shown)


@rule("Q402", "zero-point-range", severity="error")
def zero_point_range(model: Model, profile: Profile) -> Iterator[Hit]:
    """Zero point is outside of the range of its type.

    ## What it does
    Reports every quantized tensor with a zero point that its own type cannot hold.

    ## Why is this bad?
    The value 0.0 has no integer then, though padding and ReLU need it. Some kernels refuse such a
    tensor, others cut the zero point off and compute other numbers.

    ## Example
    int8 data with the zero point 128 of uint8.

    ## Use instead
    A zero point from -128 to 127 for int8, from 0 to 255 for uint8; `tfq convert` makes no other.

    ## Fix safety
    No fix of the file alone: which of type and zero point is wrong cannot be told.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for tensor, quantization in _quantized(model):
        if tensor.dtype not in LIMITS:
            continue
        lowest, highest = LIMITS[tensor.dtype]
        points = quantization.zero_points
        bad = [point for point in points if not lowest <= point <= highest]
        if bad:
            shown = f"zero point {bad[0]}; {tensor.dtype} holds {lowest} to {highest}"
            yield _hit(tensor, shown)


@rule("Q403", "quantized-dimension", severity="error")
def quantized_dimension(model: Model, profile: Profile) -> Iterator[Hit]:
    """Quantized dimension does not exist.

    ## What it does
    Reports every tensor with several scales along a dimension that it does not have.

    ## Why is this bad?
    LiteRT refuses to load the model, and no other reader can know which scale belongs to which
    value.

    ## Example
    A tensor that a tool reshaped or transposed without a look at its `quantized_dimension`.

    ## Use instead
    The dimension of the output channels: 0 for CONV_2D and FULLY_CONNECTED, 3 for
    DEPTHWISE_CONV_2D.

    ## Fix safety
    No fix of the file alone: which dimension was meant cannot be told.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for tensor, quantization in _quantized(model):
        if len(quantization.scales) < 2 or quantization.granularity == "blockwise":
            continue
        axis, rank = quantization.quantized_dimension, len(tensor.shape)
        if not 0 <= axis < rank:
            yield _hit(tensor, f"quantized dimension {axis}; the tensor has {rank} dimensions")


@rule("Q404", "scale-count", severity="error")
def scale_count(model: Model, profile: Profile) -> Iterator[Hit]:
    """Numbers of scales, zero points and channels differ.

    ## What it does
    Reports every tensor whose scales are neither one nor as many as its quantized dimension is
    long, or whose zero points are not as many as its scales.

    ## Why is this bad?
    LiteRT refuses to load the model ("Tensor has invalid quantization parameters").

    ## Example
    Weights that were pruned, or split, without their scales.

    ## Use instead
    One scale and one zero point a channel, or one of each for the tensor.

    ## Fix safety
    No fix of the file alone: which scale belongs to which channel cannot be told.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for tensor, quantization in _quantized(model):
        if quantization.granularity == "blockwise":
            continue
        scales, points = len(quantization.scales), len(quantization.zero_points)
        axis = quantization.quantized_dimension
        if scales > 1 and 0 <= axis < len(tensor.shape) and tensor.shape[axis] != scales:
            size = tensor.shape[axis]
            yield _hit(
                tensor, f"{scales} scales; expected 1, or {size}, the size of dimension {axis}"
            )
        elif scales and points != scales:
            yield _hit(tensor, f"{points} zero points; expected {scales}, as many as scales")


@rule("Q405", "int16-zero-point", severity="error")
def int16_zero_point(model: Model, profile: Profile) -> Iterator[Hit]:
    """Activation of 16 bits has a zero point that is not 0.

    ## What it does
    Reports every quantized int16 tensor that is no constant and has a zero point other than 0.

    ## Why is this bad?
    Kernels with 16-bit activations have no offsets: LiteRT refuses most such operators when the
    model is loaded, the others compute as if the zero point were 0.

    ## Example
    int16 activations that a tool quantized asymmetrically, as it does with int8.

    ## Use instead
    `tfq convert --mode=int16x8`, whose activations are symmetric.

    ## Fix safety
    No fix of the file alone: symmetric ranges must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_integer_quant_16x8
    """
    del profile
    for tensor, quantization in _quantized(model):
        # The states of LSTM kernels are theirs, and may have one.
        if tensor.dtype != "int16" or tensor.is_constant or tensor.is_variable:
            continue
        if any(quantization.zero_points):
            point = next(filter(None, quantization.zero_points))
            yield _hit(tensor, f"int16 with zero point {point}; expected 0")


@rule("Q406", "missing-scale", severity="error")
def missing_scale(model: Model, profile: Profile) -> Iterator[Hit]:
    """Quantized op has a tensor without a scale.

    ## What it does
    Reports every operator in integers where one activation or weight has a scale and another one of
    a quantized type has none; one finding an operator.

    ## Why is this bad?
    Without a scale the integers stand for no numbers. LiteRT takes the scale as 0: it refuses the
    model, ends the process, or computes nothing that makes sense.

    ## Example
    A tool that added or replaced a tensor and forgot its quantization.

    ## Use instead
    `tfq convert --mode=full_integer`, which gives every tensor its scale.

    ## Fix safety
    No fix of the file alone: the range of the values must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.is_custom:
                continue
            tensors = [*operator.inputs, *operator.outputs]
            found = [each for each in tensors if each is not None and each.dtype in QUANTIZED]
            bare = [each for each in found if each.quantization is None and not each.is_variable]
            if bare and len(bare) < len(found):
                message = (
                    f"{place(operator)}: {bare[0].dtype} tensor {quoted(bare[0])} has no scale"
                )
                yield Hit(f"{message}, though others of the op have one", operator, bare[0])


def is_usable(scale: float) -> bool:
    """Whether a scale is a number that kernels can divide by."""
    return math.isfinite(scale) and scale >= SMALLEST_NORMAL


def _quantized(model: Model) -> Iterator[tuple[Tensor, Quantization]]:
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            quantization = tensor.quantization
            if quantization is not None:
                yield tensor, quantization


def _is_bias(tensor: Tensor) -> bool:
    return any(tensor in operator.all_biases for operator in tensor.consumers[:1])


def _hit(tensor: Tensor, what: str) -> Hit:
    operator = _user(tensor)
    subgraph = tensor.subgraph.index
    where = place(operator) if operator else f"subgraph {subgraph}" if subgraph else ""
    message = (
        f"{where}{': ' if where else ''}tensor {quoted(tensor).removeprefix('tensor ')}: {what}"
    )
    return Hit(message, operator, tensor)


def _user(tensor: Tensor) -> Operator | None:
    return next(iter(tensor.consumers), tensor.producer)

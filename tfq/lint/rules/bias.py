"""Q50x: biases: their type, their scale, their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.errors import Error
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.lint.rules.parameters import is_usable
from tfq.ops import stored
from tfq.ops.facts.places import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile

EIGHT_BITS = ("int8", "uint8")
# The types of a bias that LiteRT's kernels take, with activations of 8 and of 16 bits.
TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CONV_2D": (("int32",), ("int32", "int64")),
    "DEPTHWISE_CONV_2D": (("int32",), ("int64",)),
    "FULLY_CONNECTED": (("int32", "int64"), ("int32", "int64")),
    "TRANSPOSE_CONV": (("int32",), ("int32", "int64")),
}
# LiteRT's kernels compare the scales in steps of the output, and refuse from here on.
MOST_STEPS = 0.02
# What float32 rounds is a hundred times smaller; what is larger was not meant so.
MOST_RATIO = 1e-4
# The largest part of an int32 accumulator that one bias may take.
MOST_BIAS = 1 << 30
# Beyond that it is no bias.
MOST_BYTES = 1 << 22


@rule("Q501", "bias-type", severity="error")
def bias_type(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bias has a type that the kernel does not take.

    ## What it does
    Reports every quantized convolution and dense layer whose bias is not int32, or, with int16
    activations, not int64 where the kernel wants that.

    ## Why is this bad?
    LiteRT refuses to prepare the operator when the model is loaded.

    ## Example
    A bias that a tool quantized to int8 as if it were weights.

    ## Use instead
    int32 for 8-bit activations, int64 for int16 ones; `tfq convert` makes no other.

    ## Fix safety
    Not safe for narrower biases: the precision that was lost is not in the file.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - https://github.com/tensorflow/tensorflow/issues/41637
    """
    del profile
    for operator, given, bias in _biased(model):
        taken = TYPES[operator.name][given.dtype == "int16"]
        if bias.dtype not in taken:
            what = f"is {bias.dtype}; {given.dtype} activations take {' or '.join(taken)}"
            yield Hit(f"{place(operator)}: bias {quoted(bias)} {what}", operator, bias)


@rule("Q502", "bias-scale-refused", severity="error", fix="bias_scales")
def bias_scale_refused(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bias scale is so far from input scale x weight scale that LiteRT refuses the op.

    ## What it does
    Reports every dense layer with one scale for all weights, and every uint8 convolution, whose
    bias scale differs from input scale x weight scale by more than 0.02 of the output scale.

    ## Why is this bad?
    Kernels add the bias to the sum of products as it is, so both must have the same scale. LiteRT
    refuses to prepare the operator ("scale_diff / output_scale <= 0.02 was not true").

    ## Example
    Weights that were requantized without their bias.

    ## Use instead
    bias scale = input scale x weight scale, with the bias requantized to it: `tfq retarget`, where
    it is an error.

    ## Fix safety
    Safe if the bias's own scale is right: its values are rounded anew.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for operator, bias, found, product in _scales(model):
        if _is_refused(operator, found, product):
            yield _scale_hit(operator, bias, found, product, "; LiteRT refuses it")


@rule("Q503", "bias-scale", severity="warning", fix="bias_scales")
def bias_scale(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bias scale is not input scale x weight scale.

    ## What it does
    Reports every quantized convolution and dense layer whose bias has scales other than input scale
    x weight scale (by more than 0.01 %), unless Q502 has it.

    ## Why is this bad?
    Kernels add the bias to the sum of products as it is, whatever its scale says. A tool that
    reads the bias by its scale gets other numbers than the kernel.

    ## Example
    Weights that were requantized, or equalized, without their bias.

    ## Use instead
    bias scale = input scale x weight scale, with the bias requantized to it: `tfq retarget`, where
    it is an error.

    ## Fix safety
    Changes what the model computes: compare before deploying.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for operator, bias, found, product in _scales(model):
        is_off = found > 0 and abs(found - product) > MOST_RATIO * product
        if is_off and not _is_refused(operator, found, product):
            yield _scale_hit(operator, bias, found, product, "")


@rule("Q504", "bias-zero-point", severity="error", fix="bias_scales")
def bias_zero_point(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bias has a zero point that is not 0.

    ## What it does
    Reports every quantized convolution and dense layer whose bias has a zero point other than 0.

    ## Why is this bad?
    LiteRT refuses to prepare such a convolution, and ignores the zero point in a dense layer: both
    add the bias as it is.

    ## Example
    A bias that a tool quantized asymmetrically, as activations are.

    ## Use instead
    Zero point 0; `tfq convert` makes no other. Without the source model, `tfq retarget`.

    ## Fix safety
    Safe if the zero point is right: it is subtracted from the bias's values.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for operator, _, bias in _biased(model):
        points = bias.quantization.zero_points if bias.quantization else ()
        if any(points):
            point = next(filter(None, points))
            what = f"has the zero point {point}; expected 0"
            yield Hit(f"{place(operator)}: bias {quoted(bias)} {what}", operator, bias)


@rule("Q505", "bias-overflow", severity="error")
def bias_overflow(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bias is so large that the sum overflows.

    ## What it does
    Reports every quantized convolution and dense layer with an int32 bias that takes half or more
    of the range of its accumulator, 2^30.

    ## Why is this bad?
    Products are added to the bias in 32 bits. Values at the limit, 2^31 - 1, were cut off by the
    converter; near it the sum wraps around and large activations become small ones.

    ## Example
    Inputs or weights with a tiny range, and so a tiny scale, beside an ordinary bias: a layer that
    was always 0 in calibration.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data that every layer reacts to.

    ## Fix safety
    No fix of the file alone: values that were cut off are not in it.

    ## References
    - https://github.com/tensorflow/tensorflow/issues/33735
    """
    del profile
    seen: dict[int, tuple[int, ...]] = {}
    for operator, _, bias in _biased(model):
        # Many operators, and many tensors, can share one buffer.
        if bias.buffer_index not in seen:
            seen[bias.buffer_index] = _values(bias)
        values = seen[bias.buffer_index]
        large = [index for index, value in enumerate(values) if abs(value) >= MOST_BIAS]
        if large:
            first = large[0]
            count = f"{len(large)} of {len(values)} values reach" if len(large) > 1 else "reaches"
            what = f"{count} 2^30 (channel {first}: {values[first]}); the int32 sum overflows"
            yield Hit(f"{place(operator)}: bias {quoted(bias)} {what}", operator, bias)


def _biased(model: Model) -> Iterator[tuple[Operator, Tensor, Tensor]]:
    """Return the quantized layers with their input and their bias."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.name not in TYPES:
                continue
            given, bias = data(operator), operator.bias
            if given is None or bias is None:
                continue
            if given.quantization is None or given.dtype not in (*EIGHT_BITS, "int16"):
                continue
            yield operator, given, bias


def _scales(model: Model) -> Iterator[tuple[Operator, Tensor, float, float]]:
    """Return layers with a bias scale and what it should be, of the channel that is worst."""
    for operator, given, bias in _biased(model):
        weights = stored(operator.weights) if operator.weights is not None else None
        if weights is None or weights.quantization is None or given.quantization is None:
            continue
        factors, inputs = weights.quantization.scales, given.quantization.scales
        found = bias.quantization.scales if bias.quantization is not None else (0.0,)
        if len(factors) == 1 and len(found) > 1 and _is_compared(operator):
            found = (0.0,)  # what LiteRT's kernels with one scale for the weights see
        if len(inputs) != 1 or weights.quantization.granularity == "blockwise":
            continue
        if not all(map(is_usable, (*inputs, *factors))):
            continue  # Q401 has it
        if len(found) not in (1, len(factors)) and len(factors) != 1:
            continue  # Q404 has it
        count = max(len(found), len(factors))
        pairs = [
            (found[index % len(found)], inputs[0] * factors[index % len(factors)])
            for index in range(count)
        ]
        yield operator, bias, *max(pairs, key=_deviation)


def _deviation(pair: tuple[float, float]) -> float:
    found, product = pair
    return abs(found - product) / product if product else 0.0


def _is_refused(operator: Operator, found: float, product: float) -> bool:
    """Whether LiteRT compares the scales of this operator, and finds them too far apart."""
    given, made = data(operator), operator.outputs[:1]
    weights = operator.weights
    if given is None or weights is None or not made or weights.quantization is None:
        return False
    if not _is_compared(operator) or weights.quantization.granularity != "per_tensor":
        return False
    steps = made[0].quantization.scales if made[0].quantization is not None else ()
    if len(steps) != 1 or not is_usable(steps[0]):
        return False  # Q401 or Q406 has it
    return not abs(found - product) / steps[0] <= MOST_STEPS


def _is_compared(operator: Operator) -> bool:
    """Whether LiteRT's kernel compares scales, where the weights have but one."""
    given = data(operator)
    return operator.name == "FULLY_CONNECTED" or (given is not None and given.dtype == "uint8")


def _scale_hit(
    operator: Operator, bias: Tensor, found: float, product: float, consequence: str
) -> Hit:
    what = f"has the scale {found:.6g}; input scale x weight scale is {product:.6g}{consequence}"
    return Hit(f"{place(operator)}: bias {quoted(bias)} {what}", operator, bias)


def _values(bias: Tensor) -> tuple[int, ...]:
    if bias.dtype != "int32" or not bias.is_constant or bias.nbytes > MOST_BYTES:
        return ()
    try:
        return bias.values
    except Error:
        return ()  # not as long as its shape says, or in a file that is not there

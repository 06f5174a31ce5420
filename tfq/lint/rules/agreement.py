"""Q51x: how the scales of an operator's tensors fit together, and whether its kernel takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.lint.rules.parameters import is_usable
from tfq.ops import QUANTIZED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile

# Whose kernels compare scales exactly in LiteRT, and refuse the smallest difference.
EXACT = frozenset(
    [
        "BATCH_TO_SPACE_ND",
        "CONCATENATION",
        "EXPAND_DIMS",
        "L2_NORMALIZATION",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MIRROR_PAD",
        "PACK",
        "UNPACK",
    ]
)
# Other kernels differ by less than a step in 8 bits up to here; LiteRT's SOFTMAX refuses from here.
MOST_RATIO = 1e-3
# What a fused activation compares with, in real numbers.
BOUNDS = {"RELU6": 6.0, "RELU_N1_TO_1": 1.0}
LARGEST_STEP = float(2**31)
# Whose kernels in LiteRT want a last multiplier below 1.
MULTIPLIERS = frozenset({"ADD", "HARD_SWISH", "SQUARED_DIFFERENCE", "SUB"})


@rule("Q511", "shared-scale", severity="error")
def shared_scale(model: Model, profile: Profile) -> Iterator[Hit]:
    """Scales of an op differ though they must be one.

    ## What it does
    Reports every operator that moves, chooses or averages integers (RESHAPE, CONCATENATION,
    MAX_POOL_2D …) and whose tensors do not all have one scale and zero point.

    ## Why is this bad?
    The kernel does not rescale: LiteRT refuses to prepare the operator, or the integers pass
    unchanged and mean other numbers than before.

    ## Example
    A tool that gave the output of MAX_POOL_2D a range of its own.

    ## Use instead
    One scale and zero point for all, or a QUANTIZE before the operator.

    ## Fix safety
    No fix of the file alone: which of the scales is right cannot be told.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - https://github.com/google-coral/edgetpu/issues/244
    """
    del profile
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            tensors = [each for each in ops.shared_scale(operator) if each.quantization is not None]
            made = operator.outputs[0] if operator.outputs else None
            for tensor in tensors:
                if made is None or made.quantization is None or _alike(operator, tensor, made):
                    continue
                what = f"{quoted(tensor)} has {_shown(tensor)}, the output {_shown(made)}"
                yield Hit(f"{place(operator)}: {what}; expected the same", operator, tensor)
                break


@rule("Q512", "fixed-output", severity="error")
def fixed_output(model: Model, profile: Profile) -> Iterator[Hit]:
    """Output of an op has another scale than the op prescribes.

    ## What it does
    Reports every SOFTMAX, LOGISTIC, TANH, L2_NORMALIZATION and LOG_SOFTMAX whose quantized output
    does not have the scale and zero point that the specification fixes.

    ## Why is this bad?
    Kernels and accelerators compute in the fixed scale. LiteRT refuses most of these operators with
    another one; elsewhere the output means other numbers than its scale says.

    ## Example
    SOFTMAX in int8 with a scale that calibration chose, rather than 1/256 and -128.

    ## Use instead
    The fixed scale, and a QUANTIZE after the operator where another one is needed.

    ## Fix safety
    No fix of the file alone: what follows expects the other scale.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            fixed = ops.fixed_quantization(operator)
            if fixed is None:
                continue
            made = operator.outputs[0]
            found = _single(made)
            if found is None or not is_usable(found[0]):
                continue  # Q401, Q404 or Q406 has it
            most = 0.0 if operator.name in EXACT else MOST_RATIO
            if abs(found[0] - fixed.scale) > most * fixed.scale or found[1] != fixed.zero_point:
                wanted = f"{fixed.scale:.6g} and {fixed.zero_point}"
                what = f"output {quoted(made)} has {_shown(made)}; expected {wanted}"
                yield Hit(f"{place(operator)}: {what}", operator, made)


@rule("Q513", "scale-ratio", severity="error")
def scale_ratio(model: Model, profile: Profile) -> Iterator[Hit]:
    """Input scale is too large for the output scale.

    ## What it does
    Reports every quantized ADD, SUB, SQUARED_DIFFERENCE and HARD_SWISH whose input scale is so many
    times the output scale that the kernel's multiplier is not below 1.

    ## Why is this bad?
    LiteRT refuses to prepare most such operators, or ends the process. With such scales nothing but
    the smallest and the largest integer could come out.

    ## Example
    An output that was always 0 in calibration beside inputs that were not.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data that every layer reacts to.

    ## Fix safety
    No fix of the file alone: the range of the output must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    del profile
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            scales = _ends(operator) if operator.name in MULTIPLIERS else None
            if scales is None:
                continue
            given, made = scales
            if _multiplier(operator, given, made) >= 1:
                what = f"input scale {given:.6g} is {given / made:.3g} times the output's"
                yield Hit(f"{place(operator)}: {what}; too much", operator, operator.outputs[0])


@rule("Q514", "activation-overflow", severity="error")
def activation_overflow(model: Model, profile: Profile) -> Iterator[Hit]:
    """Bound of a fused activation overflows at the output's scale.

    ## What it does
    Reports every quantized operator with a fused RELU6 or RELU_N1_TO_1 whose output scale is so
    small that the bound divided by it is no int32 any more.

    ## Why is this bad?
    LiteRT refuses to prepare the operator ("no_integer_overflow_from_quantization was not true"),
    and so does a device's compiler that loads the model with it.

    ## Example
    A layer whose output was always 0 in calibration.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data that every layer reacts to.

    ## Fix safety
    No fix of the file alone: the range of the output must be measured on data.

    ## References
    - https://github.com/google-coral/edgetpu/issues/453
    """
    del profile
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            made = operator.outputs[0] if operator.outputs else None
            found = _single(made) if made is not None else None
            if made is None or found is None or not is_usable(found[0]):
                continue  # Q401 or Q406 has it
            # Nearly all scales are large enough for any bound.
            if max(BOUNDS.values()) / found[0] <= LARGEST_STEP or made.dtype not in QUANTIZED:
                continue
            bound = BOUNDS.get(_fused(operator), 0.0)
            if bound / found[0] > LARGEST_STEP:
                what = f"output {quoted(made)} has the scale {found[0]:.6g}"
                after = f"the bound {bound:g} of {_fused(operator)} overflows int32"
                yield Hit(f"{place(operator)}: {what}; {after}", operator, made)


def _alike(operator: Operator, tensor: Tensor, other: Tensor) -> bool:
    first, second = _single(tensor), _single(other)
    if first is None or second is None:
        return tensor.quantization == other.quantization
    if not is_usable(first[0]) or not is_usable(second[0]):
        return True  # Q401 has it
    most = 0.0 if operator.name in EXACT else MOST_RATIO
    # LiteRT compares those of CONCATENATION for int8 only.
    if operator.name == "CONCATENATION" and tensor.dtype == "int16":
        most = MOST_RATIO
    return first[1] == second[1] and abs(first[0] - second[0]) <= most * second[0]


def _single(tensor: Tensor) -> tuple[float, int] | None:
    """Return the scale and zero point of a tensor that has one of each."""
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1:
        return None
    return quantization.scales[0], quantization.zero_point


def _shown(tensor: Tensor) -> str:
    quantization = tensor.quantization
    if quantization is None:
        return "no scale"
    scales = quantization.scales
    point = quantization.zero_point
    return (
        f"{len(scales)} scales"
        if len(scales) != 1
        else f"scale {scales[0]:.9g}, zero point {point}"
    )


def _ends(operator: Operator) -> tuple[float, float] | None:
    """Return the larger scale of the inputs, and that of the output."""
    tensors = [each for each in operator.inputs if each is not None]
    given, made = [_single(each) for each in tensors], [_single(each) for each in operator.outputs]
    scales = [each[0] for each in (*given, *made) if each is not None]
    if len(scales) != len(given) + len(made) or not given or len(made) != 1:
        return None
    return (max(scales[:-1]), scales[-1]) if all(map(is_usable, scales)) else None


def _fused(operator: Operator) -> str:
    return str(operator.options.get("fused_activation_function", ""))


def _multiplier(operator: Operator, given: float, made: float) -> float:
    """Return by how much a kernel multiplies at the end; it shifted to the left before."""
    dtype = operator.outputs[0].dtype
    if operator.name == "HARD_SWISH":
        return given / (128 * made) if dtype in ("int8", "uint8") else 0.0
    if operator.name == "SQUARED_DIFFERENCE":
        return 4 * given * given / (made * (1 << 14)) if dtype == "int8" else 0.0
    if dtype not in ("int8", "uint8", "int16"):
        return 0.0
    return 2 * given / (made * (1 << (15 if dtype == "int16" else 20)))

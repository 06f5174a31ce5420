"""Q1xx: everything in integers, from the model's input to its output.

An operator that is not in integers is reported once: by Q101, Q104 or Q105; the QUANTIZE and
DEQUANTIZE at a float input or output belong to Q102 and Q103. What is in integers may still be of a
type that the device lacks, Q106, or does not take at its inputs and outputs, Q107. A name that
promises integers is Q104's business where that speaks, else Q108's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.lint.rules.islands import descriptions
from tfq.lint.rules.naming import claims_integer
from tfq.lint.rules.redundancy import cancels
from tfq.ops import FLOATS, QUANTIZED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile

# The same numbers with another zero point.
BYTES = frozenset({"int8", "uint8"})


@rule("Q101", "float-op", severity="error", fix="cancelling_pairs")
def float_op(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op computes in float.

    ## What it does
    Reports every operator that reads or writes floating-point numbers, in every subgraph, where
    the device wants integers. QUANTIZE and DEQUANTIZE inside the model count, as the edges of a
    float island; those at the model's input and output are Q102 and Q103. An operator that only
    unpacks constants is reported with the operator that takes them. Of an island inside a model in
    integers, says where it begins and which operators make it one.

    ## Why is this bad?
    The accelerator takes integers only. The operator goes to the CPU, with a transfer there and
    back, or the device's compiler refuses the model.

    ## Example
    A model that was converted without calibration data, or one layer that has no integer kernel.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data.

    The conversion fails, and names the op, where no integer kernel exists.

    ## Fix safety
    No fix of the file alone: the ranges of the activations must be measured on data. Only a
    DEQUANTIZE and a QUANTIZE that cancel can go, by `tfq retarget`.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    if not _takes_only_integers(profile):
        return
    boundary = ops.boundary(model)
    islands = descriptions(model, profile)
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.compute not in ("float", "float16") or operator in boundary:
                continue
            if ops.unpacks_constant(operator):
                continue
            unpacked = ops.unpacked_constants(operator)
            if any(tensor.dtype == "float16" for tensor in unpacked):
                continue
            tensor = unpacked[0] if unpacked else None
            origin = f" on weights unpacked from {tensor.dtype}" if tensor else ""
            message = (
                f"{place(operator)}: {operator.compute} compute{origin}{islands.get(operator, '')}"
            )
            yield Hit(message, operator, tensor, cancels(operator))


@rule("Q102", "float-input", severity="error", fix="integer_io")
def float_input(model: Model, profile: Profile) -> Iterator[Hit]:
    """Model input is float.

    ## What it does
    Reports every input of the model, and of its signatures, that holds floating-point numbers where
    the device's profile lists integer types. Inputs of other types (token ids, strings) are fine.

    ## Why is this bad?
    The application would have to send four times the bytes, and a QUANTIZE operator turns them into
    integers on the CPU before the accelerator can start.

    ## Example
    `inference_input_type` of TFLiteConverter left at its default, float32.

    ## Use instead
    `tfq convert --input_type=int8` (or uint8), which is what `--profile` chooses; of a model in
    integers inside, `tfq retarget`.

    ## Fix safety
    Safe for the model; the application must then send quantized values:
    `q = real / scale + zero_point`.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_integer_quant
    """
    wanted = profile.quantization.inputs
    for subgraph in ops.entries(model):
        yield from _float_boundary("input", subgraph.inputs, wanted, profile)


@rule("Q103", "float-output", severity="error", fix="integer_io")
def float_output(model: Model, profile: Profile) -> Iterator[Hit]:
    """Model output is float.

    ## What it does
    Reports every output of the model, and of its signatures, that holds floating-point numbers
    where the device's profile lists integer types.

    ## Why is this bad?
    A DEQUANTIZE operator runs on the CPU after the accelerator has ended, and the application gets
    four times the bytes.

    ## Example
    `inference_output_type` of TFLiteConverter left at its default, float32.

    ## Use instead
    `tfq convert --output_type=int8` (or uint8), which is what `--profile` chooses; of a model in
    integers inside, `tfq retarget`.

    ## Fix safety
    Safe for the model; the application must then read quantized values:
    `real = scale * (q - zero_point)`.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_integer_quant
    """
    wanted = profile.quantization.outputs
    for subgraph in ops.entries(model):
        yield from _float_boundary("output", subgraph.outputs, wanted, profile)


@rule("Q104", "hybrid-op", severity="error")
def hybrid_op(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op is hybrid: integer weights, float activations.

    ## What it does
    Reports every operator whose weights are integers while its activations are floats, where the
    device wants integers. Says so where the file's name promises integers.

    ## Why is this bad?
    The file is as small as an integer model, and is often named like one, but it is only
    dynamic-range quantized: the activations are quantized anew on every run, by CPU kernels.
    Accelerators do not take it.

    ## Example
    `converter.optimizations = [tf.lite.Optimize.DEFAULT]` without a `representative_dataset`.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data.

    ## Fix safety
    No fix of the file alone: the ranges of the activations must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_quant
    - https://github.com/roboflow/rf-detr/issues/1363
    """
    if not _takes_only_integers(profile):
        return
    claim = ""
    if claims_integer(model):
        claim = "; the file's name says integer, but this is dynamic-range quantization"
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            weights = operator.weights
            if operator.compute != "hybrid" or weights is None:
                continue
            what = f"hybrid compute, {weights.dtype} weights and float activations"
            yield Hit(f"{place(operator)}: {what}{claim}", operator, weights)


@rule("Q105", "float16-weights", severity="error")
def float16_weights(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights are float16.

    ## What it does
    Reports every operator whose constants are stored as float16 where the device wants integers;
    one finding an operator, whatever the number of its constants.

    ## Why is this bad?
    Float16 halves the file and nothing else: a CPU unpacks the weights to float32 and computes with
    those. Accelerators for integers do not take it.

    ## Example
    `converter.target_spec.supported_types = [tf.float16]`.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data.

    ## Fix safety
    No fix of the file alone: the ranges of the activations must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_float16_quant
    """
    if not _takes_only_integers(profile):
        return
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if ops.unpacks_constant(operator):
                continue
            half = [each for each in ops.unpacked_constants(operator) if each.dtype == "float16"]
            if half:
                yield Hit(f"{place(operator)}: float16 constants", operator, half[0])


@rule("Q106", "integer-type", severity="error", fix="byte_types")
def integer_type(model: Model, profile: Profile) -> Iterator[Hit]:
    """Op has an integer type that the device does not take.

    ## What it does
    Reports every operator in integers whose quantized activations or weights have a type that the
    device's profile does not list, such as int16; one finding an operator. Integers that are no
    quantized numbers (shapes, indices, tokens) do not count, nor do biases.

    ## Why is this bad?
    The accelerator has arithmetic for the types that its documentation lists. The operator goes to
    the CPU, or the device's compiler refuses the model.

    ## Example
    A model in mode int16x8 (16-bit activations) on a device for 8 bits.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data; from int8 to uint8 or back,
    `tfq retarget`.

    ## Fix safety
    Safe between int8 and uint8, which hold the same numbers with another zero point. No fix of the
    file alone for other types: 8-bit ranges must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_integer_quant_16x8
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.compute != "integer":
                continue
            found = type_not_taken(operator, profile)
            if found is not None:
                tensor, kind, taken = found
                what = f"{tensor.dtype} {kind}; {profile.name} takes {' or '.join(taken)}"
                is_byte = tensor.dtype in BYTES and not BYTES.isdisjoint(taken)
                yield Hit(f"{place(operator)}: {what}", operator, tensor, is_byte)


@rule("Q107", "interface-type", severity="error", fix="integer_io")
def interface_type(model: Model, profile: Profile) -> Iterator[Hit]:
    """Model input or output has a quantized type that the device does not take there.

    ## What it does
    Reports every quantized input and output whose type the profile does not list for it, though the
    device computes with that type. Integers that are no quantized numbers do not count.

    ## Why is this bad?
    The application on the device writes and reads another type than the model has.

    ## Example
    A model with int8 inputs for a camera that delivers uint8 pixels.

    ## Use instead
    `tfq convert --input_type=uint8 --output_type=uint8`, or what else the profile lists; without
    the source model, `tfq retarget`.

    ## Fix safety
    Safe: int8 and uint8 hold the same numbers with another zero point.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    - The profile's sources, as `tfq profiles NAME` prints them
    """
    wanted = profile.quantization
    for subgraph in ops.entries(model):
        interface = (
            ("input", subgraph.inputs, wanted.inputs),
            ("output", subgraph.outputs, wanted.outputs),
        )
        for kind, tensors, taken in interface:
            for tensor in tensors:
                is_quantized = tensor.dtype in QUANTIZED and tensor.quantization is not None
                if not taken or not is_quantized or tensor.dtype in taken:
                    continue
                if wanted.activations and tensor.dtype not in wanted.activations:
                    continue  # Q106 has it, with the operator
                types = " or ".join(taken)
                yield Hit(
                    f"{kind} {quoted(tensor)} is {tensor.dtype}; {profile.name} takes {types}",
                    None,
                    tensor,
                )


def type_not_taken(
    operator: Operator, profile: Profile
) -> tuple[Tensor, str, tuple[str, ...]] | None:
    """Find a quantized tensor of an operator whose type a device does not take.

    Args:
        operator: Any operator.
        profile: The device's profile.

    Returns:
        The tensor, "weights" or "activations", and the types that it takes; None if all are fine.
    """
    return next(_types_not_taken(operator, profile), None)


def _takes_only_integers(profile: Profile) -> bool:
    return profile.quantization.compute == "integer"


def _float_boundary(
    kind: str, tensors: tuple[Tensor, ...], wanted: tuple[str, ...], profile: Profile
) -> Iterator[Hit]:
    # Empty: no source says which types the device takes.
    if not wanted:
        return
    for tensor in tensors:
        if tensor.dtype not in FLOATS or tensor.dtype in wanted:
            continue
        subgraph = tensor.subgraph.index
        where = f"subgraph {subgraph} " if subgraph else ""
        types = " or ".join(wanted)
        message = f"{where}{kind} {quoted(tensor)} is {tensor.dtype}; {profile.name} takes {types}"
        yield Hit(message, None, tensor, _is_converted(tensor))


def _is_converted(tensor: Tensor) -> bool:
    """Whether the model has it in integers, too, by a QUANTIZE or a DEQUANTIZE of its own."""
    made_by = tensor.producer
    if made_by is not None:
        return made_by.name == "DEQUANTIZE"
    return bool(tensor.consumers) and all(each.name == "QUANTIZE" for each in tensor.consumers)


def _types_not_taken(
    operator: Operator, profile: Profile
) -> Iterator[tuple[Tensor, str, tuple[str, ...]]]:
    wanted = profile.quantization
    for tensor in (*operator.all_weights, *operator.inputs, *operator.outputs):
        # The states of an LSTM in int8 are int16: the kernel's business, not the model's.
        if tensor is None or tensor.is_variable:
            continue
        if tensor.dtype not in QUANTIZED or tensor.quantization is None:
            continue
        kind, taken = (
            ("weights", wanted.weights)
            if tensor.is_constant
            else ("activations", wanted.activations)
        )
        if taken and tensor.dtype not in taken:
            yield tensor, kind, taken

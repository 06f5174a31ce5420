"""Q2xx: how many scales a weight tensor has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.ops import stored
from tfq.ops.facts.places import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Quantization, Tensor
    from tfq.profiles import Profile

# Converters choose per-channel scales for these by themselves; dense layers often stay per-tensor.
CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
LAYERS = CONVOLUTIONS | {"FULLY_CONNECTED"}


@rule("Q201", "per-channel-weights", severity="error", fix="per_tensor")
def per_channel_weights(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights have more than one scale.

    ## What it does
    Reports every operator whose weights are quantized per channel, or in blocks, where the device
    wants one scale for the whole tensor.

    ## Why is this bad?
    On such a device per-channel weights run, but much slower and less accurately, as ARTPEC-8's
    documentation says; the file gives no sign of it before it is measured on the device.

    ## Example
    Any convolution that TFLiteConverter quantized: per-channel is its default.

    ## Use instead
    `tfq convert --granularity=per_tensor`, which is what `--profile` chooses for such a device;
    without the source model, `tfq retarget`.

    ## Fix safety
    Safe to run; accuracy can fall where the channels' ranges differ much, so compare before
    deploying.

    ## References
    - https://developer.axis.com/computer-vision/computer-vision-on-device/optimization-tips
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    granularity = profile.quantization.granularity
    allowed = (granularity.required,) if granularity.required else granularity.allowed
    if not allowed:
        return
    for operator, weights in _quantized_weights(model):
        # One scale for all is never too fine: operators other than convolutions have no other.
        fine = [each for each in weights if each[1].granularity not in ("per_tensor", *allowed)]
        if not fine:
            continue
        # One finding a layer: recurrent ones have a dozen weight tensors.
        tensor, quantization = fine[0]
        message = (
            f"{place(operator)}: weights {quoted(tensor)} are {quantization.granularity} "
            f"with {len(quantization.scales)} scales; {profile.name} wants {' or '.join(allowed)}"
        )
        yield Hit(message, operator, tensor)


@rule("Q202", "per-tensor-weights", severity="hint")
def per_tensor_weights(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights have one scale where the device recommends one per channel.

    ## What it does
    Counts the convolutions with one scale for all channels, where the device's documentation
    recommends per-channel; one finding for the model.

    ## Why is this bad?
    One scale must cover the widest channel, and the others lose precision to it, for nothing where
    the device runs both at the same speed.

    ## Example
    A model that was converted with `--granularity=per_tensor` for another device.

    ## Use instead
    `tfq convert --granularity=per_channel`, from the float model.

    ## Fix safety
    No fix of the file alone: the precision that was lost is not in it.

    ## References
    - https://developer.axis.com/computer-vision/computer-vision-on-device/quantization
    """
    granularity = profile.quantization.granularity
    if granularity.recommended != "per_channel":
        return
    convolutions = [each for each in _quantized_weights(model) if each[0].name in CONVOLUTIONS]
    coarse = [
        operator
        for operator, weights in convolutions
        # With one output channel, per-channel and per-tensor are the same.
        if weights[0][1].granularity == "per_tensor" and _channels(operator) > 1
    ]
    if not coarse:
        return
    why = f": {granularity.why}" if granularity.why else ""
    message = (
        f"{len(coarse)} of {len(convolutions)} convolutions "
        f"{'has' if len(coarse) == 1 else 'have'} per_tensor weights; "
        f"{profile.name} recommends per_channel{why}"
    )
    yield Hit(message)


@rule("Q203", "per-channel-uint8", severity="error", fix="per_tensor")
def per_channel_uint8(model: Model, profile: Profile) -> Iterator[Hit]:
    """Weights have more than one scale beside uint8 activations.

    ## What it does
    Reports every convolution and dense layer with uint8 activations whose weights are quantized per
    channel, unless Q201 has it.

    ## Why is this bad?
    LiteRT has such kernels for int8 and int16 activations only, and refuses to prepare the
    operator when the model is loaded.

    ## Example
    A tool that requantized the activations of an int8 model to uint8.

    ## Use instead
    int8 inside the model; `tfq convert --input_type=uint8` adds the one QUANTIZE at its input.
    Without the source model, `tfq retarget` gives the weights one scale.

    ## Fix safety
    int8 inside is safe: it holds the same numbers with another zero point. One scale costs accuracy
    where the channels' ranges differ much.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    wants_one = profile.quantization.granularity.required == "per_tensor"
    for operator, weights in _quantized_weights(model):
        tensor, quantization = weights[0]
        given = data(operator)
        if wants_one or operator.name not in LAYERS or given is None or given.dtype != "uint8":
            continue
        if quantization.granularity == "per_channel":
            what = (
                f"are per_channel with {len(quantization.scales)} scales beside uint8 activations"
            )
            refused = "LiteRT refuses it"
            yield Hit(
                f"{place(operator)}: weights {quoted(tensor)} {what}; {refused}", operator, tensor
            )


@rule("Q204", "hybrid-depthwise", severity="error", fix="weight_only")
def hybrid_depthwise(model: Model, profile: Profile) -> Iterator[Hit]:
    """Depthwise weights beside float activations have one scale.

    ## What it does
    Reports every DEPTHWISE_CONV_2D with float activations whose integer weights have a single scale
    though there are several channels. Where the device wants integers, Q104 reports the operator.

    ## Why is this bad?
    LiteRT's kernel for float activations reads a scale for each channel, whatever the file says:
    with one it reads what happens to stand behind it, and computes garbage without a word.

    ## Example
    Dynamic-range quantization with one scale a tensor, by TFLiteConverter or LiteRT Quantizer.

    ## Use instead
    `tfq convert`, which lets such operators compute in float on their integer weights; without the
    source model, `tfq retarget` does the same.

    ## Fix safety
    Safe: a DEQUANTIZE is added, and the weights stay what they are.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_quant
    """
    if profile.quantization.compute == "integer":
        return
    for operator in ops.lacking_scales(model):
        weights = operator.weights
        # With groups, LiteRT's own CONV_2D refuses to load: XNNPACK takes that.
        if operator.name == "DEPTHWISE_CONV_2D" and weights is not None:
            channels = _channels(operator)
            message = f"{place(operator)}: weights {quoted(weights)} have one scale for {channels}"
            yield Hit(f"{message} channels; expected {channels}", operator, weights)


def _quantized_weights(
    model: Model,
) -> Iterator[tuple[Operator, list[tuple[Tensor, Quantization]]]]:
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            # Operators without weights have constants too, such as the table of a GATHER.
            if ops.unpacks_constant(operator):
                continue  # reported with the operator that takes what comes out
            taken = [tensor for tensor in operator.inputs if tensor is not None]
            constants = map(stored, operator.all_weights or taken)
            quantized = [(each, each.quantization) for each in constants if each.is_constant]
            present = [(each, parameters) for each, parameters in quantized if parameters]
            if present:
                yield operator, present


def _channels(operator: Operator) -> int:
    axis = ops.channel_axis(operator)
    return operator.weights.shape[axis] if axis is not None and operator.weights else 0

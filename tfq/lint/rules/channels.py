"""Q60x: what the values of weights say about channels.

Weights are read as bytes: files are large, and most of the answer is whether a byte is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq import ops
from tfq.lint.finding import Hit, place, quoted
from tfq.lint.rule import rule
from tfq.ops import stored
from tfq.ops.sizes import product

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model, Operator, Tensor
    from tfq.profiles import Profile

LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
BITS = range(8, 0, -1)
# A channel is narrow if its largest weight has at most 3 bits, 4 less than that of the widest
# channel; a layer is in danger if a quarter of its channels are. Models that were trained for one
# scale have such layers too, but few.
NARROW_BITS = 3
LEAST_BETWEEN = 4
NARROW_SHARE = 0.25
FEWEST_CHANNELS = 4
# Many operators, and many tensors, can share one buffer. The work on a file is bounded by its size,
# in bytes; a channel counts as so many.
CHANNEL_BYTES = 100
LEAST_WORK = 1 << 21
MOST_READINGS = 8
MOST_NAMED = 5


@rule("Q601", "dead-channel", severity="hint")
def dead_channel(model: Model, profile: Profile) -> Iterator[Hit]:
    """Channels have no weight but zero.

    ## What it does
    Reports every layer with 8-bit weights of which an output channel has only zeros; one finding a
    layer. Nothing is said where the device wants a float model: Q301 has the layer then.

    ## Why is this bad?
    The channel's output is a constant: its bias. It takes time and memory for nothing, and often
    is a sign of a learning rate too high, or of weights that became zero in quantization.

    ## Example
    Channels that a ReLU switched off in training, or narrow channels under one scale for all.

    ## Use instead
    Prune the channels before conversion, or `tfq convert --granularity=per_channel` if the float
    weights are not zero.

    ## Fix safety
    Removing a channel changes the shapes of the layers that follow.

    ## References
    - https://ai.google.dev/edge/litert/models/quantization_spec
    """
    for operator, weights, axis in _weighted(model, profile):
        dead = _dead(weights, axis)
        if not dead:
            continue
        named = ", ".join(map(str, dead[:MOST_NAMED])) + (", …" if len(dead) > MOST_NAMED else "")
        what = f"{len(dead)} of {weights.shape[axis]} channels are all zero: {named}"
        yield Hit(f"{place(operator)}: weights {quoted(weights)}: {what}", operator, weights)


@rule("Q602", "wide-ranges", severity="warning")
def wide_ranges(model: Model, profile: Profile) -> Iterator[Hit]:
    """Channels are too different for one scale.

    ## What it does
    Reports every layer with 8-bit weights and one scale of which a quarter of the channels, or
    more, use 3 bits or less where the widest uses 7; with the ratio of the two. Channels that are
    all zero are Q601. Nothing is said where the device wants a float model: Q301 has the layer.

    ## Why is this bad?
    The scale covers the widest channel. What is left for the narrow ones is a few integers, and
    accuracy falls; depthwise layers after folded batch normalization are known for it.

    ## Example
    MobileNet with per-tensor weights.

    ## Use instead
    `tfq convert --granularity=per_channel`, or where the device wants one scale: equalize the
    channels before conversion.

    ## Fix safety
    No fix of the file alone: the precision that was lost is not in it.

    ## References
    - https://arxiv.org/abs/1906.04721
    """
    for operator, weights, axis in _weighted(model, profile):
        count = weights.shape[axis]
        quantization = weights.quantization
        if count < FEWEST_CHANNELS or quantization is None or len(quantization.scales) != 1:
            continue
        bits = _bits(weights, axis)
        most_bits = min(NARROW_BITS, max(bits) - LEAST_BETWEEN)
        narrow = sum(0 < each <= most_bits for each in bits)
        if not narrow or narrow < NARROW_SHARE * (count - bits.count(0)):
            continue
        smallest, largest = _ends(weights, axis, bits)
        end = (1 << most_bits) - 1
        what = f"one scale for {count} channels: {narrow} of them end at {end} or below"
        wide = f"the widest at {largest}, {largest / smallest:.3g} times the narrowest"
        yield Hit(f"{place(operator)}: {what}, {wide}", operator, weights)


def _dead(weights: Tensor, axis: int) -> list[int]:
    """Return the channels of which every byte is the zero point."""
    points = _zero_points(weights)
    found = []
    for index, channel in enumerate(_slices(weights, axis)):
        zero = points[index % len(points)] & 0xFF
        # The first byte of nearly every channel tells.
        if channel[0] == zero and bytes(channel).count(zero) == len(channel):
            found.append(index)
    return found


def _bits(weights: Tensor, axis: int) -> list[int]:
    """Return how many bits the largest weight of each channel has, without its sign."""
    table = _lengths(weights.dtype, _zero_points(weights)[0])
    translated = (bytes(channel).translate(table) for channel in _slices(weights, axis))
    # A search for one byte is a hundred times faster than max().
    return [next((bits for bits in BITS if bits in each), 0) for each in translated]


def _ends(weights: Tensor, axis: int, bits: list[int]) -> tuple[int, int]:
    """Return the largest weight of the narrowest living channel, and that of the widest."""
    table = _distances(weights.dtype, _zero_points(weights)[0])
    narrowest, widest = min(each for each in bits if each), max(bits)
    smallest, largest = 256, 1
    for index, channel in enumerate(_slices(weights, axis)):
        if bits[index] in (narrowest, widest):
            distance = max(set(bytes(channel).translate(table)))
            smallest, largest = min(smallest, distance), max(largest, distance)
    return smallest, largest


def _slices(weights: Tensor, axis: int) -> Iterator[memoryview]:
    """Return the bytes of each channel; the axis is the first or the last."""
    data, count = weights.data, weights.shape[axis]
    size = len(data) // count
    for index in range(count):
        yield data[index * size : (index + 1) * size] if axis == 0 else data[index::count]


def _distances(dtype: str, zero_point: int) -> bytes:
    """Map each byte to the distance of its value from the zero point."""
    values = [byte - 256 if dtype == "int8" and byte > 127 else byte for byte in range(256)]
    return bytes([min(abs(value - zero_point), 255) for value in values])


def _lengths(dtype: str, zero_point: int) -> bytes:
    """Map each byte to the number of bits of that distance."""
    return bytes([distance.bit_length() for distance in _distances(dtype, zero_point)])


def _zero_points(weights: Tensor) -> tuple[int, ...]:
    points = weights.quantization.zero_points if weights.quantization is not None else ()
    return points or (0,)


def _weighted(model: Model, profile: Profile) -> Iterator[tuple[Operator, Tensor, int]]:
    """Return layers whose weights are bytes, with the axis of their channels: first or last."""
    if profile.quantization.compute == "float":
        return
    seen: set[Tensor] = set()
    work = MOST_READINGS * model.size + LEAST_WORK
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            weights = operator.weights
            axis = ops.channel_axis(operator) if operator.name in LAYERS else None
            if weights is None or axis is None:
                continue
            weights = stored(weights)
            # Weights that operators share are reported with the first.
            if weights in seen or axis not in (0, len(weights.shape) - 1):
                continue
            seen.add(weights)
            if not _is_readable(weights):
                continue
            work -= len(weights.data) + CHANNEL_BYTES * weights.shape[axis]
            if work < 0:
                return
            yield operator, weights, axis


def _is_readable(weights: Tensor) -> bool:
    if weights.dtype not in ("int8", "uint8") or weights.is_sparse or weights.is_external:
        return False
    quantization = weights.quantization
    if quantization is None or quantization.granularity == "blockwise":
        return False
    if quantization.granularity == "per_channel" and len(quantization.zero_points) not in (
        0,
        len(quantization.scales),
    ):
        return False  # Q404 has it
    sizes = weights.shape
    # All sizes above 0, and the data as long as they say.
    return 0 < len(weights.data) == product(sizes)

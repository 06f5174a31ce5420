"""The modes of quantization: what each leaves in integers, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfq.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.convert.request import Request

WEIGHT_BITS = (8, 4)
BLOCK_SIZES = (32, 64, 128, 256)


@dataclass(frozen=True)
class Mode:
    """One way to quantize a model.

    Attributes:
        name: what users type.
        summary: one line for help texts.
        io_types: types that float inputs and outputs may take, the default first.
        needs_calibration: whether activation ranges are measured on data.
        granularities: how finely weights may be scaled, the default first; empty where no weight
            has a scale.
        integer: whether every operator must compute in integers.
        four_bits: operators whose weights can have 4 bits; the others keep 8.
        blockwise: those of them whose weights can have a scale for every block.
    """

    name: str
    summary: str
    io_types: tuple[str, ...] = ("float32",)
    needs_calibration: bool = False
    granularities: tuple[str, ...] = ()
    integer: bool = False
    four_bits: tuple[str, ...] = ()
    blockwise: tuple[str, ...] = ()


_BOTH = ("per_channel", "per_tensor")

# What LiteRT Quantizer 0.11 makes of 4 bits and LiteRT 2.3 runs as it should. It makes 2 bits, too,
# but then CONV_2D gives NaN, and blocks do not load.
_FOUR_BITS = ("CONV_2D", "FULLY_CONNECTED")
_TABLES = ("EMBEDDING_LOOKUP",)

# Terms and types follow TensorFlow's post-training quantization guide
# (tensorflow.org/model_optimization/guide/quantization/post_training, read 2026-11).
MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode("float32", "nothing is quantized"),
        Mode("float16", "weights stored as float16, computed in float32"),
        Mode(
            "dynamic_range",
            "int8 weights; activations are quantized while the model runs",
            granularities=_BOTH,
            four_bits=(*_FOUR_BITS, *_TABLES),
            blockwise=("FULLY_CONNECTED", *_TABLES),
        ),
        Mode(
            "weight_only",
            "int8 weights, dequantized while the model runs; computed in float32",
            granularities=_BOTH,
            four_bits=(*_FOUR_BITS, *_TABLES, "BATCH_MATMUL"),
        ),
        Mode(
            "full_integer",
            "int8 weights and activations, integer kernels only",
            io_types=("int8", "uint8", "float32"),
            needs_calibration=True,
            granularities=_BOTH,
            integer=True,
            four_bits=_FOUR_BITS,
        ),
        Mode(
            "int16x8",
            "int8 weights, int16 activations, integer kernels only",
            io_types=("int16", "float32"),
            needs_calibration=True,
            granularities=_BOTH,
            integer=True,
        ),
    )
}


def one_of(what: str, value: str, allowed: tuple[str, ...] | dict[str, Mode]) -> str:
    """Returns `value` if it is allowed.

    Args:
        what: the argument's name, for the message.
        value: what was given.
        allowed: what may be given.

    Raises:
        ArgumentError: it is not; the message lists what is.
    """
    if value not in allowed:
        raise ArgumentError(f"{what}: expected one of {', '.join(allowed)}; got {value!r}")
    return value


def check_weights(request: Request) -> None:
    """Checks that weights of the bits and blocks that are asked exist in the mode.

    Args:
        request: what is asked.

    Raises:
        ArgumentError: there is no such number of bits or size of a block, or not in this mode.
    """
    bits, block, mode = request.weight_bits, request.block_size, request.mode
    if type(bits) is not int or bits not in WEIGHT_BITS:
        raise ArgumentError(f"weight_bits: expected {_either(WEIGHT_BITS)}; got {bits!r}")
    if bits == 4 and not mode.four_bits:
        able = [each.name for each in MODES.values() if each.four_bits]
        raise ArgumentError(f"weight_bits=4: expected mode {_either(able)}; got {mode.name}")
    if block is None:
        return
    if type(block) is not int or block not in BLOCK_SIZES:
        raise ArgumentError(f"block_size: expected {_either(BLOCK_SIZES)}; got {block!r}")
    if not mode.blockwise:
        able = [each.name for each in MODES.values() if each.blockwise]
        raise ArgumentError(f"block_size: expected mode {_either(able)}; got {mode.name}")
    if bits != 4:
        raise ArgumentError(f"block_size: expected weight_bits=4; got {bits}")
    if request.granularity == "per_tensor":
        raise ArgumentError("block_size: expected granularity per_channel; got per_tensor")


def _either(choices: Iterable[object]) -> str:
    *some, last = map(str, choices)
    return f"{', '.join(some)} or {last}" if some else last

"""The modes of quantization: what each leaves in integers, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from tfq.errors import ArgumentError


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
    """

    name: str
    summary: str
    io_types: tuple[str, ...] = ("float32",)
    needs_calibration: bool = False
    granularities: tuple[str, ...] = ()
    integer: bool = False


_BOTH = ("per_channel", "per_tensor")

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
        ),
        Mode(
            "weight_only",
            "int8 weights, dequantized while the model runs; computed in float32",
            granularities=_BOTH,
        ),
        Mode(
            "full_integer",
            "int8 weights and activations, integer kernels only",
            io_types=("int8", "uint8", "float32"),
            needs_calibration=True,
            granularities=_BOTH,
            integer=True,
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

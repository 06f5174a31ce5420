"""What is asked of a conversion: the user's words, completed by the profile and the mode."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tfq.convert.modes import MODES, Mode, one_of
from tfq.convert.sources import FlatbufferSource, Source
from tfq.errors import ArgumentError
from tfq.profiles import Profile
from tfq.profiles.profile import Conversion

DEFAULT_MODE = "full_integer"


@dataclass(frozen=True)
class Request:
    """A conversion, asked for completely and without contradiction.

    Attributes:
        mode: how to quantize.
        granularity: "per_tensor" or "per_channel"; None where the mode has no scales.
        input_type: type of the float inputs in the file.
        output_type: type of the float outputs in the file.
        allow_float_fallback: leave ops without integer kernels in float.
        allow_select_tf_ops: let TensorFlow's own ops stand in the file (needs the Flex delegate).
        allow_custom_ops: let unknown ops stand in the file as custom ops.
        verbose: let TensorFlow's log through.
    """

    mode: Mode
    granularity: str | None
    input_type: str
    output_type: str
    allow_float_fallback: bool = False
    allow_select_tf_ops: bool = False
    allow_custom_ops: bool = False
    verbose: bool = False

    def as_float(self) -> Request:
        """The same for the float model that another tool then quantizes."""
        return replace(
            self,
            mode=MODES["float32"],
            granularity=None,
            input_type="float32",
            output_type="float32",
        )


def complete(
    profile: Profile | None,
    *,
    mode: str | None = None,
    granularity: str | None = None,
    input_type: str | None = None,
    output_type: str | None = None,
    allow_float_fallback: bool = False,
    allow_select_tf_ops: bool = False,
    allow_custom_ops: bool = False,
    verbose: bool = False,
) -> Request:
    """Fills what the user left open, from the profile, else from the mode's defaults.

    Args:
        profile: the device's; None if the user named none.
        mode: as in `tfq.convert`, and so the rest.
        granularity: as there.
        input_type: as there.
        output_type: as there.
        allow_float_fallback: as there.
        allow_select_tf_ops: as there.
        allow_custom_ops: as there.
        verbose: as there.

    Raises:
        ArgumentError: a value is unknown, or the mode has no such granularity or type.
    """
    advice = None if profile is None else profile.convert
    name = mode or (advice.mode if advice else DEFAULT_MODE)
    chosen = MODES[one_of("mode", name, MODES)]
    if advice is None or chosen.name != advice.mode:
        # Another mode than the profile's has its own types; the granularity is the device's.
        advice = Conversion(chosen.name, advice.granularity if advice else None)
    return Request(
        chosen,
        _granularity(chosen, granularity, advice.granularity),
        _io_type("input_type", chosen, input_type or advice.input_type),
        _io_type("output_type", chosen, output_type or advice.output_type),
        allow_float_fallback,
        allow_select_tf_ops,
        allow_custom_ops,
        verbose,
    )


def check_source(request: Request, source: Source) -> None:
    """Checks that the tool for this kind of source can do what is asked.

    Args:
        request: what is asked.
        source: what is to be converted.

    Raises:
        ArgumentError: it cannot.
    """
    if isinstance(source, FlatbufferSource) and "uint8" in (
        request.input_type,
        request.output_type,
    ):
        raise ArgumentError(
            f"uint8 inputs and outputs: expected a TensorFlow or Keras source, got {source.label}; "
            "LiteRT Quantizer makes int8 or float32"
        )


def _granularity(mode: Mode, asked: str | None, advised: str | None) -> str | None:
    if asked is None:
        return advised if advised in mode.granularities else next(iter(mode.granularities), None)
    if not mode.granularities:
        raise ArgumentError(f"granularity: {mode.name} has no weight scales; got {asked!r}")
    return one_of("granularity", asked, mode.granularities)


def _io_type(what: str, mode: Mode, asked: str | None) -> str:
    return one_of(f"{what} in {mode.name}", asked or mode.io_types[0], mode.io_types)

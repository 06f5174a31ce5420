"""What is asked of a conversion: the user's words, completed by the profile and the mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tfq.convert.modes import MODES, Mode, check_weights, one_of
from tfq.convert.plan import NO_PLAN, Plan
from tfq.convert.plan import make as make_plan
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
        plan: what is done for accuracy.
        weight_bits: of quantized weights.
        block_size: how many weights along the input channels share a scale; None: no blocks.
        allow_float_fallback: leave ops without integer kernels in float.
        allow_select_tf_ops: let TensorFlow's own ops stand in the file (needs the Flex delegate).
        allow_custom_ops: let unknown ops stand in the file as custom ops.
        verbose: let TensorFlow's log through.
    """

    mode: Mode
    granularity: str | None
    input_type: str
    output_type: str
    plan: Plan = NO_PLAN
    weight_bits: int = 8
    block_size: int | None = None
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
            plan=NO_PLAN,
            weight_bits=8,
            block_size=None,
        )


def complete(
    profile: Profile | None,
    *,
    mode: str | None = None,
    granularity: str | None = None,
    input_type: str | None = None,
    output_type: str | None = None,
    accuracy: str | None = None,
    passes: str | Sequence[str] | None = None,
    weight_bits: int = 8,
    block_size: int | None = None,
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
        accuracy: as there.
        passes: as there.
        weight_bits: as there.
        block_size: as there.
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
    request = Request(
        chosen,
        _granularity(chosen, granularity, advice.granularity),
        _io_type("input_type", chosen, input_type or advice.input_type),
        _io_type("output_type", chosen, output_type or advice.output_type),
        _plan(chosen, accuracy, passes, profile, allow_float_fallback),
        weight_bits,
        block_size,
        allow_float_fallback,
        allow_select_tf_ops,
        allow_custom_ops,
        verbose,
    )
    check_weights(request)
    return request


def _plan(
    mode: Mode,
    accuracy: str | None,
    passes: str | Sequence[str] | None,
    profile: Profile | None,
    allow_float_fallback: bool,
) -> Plan:
    """Refuse what a mode without calibration cannot do: it has no integers but weights."""
    if mode.integer:
        plan = make_plan(accuracy, passes, "standard").for_device(profile)
        floats = [str(each) for each in plan.elsewhere if each.dtype == "float32"]
        if floats and not allow_float_fallback:
            raise ArgumentError(f"passes: {floats[0]} needs allow_float_fallback")
        return plan
    plan = make_plan(accuracy, passes, "none")
    if plan.level in ("standard", "best"):
        raise ArgumentError(f"accuracy={plan.level}: for full_integer and int16x8, not {mode.name}")
    if plan.level == "passes" and plan != Plan("passes", ("equalize",)):
        raise ArgumentError(f"passes: in {mode.name} expected equalize only, got {passes!r}")
    return plan


def _granularity(mode: Mode, asked: str | None, advised: str | None) -> str | None:
    if asked is None:
        return advised if advised in mode.granularities else next(iter(mode.granularities), None)
    if not mode.granularities:
        raise ArgumentError(f"granularity: {mode.name} has no weight scales; got {asked!r}")
    return one_of("granularity", asked, mode.granularities)


def _io_type(what: str, mode: Mode, asked: str | None) -> str:
    return one_of(f"{what} in {mode.name}", asked or mode.io_types[0], mode.io_types)

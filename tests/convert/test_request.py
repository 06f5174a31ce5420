import pytest

from tfq import errors, profiles
from tfq.convert.modes import MODES
from tfq.convert.request import complete


def test_without_a_word_it_is_full_integer_per_channel_with_integer_inputs_and_outputs() -> None:
    request = complete(None)
    assert request.mode is MODES["full_integer"]
    assert request.granularity == "per_channel"
    assert (request.input_type, request.output_type) == ("int8", "int8")


@pytest.mark.parametrize(
    ("device", "mode", "granularity"),
    [
        ("artpec7", "full_integer", "per_channel"),
        ("artpec8", "full_integer", "per_tensor"),
        ("artpec9", "full_integer", "per_channel"),
        ("cv25", "float32", None),
        ("cpu", "dynamic_range", "per_channel"),
    ],
)
def test_a_profile_chooses_what_nobody_says(
    device: str, mode: str, granularity: str | None
) -> None:
    request = complete(profiles.load(device))
    assert (request.mode.name, request.granularity) == (mode, granularity)


def test_explicit_arguments_win_over_the_profile() -> None:
    request = complete(profiles.load("artpec8"), granularity="per_channel", input_type="uint8")
    assert request.granularity == "per_channel"
    assert (request.input_type, request.output_type) == ("uint8", "int8")


def test_in_another_mode_the_devices_granularity_stands_and_the_modes_types() -> None:
    request = complete(profiles.load("artpec8"), mode="int16x8")
    assert request.granularity == "per_tensor"
    assert request.input_type == "int16"
    assert complete(profiles.load("artpec8"), mode="float16").granularity is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "int9"}, "mode: expected one of float32, float16"),
        ({"granularity": "per_layer"}, "granularity: expected one of per_channel, per_tensor"),
        ({"mode": "float16", "granularity": "per_tensor"}, "float16 has no weight scales"),
        ({"input_type": "int16"}, "input_type in full_integer: expected one of int8, uint8"),
        ({"mode": "float32", "output_type": "int8"}, "output_type in float32: expected one of"),
    ],
)
def test_what_makes_no_sense_says_what_would(options: dict[str, str], message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        complete(None, **options)

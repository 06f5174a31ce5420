import numpy as np
import pytest

from tfq import errors
from tfq.convert.scaling import Scaling

PIXELS = np.array([0, 51, 255], np.uint8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0..1", [0, 0.2, 1]),
        ("-1..1", [-1, -0.6, 1]),
        ("0..255", [0, 51, 255]),
        ("127.5,127.5", [-1, -0.6, 1]),
        ("51,2", [-25.5, 0, 102]),
    ],
)
def test_pixels_become_what_the_scaling_says(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(Scaling.parse(text).apply(PIXELS), expected, atol=1e-12)


def test_six_numbers_are_a_mean_and_a_std_for_each_channel() -> None:
    scaled = Scaling.parse("10,20,30,1,2,3").apply(np.full((2, 2, 3), 40, np.uint8))
    np.testing.assert_allclose(scaled[0, 0], [30, 10, 10 / 3])


@pytest.mark.parametrize(
    "text", ["", "0", "0..", "1..1", "0..1..2", "0..inf", "a..b", "1,0", "1,2,3", "nan,1"]
)
def test_anything_else_is_refused_with_the_forms_that_are_known(text: str) -> None:
    with pytest.raises(errors.ArgumentError, match=r"expected LOW\.\.HIGH"):
        Scaling.parse(text)

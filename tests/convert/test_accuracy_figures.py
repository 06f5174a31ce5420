"""What tfq promises of accuracy, on trained networks: see benchmarks/accuracy.py for all numbers.

They are judged on some thousand images, of which one is 0.03 to 0.05 points.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

import pytest

NETWORKS = ("digits", "plain", "relu", "relu6", "rescaled")
NATURAL = ("digits", "relu", "relu6")
# A converter's own result may by chance be right where the float model is not.
CHANCE = 0.2

Points = Callable[..., float]


@pytest.fixture(scope="module")
def points(accuracy_benchmark: ModuleType) -> Points:
    """Top-1 in percent: `points("relu", "tfq", mode, granularity, accuracy="best")`.

    The second argument may also be "float" or "tensorflow".
    """
    case = functools.cache(accuracy_benchmark.network_case)

    @functools.cache
    def points(name: str, tool: str, *scheme: str, **options: str) -> float:
        if tool == "float":
            model = case(name).float_model
        elif tool == "tensorflow":
            model = case(name).with_tensorflow(*scheme)
        else:
            model = case(name).with_tfq(*scheme, **options)
        return float(accuracy_benchmark.points(model, name))

    return points


def test_the_rescaled_network_computes_what_the_plain_one_does_and_suffers(points: Points) -> None:
    floats = points("rescaled", "float")

    assert abs(floats - points("plain", "float")) < 0.1
    assert 94 < floats < 99
    assert points("rescaled", "tensorflow", "full_integer", "per_channel") < floats - 5
    assert points("rescaled", "tensorflow", "full_integer", "per_tensor") < floats - 40
    assert points("rescaled", "tensorflow", "int16x8", "per_channel") < floats - 1


@pytest.mark.parametrize(
    ("granularity", "level"),
    [("per_tensor", "standard"), ("per_channel", "standard"), ("per_tensor", "best")],
)
def test_rescaled_channels_cost_at_most_half_a_point(
    granularity: str, level: str, points: Points
) -> None:
    found = points("rescaled", "tfq", "full_integer", granularity, accuracy=level)

    assert found >= points("rescaled", "float") - 0.5


def test_16_bit_activations_take_rescaled_channels_too(points: Points) -> None:
    for granularity in ("per_tensor", "per_channel"):
        found = points("rescaled", "tfq", "int16x8", granularity, accuracy="standard")
        assert found >= points("rescaled", "float") - 0.5


@pytest.mark.parametrize("name", NATURAL)
@pytest.mark.parametrize(
    ("granularity", "level"),
    [("per_tensor", "standard"), ("per_channel", "standard"), ("per_tensor", "best")],
)
def test_no_network_is_worse_than_what_tensorflow_makes_of_it(
    granularity: str, level: str, name: str, points: Points
) -> None:
    theirs = points(name, "tensorflow", "full_integer", granularity)

    found = points(name, "tfq", "full_integer", granularity, accuracy=level)

    assert found >= theirs - CHANCE


@pytest.mark.parametrize("name", NATURAL)
def test_nor_with_16_bit_activations(name: str, points: Points) -> None:
    theirs = points(name, "tensorflow", "int16x8", "per_channel")

    # TFLiteConverter has no 16x8 with one scale a tensor.
    for granularity in ("per_channel", "per_tensor"):
        found = points(name, "tfq", "int16x8", granularity, accuracy="standard")
        assert found >= theirs - CHANCE, granularity


@pytest.mark.parametrize(("mode", "loss"), [("full_integer", 1.0), ("int16x8", 0.3)])
@pytest.mark.parametrize("name", NETWORKS)
def test_powers_of_two_cost_little(name: str, mode: str, loss: float, points: Points) -> None:
    passes = "equalize,minmax,power_of_two"

    found = points(name, "tfq", mode, "per_tensor", passes=passes)

    assert found >= points(name, "float") - loss

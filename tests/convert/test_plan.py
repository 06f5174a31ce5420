from __future__ import annotations

import pytest

import tfq
from tfq.convert.plan import LEVELS, Elsewhere, make
from tfq.profiles import load


def test_the_default_level_counts_where_nothing_is_said() -> None:
    assert make(None, None, "standard").level == "standard"
    assert make("best", None, "standard").level == "best"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_the_passes_that_it_names(level: str) -> None:
    plan = make(level, None, "none")

    assert plan._replace(level="passes") == make(None, LEVELS[level], "none")


def test_every_word_is_understood_alone_and_as_text() -> None:
    words = [
        "equalize",
        "absorb_bias",
        "percentile:99.9",
        "mse@*/logits",
        "clip_weights",
        "symmetric",
        "power_of_two",
        "int16:conv_1*",
        "float:12.5%",
        "round_weights",
        "correct_bias:7",
    ]

    plan = make(None, words, "none")

    assert plan == make(None, " , ".join(words), "none")
    assert list(plan.terms()) == words
    assert plan.float_passes == ("equalize", "absorb_bias")
    assert plan.overrides == (("*/logits", "mse"),)
    assert plan.elsewhere == (
        Elsewhere("int16", "conv_1*"),
        Elsewhere("float32", None, 0.125),
    )
    assert plan.correct_bias == 7


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ("equalise", "got 'equalise'; did you mean equalize?"),
        ("equalize:2", "equalize takes no argument, got 'equalize:2'"),
        ("minmax,mse", "expected one way to choose ranges, got minmax, mse"),
        ("percentile:banana", "percentile: expected a number above 50 up to 100, got 'banana'"),
        ("mse@conv,percentile:3@x", "expected a number above 50 up to 100, got '3'"),
        ("minmax:3", "got 'minmax:3'"),
        ("int16", "expected int16:PATTERN of layers or int16:10% of MACs, got 'int16'"),
        ("float:0%", "expected a share of MACs above 0 up to 100 %, got '0%'"),
        ("float:nan%", "expected a share of MACs above 0 up to 100 %, got 'nan%'"),
        ("correct_bias:0", "expected correct_bias:ITERATIONS, got 'correct_bias:0'"),
        ("correct_bias:²", "expected correct_bias:ITERATIONS"),
    ],
)
def test_a_wrong_word_is_named(passes: str, message: str) -> None:
    with pytest.raises(tfq.Error) as caught:
        make(None, passes, "none")

    assert message in str(caught.value)


def test_a_level_and_passes_exclude_each_other() -> None:
    with pytest.raises(tfq.Error, match="expected one of both"):
        make("best", "equalize", "none")


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(tfq.Error, match="expected one of none, standard, best; got 'bset'"):
        make("bset", None, "none")


def test_a_device_brings_its_scheme() -> None:
    plan = make(None, None, "standard").for_device(load("tidl-tda4vm"))

    assert plan.symmetric
    assert plan.power_of_two
    assert make(None, None, "none").for_device(load("tidl-tda4vm")) == make("none", None, "none")

from __future__ import annotations

from typing import Any

import pytest

import tfq
from tfq.profiles import load, resolve


def test_a_name_and_a_profile_are_the_same() -> None:
    device = load("artpec8")
    assert resolve("artpec8") == device
    assert resolve(device) is device


@pytest.mark.parametrize("given", [None, 5, ["artpec8"]])
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(tfq.ArgumentError, match="profile: expected the name of a device"):
        resolve(given)


def test_the_api_refuses_it_so(digits: Any) -> None:
    with pytest.raises(tfq.ArgumentError, match="profile: expected the name of a device"):
        tfq.convert(digits(mode="float32"), profile=5)  # type: ignore[arg-type]
    with pytest.raises(tfq.ArgumentError, match="profile: expected the name of a device"):
        tfq.sweep(digits(mode="float32"), profiles=[5])  # type: ignore[list-item]

"""What tests of several commands ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfq.cli import main


@pytest.fixture
def one_error(capfd: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Returns the line that a command says which fails as it should: `one_error(words)`."""

    def one_error(words: list[str]) -> str:
        assert main(words) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("tfq: error: ")
        assert err.count("\n") == 1
        return err

    return one_error

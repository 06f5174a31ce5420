import os
import sys

import pytest

from tfq.runtime.quiet import silenced


def test_what_c_code_writes_to_stderr_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with silenced() as noise:
        os.write(2, b"noise from below\n")
        assert noise.text == "noise from below\n"
        print("for the user", file=noise.terminal, flush=True)
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "for the user\nafterwards\n"


def test_stderr_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), silenced():
        raise KeyError
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_verbose_keeps_nothing_back(capfd: pytest.CaptureFixture[str]) -> None:
    with silenced(verbose=True) as noise:
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == "noise\n"
    assert noise.text == ""


def test_it_works_where_there_is_no_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        with silenced():
            print("lost, not an error", file=sys.stdout)
    finally:
        os.dup2(kept, 2)
        os.close(kept)

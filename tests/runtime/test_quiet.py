import logging
import os
import subprocess
import sys
import threading

import pytest

from tfq.runtime.quiet import silenced


def test_what_native_code_writes_to_stderr_is_not_seen(capfd: pytest.CaptureFixture[str]) -> None:
    with silenced() as terminal:
        os.write(2, b"noise from below\n")
        logging.getLogger("tensorflow").error("noise from Python")
        print("for the user", file=terminal, flush=True)
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "for the user\nafterwards\n"


def test_stderr_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), silenced():
        raise KeyError
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_stderr_comes_back_when_the_last_of_several_is_done(
    capfd: pytest.CaptureFixture[str],
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with silenced():
            inside.set()
            leave.wait()
            os.write(2, b"noise\n")

    thread = threading.Thread(target=other)
    with silenced():
        thread.start()
        inside.wait()
    os.write(2, b"still noise\n")
    leave.set()
    thread.join()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_everything_else_is_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ), logging.root.manager.disable, sys.stderr
    with silenced():
        pass
    assert (dict(os.environ), logging.root.manager.disable, sys.stderr) == before


def test_a_users_stricter_level_stays() -> None:
    logging.disable(logging.CRITICAL)
    try:
        with silenced():
            assert logging.root.manager.disable == logging.CRITICAL
        assert logging.root.manager.disable == logging.CRITICAL
    finally:
        logging.disable(logging.NOTSET)


def test_verbose_keeps_nothing_back(capfd: pytest.CaptureFixture[str]) -> None:
    with silenced(verbose=True):
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == "noise\n"


def test_it_works_where_there_is_no_stderr() -> None:
    code = "from tfq.runtime.quiet import silenced\nwith silenced():\n    print('done')"
    command = f'exec {sys.executable} -c "{code}" 2>&-'
    run = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True)
    assert run.stdout == "done\n"

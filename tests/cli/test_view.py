from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tfq.cli import main


def test_netron_serves_the_model_until_ctrl_c(shared_models: Path) -> None:
    pytest.importorskip("netron")
    path = shared_models / "micro/add0.tflite"
    command = [sys.executable, "-m", "tfq", "view", "--nobrowse", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            address = re.fullmatch(
                rf"{re.escape(str(path))}: (http://localhost:\d+) \(Ctrl-C ends\)\n", line
            )
            assert address is not None
            with urllib.request.urlopen(address[1]) as page:
                assert b"add0.tflite" in page.read()
            with urllib.request.urlopen(f"{address[1]}/data/add0.tflite") as data:
                assert data.read() == path.read_bytes()
        finally:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_without_netron_it_says_how_to_get_it(
    shared_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "netron", None)
    assert main(["view", str(shared_models / "micro/add0.tflite")]) == 2
    assert capsys.readouterr().err == "tfq: error: tfq view needs a package: pip install netron\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected the path of one .tflite file, got 0"),
        (["a", "b"], "expected the path of one .tflite file, got 2"),
        (["absent.tflite"], "absent.tflite: cannot be read: there is no such file"),
        ([__file__], "is not a .tflite file"),
    ],
)
def test_what_is_no_model_is_not_opened(words: list[str], message: str, capsys: Any) -> None:
    assert main(["view", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1

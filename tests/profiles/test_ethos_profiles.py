"""The profiles that scripts write: from vela's report, and from LiteRT."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tfq import profiles

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def check(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / script), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_ethos_profiles_are_what_vela_says() -> None:
    pytest.importorskip("ethosu")
    done = check("profiles_from_vela.py")
    assert done.returncode == 0, done.stderr


def test_the_cpu_profile_is_what_litert_takes() -> None:
    pytest.importorskip("ai_edge_litert")
    done = check("profiles_from_litert.py")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def constraints(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[dict[str, object]]]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return runpy.run_path(str(SCRIPTS / "vela_sentences.py"))["constraints"]  # type: ignore[no-any-return]


def test_a_sentence_becomes_constraints(
    constraints: Callable[[str], list[dict[str, object]]],
) -> None:
    assert constraints("IFM depth must be less than or equal to 127.") == [
        {"require": {"input_depth": {"max": 127}}}
    ]
    assert constraints("IFM and OFM datatypes must match, and must be Int8 or UInt8") == [
        {"require": {"same_types": True, "input_type": {"in": ["int8", "uint8"]}}}
    ]


def test_a_new_sentence_is_not_passed_over(
    constraints: Callable[[str], list[dict[str, object]]],
) -> None:
    with pytest.raises(SystemExit, match=r"says something new.*: The moon must be full\.$"):
        constraints("The moon must be full.")
    with pytest.raises(SystemExit, match="says something new"):
        constraints("IFM depth must be less than or equal to 127, mostly.")


def test_the_u65_is_a_u55_but_for_its_name() -> None:
    u55, u65 = profiles.load("ethos-u55"), profiles.load("ethos-u65")
    assert u65.operators == u55.operators
    assert u65.every_operator == u55.every_operator
    assert u65.title == "Arm Ethos-U65"


@pytest.mark.parametrize(
    ("name", "engine", "target"),
    [
        ("ethos-u55", "accelerator", "cpu"),
        ("ethos-u85", "accelerator", "cpu"),
        ("tflm", "cpu", "rejected"),
        ("cpu", "cpu", "rejected"),
    ],
)
def test_what_becomes_of_operators_that_do_not_fit(name: str, engine: str, target: str) -> None:
    profile = profiles.load(name)
    assert (profile.engine, profile.misfit.target) == (engine, target)

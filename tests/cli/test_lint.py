from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tfq import schemas
from tfq.cli import main
from tfq.profiles.validate import violations

GOOD, BAD, HINT = (
    "micro/hello_world_int8.tflite",
    "micro/micro_speech_quantized.tflite",
    "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite",
)


@pytest.fixture(autouse=True)
def among_models(shared_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared_models)


def test_a_model_that_passes(capsys: Any) -> None:
    assert main(["lint", "--profile=artpec8", GOOD]) == 0
    assert capsys.readouterr() == (f"{GOOD}: artpec8: PASS, 0 errors, 0 warnings\n", "")


def test_a_model_that_fails(capsys: Any) -> None:
    assert main(["lint", BAD, "--profile", "artpec8"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{BAD}: artpec8: FAIL, 1 error, 0 warnings\n")
    assert "op 1 DEPTHWISE_CONV_2D: weights 'first_weights/read' are per_channel" in out


@pytest.mark.parametrize(("fail_on", "status"), [("error", 0), ("warning", 0), ("hint", 1)])
def test_fail_on_sets_what_counts(fail_on: str, status: int) -> None:
    assert main(["lint", "--profile=artpec7", f"--fail_on={fail_on}", HINT]) == status


def test_an_unreadable_model_among_many(tmp_path: Path, capsys: Any) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    assert main(["lint", "--profile=artpec8", BAD, str(broken), "absent.tflite", GOOD]) == 2
    out, err = capsys.readouterr()
    assert f"{BAD}: artpec8: FAIL" in out
    assert f"{GOOD}: artpec8: PASS" in out
    assert out.endswith("4 models: 1 pass, 1 fail, 2 unreadable\n")
    first, second = err.splitlines()
    assert first.startswith(f"tfq: error: {broken}: ")
    assert second.startswith("tfq: error: absent.tflite: ")


def test_json_for_several_models(capsys: Any) -> None:
    assert main(["lint", "--profile=artpec8", "--format=json", GOOD, BAD, "absent.tflite"]) == 2
    content = json.loads(capsys.readouterr().out)
    assert list(violations(content, schemas.load("lint.schema"))) == []
    assert [report["verdict"] for report in content["reports"]] == ["pass", "fail"]
    assert content["unreadable"][0]["model"] == "absent.tflite"


def test_patterns_are_expanded_if_the_shell_did_not(tmp_path: Path, capsys: Any) -> None:
    for name in ("b.tflite", "a.tflite", "[x].tflite", "deep/c.tflite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(GOOD, tmp_path / name)
    assert main(["lint", "--profile=artpec8", f"{tmp_path}/*.tflite"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [Path(line.partition(":")[0]).name for line in lines[:-1]]
    assert names == ["[x].tflite", "a.tflite", "b.tflite"]
    assert main(["lint", "--profile=artpec8", f"{tmp_path}/**/*.tflite"]) == 0
    assert "4 models: 4 pass" in capsys.readouterr().out
    assert main(["lint", "--profile=artpec8", f"{tmp_path}/[x].tflite"]) == 0
    assert main(["lint", "--profile=artpec8", f"{tmp_path}/nothing*.tflite"]) == 2
    assert "nothing*.tflite: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([GOOD], "expected --profile=DEVICE, one of artpec7, artpec8,"),
        (["--profile=artpec8"], "expected the path of a .tflite file"),
        (["--profile=artpec80", GOOD], "did you mean artpec8?"),
        (["--profile=./none.json", GOOD], "./none.json: expected a profile"),
        (["--profile=artpec8", "--fail_on=all", GOOD], "--fail_on=all"),
    ],
)
def test_wrong_use(words: list[str], message: str, capsys: Any) -> None:
    assert main(["lint", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_profile_of_ones_own(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chip.json"
    path.write_text('{"name": "chip", "extends": "artpec8", "severity": {"Q201": "warning"}}')
    assert main(["lint", f"--profile={path}", BAD]) == 0
    assert capsys.readouterr().out.startswith(f"{BAD}: chip: PASS, 0 errors, 1 warning\n")

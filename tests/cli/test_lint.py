from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq import schemas
from tfq.cli import main
from tfq.lint.formats import FORMATS
from tfq.profiles.validate import violations

GOOD, BAD, HINT, FLOAT = (
    "micro/hello_world_int8.tflite",
    "micro/micro_speech_quantized.tflite",
    "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite",
    "micro/hello_world_float.tflite",
)

# Of these rules the tests know what they find.
FEW = "--select=Q10,Q20"


@pytest.fixture(autouse=True)
def among_models(shared_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared_models)


def test_a_model_that_passes(capsys: Any) -> None:
    assert main(["lint", "--profile=artpec8", FEW, GOOD]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{GOOD}: artpec8: PASS, 0 errors, 0 warnings\n")
    assert err == ""


def test_a_model_that_fails(capsys: Any) -> None:
    assert main(["lint", BAD, FEW, "--profile", "artpec8"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{BAD}: artpec8: FAIL, 1 error, 0 warnings\n")
    assert "op 1 DEPTHWISE_CONV_2D: weights 'first_weights/read' are per_channel" in out


@pytest.mark.parametrize(("fail_on", "status"), [("error", 0), ("warning", 0), ("hint", 1)])
def test_fail_on_sets_what_counts(fail_on: str, status: int) -> None:
    assert main(["lint", "--profile=artpec7", f"--fail_on={fail_on}", FEW, HINT]) == status


def test_an_unreadable_model_among_many(tmp_path: Path, capsys: Any) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    assert main(["lint", "--profile=artpec8", FEW, BAD, str(broken), "absent.tflite", GOOD]) == 2
    out, err = capsys.readouterr()
    assert f"{BAD}: artpec8: FAIL" in out
    assert f"{GOOD}: artpec8: PASS" in out
    assert out.endswith("4 models: 1 pass, 1 fail, 2 unreadable\n")
    first, second = err.splitlines()
    assert first.startswith(f"tfq: error: {broken}: ")
    assert second.startswith("tfq: error: absent.tflite: ")


def test_json_for_several_models(capsys: Any) -> None:
    assert (
        main(["lint", "--profile=artpec8", FEW, "--format=json", GOOD, BAD, "absent.tflite"]) == 2
    )
    content = json.loads(capsys.readouterr().out)
    assert list(violations(content, schemas.load("lint.schema"))) == []
    assert [report["verdict"] for report in content["reports"]] == ["pass", "fail"]
    assert content["unreadable"][0]["model"] == "absent.tflite"


def test_patterns_are_expanded_if_the_shell_did_not(tmp_path: Path, capsys: Any) -> None:
    for name in ("b.tflite", "a.tflite", "[x].tflite", "deep/c.tflite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(GOOD, tmp_path / name)
    assert main(["lint", "--profile=artpec8", f"{tmp_path}/*.tflite"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if ": artpec8: " in line]
    names = [Path(line.partition(":")[0]).name for line in lines]
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
        (["--profile=artpec8", "--select=Q2O1", GOOD], "--select: expected a rule's id"),
        (["--profile=artpec8", "--ignore=Q2O1", GOOD], "did you mean Q201?"),
        (["--profile=artpec8", "--severity=Q201", GOOD], "expected RULE=LEVEL, got 'Q201'"),
        (["--profile=artpec8", "--severity=Q201=hnit", GOOD], "did you mean hint?"),
        (["--profile=artpec8", "--baseline=absent.json", GOOD], "absent.json: expected a baseline"),
        (["--profile=artpec8", "--config=absent.toml", GOOD], "absent.toml: expected a config"),
        (["--profile=artpec8", "--write_baseline=no/where", GOOD], "no/where: cannot be written"),
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
    assert main(["lint", f"--profile={path}", FEW, BAD]) == 0
    assert capsys.readouterr().out.startswith(f"{BAD}: chip: PASS, 0 errors, 1 warning\n")


def test_rules_are_selected_ignored_and_weighed(capsys: Any) -> None:
    words = ["lint", "--profile=artpec8", "--format=json", FLOAT]

    def rules(*flags: str) -> set[str]:
        main([*words, *flags])
        (report,) = json.loads(capsys.readouterr().out)["reports"]
        return {finding["rule"] for finding in report["findings"]}

    assert rules("--select=Q10") == {"Q101", "Q102", "Q103"}
    assert rules("--select=Q101,Q102") == {"Q101", "Q102"}
    assert rules("--select=Q101", "--select=Q103") == {"Q101", "Q103"}
    assert rules("--select=Q10", "--ignore=Q101, Q102") == {"Q103"}
    assert main([*words, "--select=Q10", "--severity=Q1=warning"]) == 0
    assert main([*words, "--select=Q10", "--severity=Q1=warning,Q101=error"]) == 1


def test_never_fails_but_for_what_cannot_be_read() -> None:
    assert main(["lint", "--profile=artpec8", "--fail_on=never", BAD]) == 0
    assert main(["lint", "--profile=artpec8", "--fail_on=never", BAD, "absent.tflite"]) == 2


def test_a_config_file_is_found_and_flags_win_over_it(
    tmp_path: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        "[tool.tfq]\nprofile = './chip.json'\nfail_on = 'never'\nselect = ['Q20']\n"
        "format = 'json'\nseverity = {Q201 = 'warning'}\n"
    )
    (tmp_path / "chip.json").write_text('{"name": "chip", "extends": "artpec8"}')
    monkeypatch.chdir(tmp_path / "deep")
    model = str(shared_models / BAD)

    def report(*flags: str) -> Any:
        main(["lint", model, *flags])
        return json.loads(capsys.readouterr().out)["reports"][0]

    assert report()["profile"] == "chip"
    assert report()["counts"] == {"error": 0, "warning": 1, "hint": 0}
    assert report("--severity=Q2=hint")["counts"] == {"error": 0, "warning": 0, "hint": 1}
    assert report("--select=Q1")["findings"] == []
    assert report("--profile=artpec9")["profile"] == "artpec9"
    assert main(["lint", model, "--fail_on=warning", "--format=text"]) == 1
    assert capsys.readouterr().out.startswith(f"{model}: chip: PASS")
    assert main(["lint", model]) == 0
    other = tmp_path / "other.toml"
    other.write_text("profile = 'artpec8'\nfail_on = 'hint'\nselect = ['Q20']")
    assert main(["lint", model, f"--config={other}"]) == 1


@pytest.mark.parametrize("name", ["tfq.toml", "pyproject.toml"])
def test_an_unknown_rule_in_a_config_names_file_and_nearest(
    name: str, tmp_path: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    head = "[tool.tfq]\n" if name == "pyproject.toml" else ""
    monkeypatch.chdir(tmp_path)
    for key, value in {
        "select": "['Q2O1']",
        "ignore": "['Q2O1']",
        "severity": "{Q2O1='hint'}",
    }.items():
        (tmp_path / name).write_text(f"{head}{key} = {value}")
        assert main(["lint", "--profile=artpec8", str(shared_models / GOOD)]) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"tfq: error: {tmp_path / name}: {key}: ")
        assert err.endswith("'Q2O1'; did you mean Q201?\n")


def test_a_baseline_is_written_and_hides_what_it_knows(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "known.json"
    words = ["lint", "--profile=artpec8", FEW, f"--baseline={path}"]
    assert main([*words, f"--write_baseline={path}", BAD, GOOD]) == 0
    assert (
        capsys.readouterr().out == f"{path}: {accepted(path)} findings in 2 models are accepted\n"
    )
    assert main([*words, BAD, GOOD]) == 0
    out = capsys.readouterr().out
    assert f"{BAD}: artpec8: PASS, 0 errors, 0 warnings, " in out
    assert "in the baseline" in out
    assert main([*words, FLOAT]) == 1
    assert main([*words, "--baseline=", BAD]) == 1
    assert main([*words, f"--write_baseline={path}", GOOD, "absent.tflite"]) == 2


def accepted(path: Path) -> int:
    models = json.loads(path.read_text())["models"]
    return sum(row["count"] for model in models for row in model["accepted"])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_printed_whatever_can_be_read(name: str, capsys: Any) -> None:
    assert main(["lint", "--profile=artpec8", f"--format={name}", BAD, "absent.tflite"]) == 2
    out, err = capsys.readouterr()
    assert "Q201" in out
    assert "absent.tflite" in out or name == "text"
    assert err.count("\n") == 1
    assert main(["lint", "--profile=artpec8", f"--format={name}", "absent.tflite"]) == 2


def test_a_profile_that_names_no_rule_is_one_error(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chip.json"
    path.write_text('{"name": "chip", "extends": "artpec8", "severity": {"Q2O1": "warning"}}')
    assert main(["lint", f"--profile={path}", FEW, BAD, GOOD]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "did you mean Q201?" in err


def test_fix_repairs_the_file_in_place(
    digits: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.tflite"
    digits(mode="full_integer", granularity="per_channel").save(path)

    assert main(["lint", "--profile=artpec8", "--fix", str(path)]) == 0

    assert "per_tensor" in capsys.readouterr().out
    assert tfq.lint(path, "artpec8").ok


def test_fix_writes_no_baseline(shared_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(shared_models / "micro/add0.tflite")
    words = ["lint", "--profile=artpec8", "--fix", "--write_baseline=b.json", model]

    assert main(words) == 2
    assert "expected one of them" in capsys.readouterr().err


def test_verify_asks_the_vendors_tool(shared_models: Path, capsys: Any) -> None:
    pytest.importorskip("tflite_micro")
    model = str(shared_models / "micro/hello_world_int8.tflite")

    assert main(["lint", "--profile=tflm", "--verify", model]) == 0
    assert "tflite_micro" in capsys.readouterr().err


def test_verify_says_where_a_profile_names_no_tool(shared_models: Path, capsys: Any) -> None:
    model = str(shared_models / "micro/hello_world_int8.tflite")

    assert main(["lint", "--profile=artpec8", "--verify", model]) == 0
    assert "artpec8 names no tool to verify with" in capsys.readouterr().err

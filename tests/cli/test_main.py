from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from absl import flags

import tfq
from tfq.cli import commands, main, print_warning

Fake = Callable[[Callable[[list[str]], int]], None]


def one_line(text: str) -> str:
    """A line of stderr, after a look at whether it is the only one."""
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text[:-1]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a function in the place of every command's `run`."""

    def fake(run: Callable[[list[str]], int]) -> None:
        values = flags.FlagValues()
        flags.DEFINE_integer("number", 3, "A number.", flag_values=values)
        flags.DEFINE_bool("fast", True, "Whether.", flag_values=values)
        command = SimpleNamespace(FLAGS=values, USAGE="FILE", __doc__="Does it.", run=run)
        monkeypatch.setattr(commands, "load", lambda _: command)

    return fake


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands(words: list[str], capsys: Any) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    for name, text in commands.COMMANDS.items():
        assert f"  {name} " in out
        assert text in out


def test_version(capsys: Any) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tfq 0.")


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_a_module_of_one_shape(name: str, capsys: Any) -> None:
    command = commands.load(name)
    assert isinstance(command.FLAGS, flags.FlagValues)
    assert command.__doc__
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: tfq {name} {command.USAGE}\n")
    assert all(f"--{flag}=" in out or f"--[no]{flag}" in out for flag in command.FLAGS)
    assert main(["help", name]) == 0
    assert capsys.readouterr().out == out


def test_help_shows_defaults_and_choices(capsys: Any) -> None:
    assert main(["lint", "--help"]) == 0
    out = capsys.readouterr().out
    assert "  --fail_on=error|warning|hint|never\n" in out
    assert "(default: error)" in out
    assert "--flagfile=FILE" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected a command; see tfq --help"),
        (
            ["lnit"],
            "unknown command 'lnit': expected one of compare, convert, diagnose, inspect, lint",
        ),
        (["lint", "--formt=json"], "unknown flag --formt; did you mean --format?"),
        (["lint", "--zzz"], "unknown flag --zzz; see tfq lint --help"),
        (
            ["lint", "--format=xml"],
            "flag --format=xml: value should be one of <text|json|sarif|junit|github|markdown>",
        ),
        (["lint", "--format"], "Missing value for flag --format"),
        (["inspect", "--flagfile=nowhere.txt"], "Unable to open flagfile"),
        (["inspect", "--flagfile"], "--flagfile with no argument"),
        (["inspect", "a\x1b[2J\nb"], r"a\x1b[2J b"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(words: list[str], message: str, capsys: Any) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert one_line(err).startswith("tfq: error: ")
    assert message in err


def test_an_unknown_command_gets_the_nearest(capsys: Any) -> None:
    assert main(["lnit"]) == 2
    assert capsys.readouterr().err.endswith("; did you mean lint?\n")


def test_flags_and_files_stand_in_any_order(fake: Fake) -> None:
    seen: list[list[str]] = []
    fake(lambda arguments: seen.append(arguments) or 0)
    assert main(["x", "a", "--number", "4", "b", "--nofast", "--", "--number"]) == 0
    assert seen == [["a", "b", "--number"]]


def test_flags_of_one_call_do_not_remain_for_the_next(fake: Fake) -> None:
    seen: list[int] = []
    fake(lambda _: seen.append(commands.load("x").FLAGS.number) or 0)
    assert main(["x", "--number=4"]) == 0
    assert main(["x"]) == 0
    assert seen == [4, 3]


def test_a_flagfile_holds_flags(fake: Fake, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "flags.txt"
    path.write_text("# what we always want\n--number=5\n\nfile.tflite\n")
    seen: list[Any] = []
    fake(lambda arguments: seen.append((commands.load("x").FLAGS.number, arguments)) or 0)
    assert main(["x", f"--flagfile={path}"]) == 0
    assert main(["x", "--flagfile", str(path), "--number=6"]) == 0
    assert seen == [(5, ["file.tflite"]), (6, ["file.tflite"])]
    path.write_bytes(b"--number=\xff\xfe")
    assert main(["x", f"--flagfile={path}"]) == 2
    assert "expected a text file in UTF-8" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            tfq.ConversionError("no\n  kernel\tfor \x1b[1mX"),
            2,
            r"tfq: error: no kernel for \x1b[1mX",
        ),
        (KeyboardInterrupt(), 130, "tfq: interrupted"),
        (OSError(28, "No space left on device", "out"), 2, "tfq: error: out: No space left on"),
        (
            ZeroDivisionError("by\nzero"),
            2,
            "tfq: error: unexpected ZeroDivisionError: by zero (this",
        ),
        (RecursionError("deep"), 2, "tfq: error: unexpected RecursionError: deep"),
    ],
)
def test_every_end_has_its_status_and_one_line(
    fake: Fake, capsys: Any, error: BaseException, status: int, message: str
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    fake(fail)
    assert main(["x"]) == status
    assert one_line(capsys.readouterr().err).startswith(message)


def test_a_traceback_only_for_those_who_ask(
    fake: Fake, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(lambda _: 1 // 0)
    monkeypatch.setenv("TFQ_DEBUG", "1")
    assert main(["x"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_warning_is_one_line_too(capsys: Any) -> None:
    print_warning("few\nsamples")
    assert capsys.readouterr().err == "tfq: warning: few samples\n"


def run(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfq", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_python_m_tfq_is_tfq() -> None:
    assert run("--help").stdout.startswith("usage: tfq COMMAND")
    assert run("nothing").returncode == 2


def test_a_reader_that_goes_away_is_no_error(shared_models: Path) -> None:
    model = shared_models / "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant.tflite"
    program = f"'{sys.executable}' -m tfq inspect --format=json '{model}'"
    command = f"{program} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "{"
    assert done.stdout.splitlines()[1] in ("0", "141")


def test_a_full_disk_is_an_error(shared_models: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tfq", "profiles"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert one_line(done.stderr) == "tfq: error: No space left on device"


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
def test_without_a_place_for_errors_the_status_remains(stderr: str) -> None:
    command = f"'{sys.executable}' -m tfq inspect absent.tflite {stderr}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_terminal_of_another_encoding_gets_escapes(shared_models: Path) -> None:
    model = shared_models / "micro/micro_speech_quantized.tflite"
    done = run("inspect", model, "--ops", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert r"int8 per_channel \xd78" in done.stdout


HEAVY = ("numpy", "tensorflow", "keras", "tf_keras", "ai_edge_litert", "jsonschema")


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "micro/micro_speech_quantized.tflite"],
        ["inspect", "--format=json", "litert/blockwise_quantized.tflite"],
        ["lint", "--profile=artpec8", "micro/micro_speech_quantized.tflite"],
        ["lint", "--profile=cv25", "--format=json", "litert/blockwise_quantized.tflite"],
        ["profiles", "artpec8"],
        ["convert", "--help"],
    ],
)
def test_nothing_heavy_is_imported(shared_models: Path, words: list[str]) -> None:
    program = (
        "import sys; from tfq.cli import main; main(sys.argv[1:]); "
        f"found = set({HEAVY}) & set(sys.modules); sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=shared_models,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

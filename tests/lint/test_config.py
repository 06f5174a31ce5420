from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tfq
from tfq.lint import config
from tfq.lint.config import Config, find, load

FULL = """
profile = "artpec8"
select = ["Q1", "Q201"]
ignore = ["Q105"]
fail_on = "warning"
baseline = "known.json"
format = "json"
severity = {Q201 = "hint"}
"""


def test_a_file_of_our_own_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "tfq.toml"
    path.write_text(FULL)
    found = load(str(path))
    assert found == Config(
        path=str(path),
        profile="artpec8",
        format="json",
        fail_on="warning",
        baseline=str(tmp_path / "known.json"),
        select=("Q1", "Q201"),
        ignore=("Q105",),
        severity={"Q201": "hint"},
    )


def test_pyproject_says_the_same_in_a_table(tmp_path: Path) -> None:
    own, shared = tmp_path / "tfq.toml", tmp_path / "pyproject.toml"
    own.write_text(FULL)
    shared.write_text(f"[project]\nname = 'x'\n[tool.tfq]{FULL}")
    assert load(str(shared))._replace(path="") == load(str(own))._replace(path="")


def test_the_nearest_file_counts_and_others_are_passed_by(tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c"
    deep.mkdir(parents=True)
    (tmp_path / "tfq.toml").write_text("profile = 'outermost'")
    (tmp_path / "a/pyproject.toml").write_text("[tool.tfq]\nprofile = 'shared'")
    # Neither a broken file that is not about tfq, nor one that only mentions it, is a config.
    (tmp_path / "a/b/pyproject.toml").write_text("[tool.")
    (deep / "pyproject.toml").write_text("[project]\ndependencies = ['tfq']")
    assert find(str(deep)).profile == "shared"
    (tmp_path / "a/tfq.toml").write_text("profile = 'own'")
    assert find(str(deep)).profile == "own"
    (deep / "tfq.toml").touch()
    assert find(str(deep)) == Config(str(deep / "tfq.toml"))


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    assert find(str(tmp_path)) == Config()


def test_only_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tfq.toml"
    for profile, found in [("./chip.json", tmp_path / "chip.json"), ("/x/c.json", "/x/c.json")]:
        path.write_text(f"profile = '{profile}'")
        assert Path(str(load(str(path)).profile)) == Path(found)
    path.write_text("profile = 'artpec8'")
    assert load(str(path)).profile == "artpec8"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("profil = 'x'", "got 'profil'; did you mean profile?"),
        ("fail-on = 'error'", "got 'fail-on'; did you mean fail_on?"),
        ("fail_on = 'warn'", "fail_on: expected one of error, warning, hint, never, got 'warn'"),
        ("format = 1", "format: expected one of text, json,"),
        ("format = []", "format: expected one of text, json,"),
        ("profile = true", "profile: expected a string, got true"),
        ("baseline = ''", "baseline: expected a string, got ''"),
        ("select = 'Q1'", "select: expected a list of rule ids, got 'Q1'"),
        ("ignore = [1]", "ignore: expected a list of rule ids, got [1]"),
        ("severity = 'hint'", "severity: expected a table of rules, got 'hint'"),
        ("severity = {Q101 = 'info'}", "severity.Q101: expected one of error, warning, hint"),
        ("profile = ", "expected TOML, got: Invalid value"),
        ("a = " + "[" * 5000, "expected TOML, got: "),
    ],
)
@pytest.mark.parametrize("name", ["tfq.toml", "pyproject.toml"])
def test_what_no_config_says_is_one_error(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content if name == "tfq.toml" else f"[tool.tfq]\n{content}")
    with pytest.raises(tfq.ArgumentError) as caught:
        find(str(tmp_path))
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff[tool.tfq]", "expected TOML in UTF-8"),
        (b"[tool]\ntfq = 3", "tool.tfq: expected a table, got 3"),
        (b"[project]", "expected a table [tool.tfq], got none"),
        (b"tool = 'tfq'", "expected a table [tool.tfq], got none"),
    ],
)
def test_a_named_file_must_be_about_tfq(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content)
    with pytest.raises(tfq.ArgumentError) as caught:
        load(str(path))
    assert message in str(caught.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match="expected a config file, got: No such file"):
        load(str(tmp_path / "absent.toml"))


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "tfq.toml"
    path.write_bytes(b'\xef\xbb\xbfprofile = "cpu"\r\nselect = ["Q1"]\r\n')
    assert load(str(path)).profile == "cpu"


def test_every_key_is_a_flag() -> None:
    from tfq.cli.lint import FLAGS

    assert set(config.KEYS) == set(FLAGS) - {"config", "fix", "verify", "write_baseline"}


@pytest.mark.parametrize("project", ["", "[project]\nname = 'other'\n"])
def test_no_parser_of_toml_is_loaded_where_nobody_needs_it(
    shared_models: Path, tmp_path: Path, project: str
) -> None:
    if project:
        (tmp_path / "pyproject.toml").write_text(project)
    model = shared_models / "micro/hello_world_int8.tflite"
    code = (
        "import sys\nfrom tfq.cli import main\n"
        f"main(['lint', '--profile=artpec8', {str(model)!r}])\n"
        "print(sorted({'tomllib', 'tomli', 'hashlib'} & {*sys.modules}))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "text",
    [
        '[tool.tfq]\nprofile = "cpu"',
        '[ tool . "tfq" ]\nprofile = "cpu"',
        '[tool]\ntfq = {profile = "cpu"}',
        'tool = {tfq = {profile = "cpu"}}',
        'tool.tfq.profile = "cpu"',
    ],
)
def test_every_way_to_write_the_table_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert config.find(str(tmp_path)).profile == "cpu"

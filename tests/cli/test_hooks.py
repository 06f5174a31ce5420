"""The pre-commit hook and the GitHub Action, by running what they run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

yaml = pytest.importorskip("yaml")

CHECKOUT = Path(__file__).resolve().parents[2]
GOOD, BAD = "micro/hello_world_int8.tflite", "micro/micro_speech_quantized.tflite"


@pytest.fixture
def project(shared_models: Path, tmp_path: Path) -> Path:
    """A checkout of somebody's project, with a model that passes and one that does not."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    shutil.copy(shared_models / GOOD, folder / "models/good.tflite")
    shutil.copy(shared_models / BAD, folder / "models/bad one.tflite")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a runner sets; `tfq` of this environment is on the path."""
    (tmp_path / "temp").mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        **{
            name: str(tmp_path / name)
            for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_PATH")
        },
    }


class Hook:
    """The hook as pre-commit would run it."""

    def __init__(self, project: Path, environment: dict[str, str]) -> None:
        self.project, self.environment = project, environment
        (self.row,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        files = [str(path.relative_to(self.project)) for path in self.project.rglob("*.*")]
        chosen = sorted(file for file in files if re.search(self.row["files"], file))
        return subprocess.run(
            [*shlex.split(self.row["entry"]), *args, *chosen],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def hook(project: Path, environment: dict[str, str]) -> Hook:
    return Hook(project, environment)


def test_the_hook_has_what_pre_commit_requires(hook: Hook) -> None:
    assert {"id", "name", "entry", "language"} <= set(hook.row)
    assert hook.row["id"] == "tfq-lint"
    assert hook.row["language"] == "python"


def test_the_hook_checks_the_models_and_nothing_else(hook: Hook) -> None:
    (hook.project / "README.md").write_text("not a model")
    (hook.project / "models/good.tflite.txt").write_text("not a model")
    run = hook.run("--profile=artpec8", "--select=Q10,Q20")
    assert run.returncode == 1
    assert "models/bad one.tflite: artpec8: FAIL" in run.stdout
    assert "2 models: 1 pass, 1 fail\n" in run.stdout
    assert run.stderr == ""
    (hook.project / "models/bad one.tflite").unlink()
    assert hook.run("--profile=artpec8", "--select=Q10,Q20").returncode == 0


def test_the_hook_takes_its_profile_from_the_project(hook: Hook) -> None:
    (hook.project / "tfq.toml").write_text("profile = 'artpec8'\nignore = ['Q']\nselect = ['Q20']")
    run = hook.run()
    assert (run.returncode, run.stderr) == (1, "")
    (hook.project / "tfq.toml").unlink()
    run = hook.run()
    assert run.returncode == 2
    assert "expected --profile=DEVICE" in run.stderr


class Action(NamedTuple):
    """The action, and what its runs left."""

    project: Path
    environment: dict[str, str]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text())
        return content

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Runs the step `name` as a runner does; underscores of an input's name are dashes."""
        (step,) = [step for step in self.content["runs"]["steps"] if step["name"] == name]
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        values = {name: each["default"] for name, each in self.content["inputs"].items()} | given
        assert set(values) == set(self.content["inputs"])
        variables = {}
        for variable, expression in step["env"].items():
            name = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression)[1]
            variables[variable] = values[name]
        script = self.project.parent / "script.sh"
        script.write_text(step["run"])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.project,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def written(self, name: str) -> str:
        """What was written to a file that the runner reads."""
        path = Path(self.environment[name])
        return path.read_text() if path.exists() else ""


@pytest.fixture
def action(project: Path, environment: dict[str, str]) -> Action:
    return Action(project, environment)


def test_the_action_is_composite_and_documents_its_inputs(action: Action) -> None:
    content = action.content
    assert content["runs"]["using"] == "composite"
    assert set(content["inputs"]) == {"profile", "models", "format", "fail-on", "version"}
    assert all(each["description"] for each in content["inputs"].values())
    assert all(step["shell"] == "bash" for step in content["runs"]["steps"])


def test_no_input_stands_in_a_script(action: Action) -> None:
    assert all("${{" not in step["run"] for step in action.content["runs"]["steps"])


def test_the_action_annotates_and_sums_up(action: Action) -> None:
    run = action.run("Lint", profile="artpec8")
    assert run.returncode == 1
    assert "::error file=models/bad one.tflite,title=Q201 " in run.stdout
    summary = action.written("GITHUB_STEP_SUMMARY")
    assert summary.startswith("### tfq lint: FAIL\n")
    assert "| `models/good.tflite` | `artpec8` |" in summary
    name, _, path = action.written("GITHUB_OUTPUT").strip().partition("=")
    assert action.content["outputs"][name]["value"] == "${{ steps.lint.outputs.report }}"
    assert Path(path).read_text() == run.stdout


def test_models_stand_one_a_line_and_may_have_spaces(action: Action) -> None:
    run = action.run("Lint", profile="artpec8", models="\n  models/bad one.tflite\nmodels/g*\n")
    assert run.returncode == 1
    assert action.written("GITHUB_STEP_SUMMARY").count("| `artpec8` |") == 2


def test_the_action_passes_on_what_it_is_told(action: Action) -> None:
    run = action.run("Lint", profile="artpec8", fail_on="never", format="text")
    assert run.returncode == 0
    assert "models/bad one.tflite: artpec8: FAIL" in run.stdout
    (action.project / "tfq.toml").write_text("profile = 'artpec8'\nselect = ['Q20']")
    run = action.run("Lint", models="models/good.tflite")
    assert (run.returncode, run.stderr) == (0, "")


def test_an_unreadable_model_fails_the_step_and_says_so_once(action: Action) -> None:
    (action.project / "models/broken.tflite").write_bytes(b"no model")
    run = action.run("Lint", profile="artpec8", fail_on="never")
    assert run.returncode == 2
    assert run.stderr.count("models/broken.tflite") == 1
    assert "| `models/broken.tflite` |  | **unreadable** |" in action.written("GITHUB_STEP_SUMMARY")


@pytest.mark.parametrize("name", ["models", "profile", "format", "fail_on"])
@pytest.mark.parametrize(
    "text",
    [
        "x$(touch pwned)`touch pwned`; touch pwned && touch pwned",
        "'; touch pwned; '",
        '"; touch pwned; "',
        "--write_baseline=pwned",
        "$PATH a b",
    ],
)
def test_inputs_are_never_executed(action: Action, name: str, text: str) -> None:
    run = action.run("Lint", **{"profile": "artpec8", name: text})
    assert run.returncode == 2
    assert run.stderr.startswith("tfq: error: ")
    assert text in run.stderr
    assert not (action.project / "pwned").exists()


def test_neither_is_the_version(action: Action) -> None:
    # Without an index pip finds nothing, and says so at once.
    environment = action.environment | {"PIP_NO_INDEX": "1", "GITHUB_ACTION_PATH": str(CHECKOUT)}
    offline = action._replace(environment=environment)
    run = offline.run("Install tfq", version="1\"; touch pwned; $(touch pwned) `touch pwned` '")
    assert run.returncode != 0
    assert "nvalid" in run.stderr
    assert not (action.project / "pwned").exists()
    assert action.written("GITHUB_PATH") == ""


def test_the_action_installs_the_tfq_that_it_is_a_part_of(action: Action, tmp_path: Path) -> None:
    copy = tmp_path / "action"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    for name in ("tfq", "schemas"):
        shutil.copytree(CHECKOUT / name, copy / name)
    # What tfq needs is here already; only what builds it is fetched.
    here = {"PIP_NO_DEPS": "1", "GITHUB_ACTION_PATH": str(copy)}
    online = action._replace(environment=action.environment | here)
    run = online.run("Install tfq")
    if "No matching distribution found for setuptools" in run.stderr:
        pytest.skip("there is no package index")
    assert run.returncode == 0, run.stderr
    (folder,) = action.written("GITHUB_PATH").split()
    installed = Path(folder) / "tfq"
    site = Path(yaml.__file__).parents[1]
    run = subprocess.run(
        [installed, "lint", "--profile=artpec8", "models/bad one.tflite"],
        cwd=action.project,
        env=action.environment | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (1, "")

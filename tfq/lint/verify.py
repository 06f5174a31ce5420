"""Asks the vendor's own tool where operators run, and compares that with the prediction.

The tool runs in a process and a directory of its own, for a limited time; nothing is left behind.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfq.lint.placement import place
from tfq.model import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tfq.lint.placement import Placed
    from tfq.model import Model, Operator
    from tfq.profiles import Profile

SECONDS = 600
MOST_SHOWN = 300
ARENA_BYTES = 1 << 29
# Run with the path of the model as argument; what an interpreter says goes to stderr.
LOADERS = {
    "tflite_micro": f"""
import sys
from tflite_micro.python.tflite_micro.runtime import Interpreter
try:
    Interpreter.from_file(sys.argv[1], arena_size={ARENA_BYTES})
except Exception as error:
    sys.exit(str(error))
""",
    "litert": """
import sys
from ai_edge_litert.interpreter import Interpreter
try:
    Interpreter(sys.argv[1]).allocate_tensors()
except Exception as error:
    sys.exit(str(error))
""",
}


class Checked(NamedTuple):
    """What the tool does with one operator.

    Attributes:
        operator: The operator.
        is_taken: Whether it runs on the accelerator or, where there is none, loads; None if the
            tool does not say, because it stopped at another operator.
        reason: What the tool says of it; may be empty.
    """

    operator: Operator
    is_taken: bool | None
    reason: str = ""


class Disagreement(NamedTuple):
    """An operator of which the profile and the tool think differently.

    Attributes:
        checked: What the tool does with it.
        predicted: Why the profile says that the device does not take it; empty if it does.
    """

    checked: Checked
    predicted: str

    def __str__(self) -> str:
        """Return one line with both opinions."""
        ours = f"does not fit: {self.predicted}" if self.predicted else "fits"
        theirs = "takes it" if self.checked.is_taken else "does not take it"
        because = f": {self.checked.reason}" if self.checked.reason else ""
        op = self.checked.operator
        return f"{op.place} {op.name}: predicted: {ours}; the tool {theirs}{because}"


class Verification(NamedTuple):
    """The answer of the vendor's tool.

    Attributes:
        tool: Its name, such as `"vela"`.
        version: Its version; empty if it is not installed.
        operators: What it does with each operator; empty if it gave no answer.
        disagreements: Where the prediction differs.
        agrees: Whether the prediction holds, for all operators and for the model as a whole; None
            if the tool gave no answer.
        problem: Why there is no answer for each operator, or how to get the tool; mostly empty.
    """

    tool: str
    version: str = ""
    operators: tuple[Checked, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    agrees: bool | None = None
    problem: str = ""

    @property
    def summary(self) -> str:
        """One line, such as `vela 5.2.0 agrees on 31 operators`."""
        answered = sum(each.is_taken is not None for each in self.operators)
        counted = f"{answered} operator{'' if answered == 1 else 's'}"
        if self.disagreements:
            verdict = f"disagrees on {len(self.disagreements)} of {counted}"
        elif answered:
            verdict = f"agrees on {counted}"
        elif self.agrees is not None:
            verdict = "agrees" if self.agrees else "disagrees"
        else:
            verdict = "says nothing"
        told = f": {self.problem}" if self.problem else ""
        return f"{self.tool} {self.version}".strip() + f" {verdict}{told}"


class Tool(NamedTuple):
    """A vendor's tool.

    Attributes:
        package: The package on PyPI that it comes with; empty for a program without one.
        module: What is imported from it; for a program, its name.
        getting: How to get it.
        run: Returns what it does with each operator of a model that stands in a file, and what it
            says if that is not all; the last argument is what stands after the colon in a profile.
    """

    package: str
    module: str
    getting: str
    run: Callable[[Model, Path, str], tuple[list[Checked], str]]


def verify(model: Model, profile: Profile) -> Verification | None:
    """Run the vendor's own tool on a model and compare what it does with the prediction.

    Args:
        model: Any model.
        profile: The device's profile.

    Returns:
        The answer; None if the profile names no tool. A tool that is not installed, runs too long
        or refuses the model is an answer, too: see `problem`.
    """
    if not profile.verify:
        return None
    name, _, target = profile.verify.partition(":")
    tool = TOOLS[name]
    version = _version(tool)
    if not version:
        return Verification(name, problem=f"not installed: {tool.getting}")
    with tempfile.TemporaryDirectory(prefix="tfq-verify-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model.bytes)
        try:
            checked, problem = tool.run(model, path, target)
        except subprocess.TimeoutExpired:
            return Verification(name, version, problem=f"no answer within {SECONDS} seconds")
    placed = place(model, profile).operators
    differing = tuple(_disagreements(placed, checked))
    # A compiler that refuses a model contradicts every prediction: there is none of that.
    expected = bool(checked) and not all(map(_is_taken, placed))
    agrees = not differing and (not problem or expected)
    return Verification(name, version, tuple(checked), differing, agrees, problem)


def _disagreements(placed: Iterable[Placed], checked: Iterable[Checked]) -> Iterator[Disagreement]:
    predictions = {each.operator: each for each in placed}
    for each in checked:
        predicted = predictions[each.operator]
        if each.is_taken is not None and each.is_taken != _is_taken(predicted):
            reason = "after the end of the accelerated part" if predicted.after_end else ""
            yield Disagreement(each, predicted.reason or reason)


def _is_taken(predicted: Placed) -> bool:
    return not predicted.reason and not predicted.after_end


def _version(tool: Tool) -> str:
    if not tool.package:
        program = shutil.which(tool.module)
        if program is None:
            return ""
        said = _run([program, "--version"], Path.cwd()).stdout
        return next(iter(re.findall(r"\d[\d.]*", said)), "installed")
    if importlib.util.find_spec(tool.module) is None:
        return ""
    return importlib.metadata.version(tool.package)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )


def _vela(model: Model, path: Path, target: str) -> tuple[list[Checked], str]:
    folder = path.parent
    command = [sys.executable, "-m", "ethosu.vela", str(path), f"--output-dir={folder}"]
    done = _run([*command, f"--accelerator-config={target}"], folder)
    compiled = folder / f"{path.stem}_vela.tflite"
    if not compiled.exists():
        return [], f"refuses the model: {_last_words(done)}"
    warning = r"Warning \(supported operators\) operator: \w+, ofm: '(.*?)'\nReason: (.*)"
    return compare(model, load(compiled.read_bytes()), dict(re.findall(warning, done.stdout))), ""


def _edgetpu_compiler(model: Model, path: Path, _: str) -> tuple[list[Checked], str]:
    folder = path.parent
    done = _run(["edgetpu_compiler", f"--out_dir={folder}", str(path)], folder)
    compiled = folder / f"{path.stem}_edgetpu.tflite"
    if not compiled.exists():
        return [], f"refuses the model: {_last_words(done)}"
    return compare(model, load(compiled.read_bytes())), ""


def compare(model: Model, compiled: Model, reasons: dict[str, str] | None = None) -> list[Checked]:
    """Say which operators a compiler took: those that it did not leave as they were.

    An operator is found again by its name and those of its outputs, or, where the compiler renamed
    an output, by its name alone.

    Args:
        model: What was compiled.
        compiled: What came out.
        reasons: By the name of an operator's first output, why it was left; None for no reasons.

    Returns:
        One item an operator, in the order of the model.
    """
    left = [_key(op) for subgraph in compiled.subgraphs for op in subgraph.operators]
    operators = [op for subgraph in model.subgraphs for op in subgraph.operators]
    stayed: set[Operator] = set()
    for op in operators:
        if _key(op) in left:
            left.remove(_key(op))
            stayed.add(op)
    names = [name for name, _ in left]
    for op in operators:
        if op not in stayed and op.name in names:
            names.remove(op.name)
            stayed.add(op)
    said = reasons or {}
    return [
        Checked(op, op not in stayed, said.get(_first_output(op), "") if op in stayed else "")
        for op in operators
    ]


def _key(op: Operator) -> tuple[str, tuple[str, ...]]:
    return op.name, tuple([tensor.name for tensor in op.outputs])


def _first_output(op: Operator) -> str:
    return op.outputs[0].name if op.outputs else ""


def _loaded(loader: str) -> Callable[[Model, Path, str], tuple[list[Checked], str]]:
    """Make a tool of an interpreter, which loads a model as a whole or not at all."""

    def run(model: Model, path: Path, _: str) -> tuple[list[Checked], str]:
        done = _run([sys.executable, "-c", LOADERS[loader], str(path)], path.parent)
        operators = [op for subgraph in model.subgraphs for op in subgraph.operators]
        if done.returncode == 0:
            return [Checked(op, True) for op in operators], ""
        culprit, said = _culprit(model, done.stderr), _first_words(done)
        found = [Checked(op, *((False, said) if op is culprit else (None,))) for op in operators]
        return found, f"does not load the model: {said}"

    return run


def _culprit(model: Model, said: str) -> Operator | None:
    """The operator that an interpreter blames for not loading a model."""
    operators = [op for subgraph in model.subgraphs for op in subgraph.operators]
    if found := re.search(r"Node (\w+) \(number (\d+)\)", said):
        place = (found[1], int(found[2]))
    elif found := re.search(r"Node number (\d+) \(([^)]+)\)", said):
        place = (found[2], int(found[1]))
    else:
        found = re.search(r"find op for builtin opcode '(\w+)'|custom op: ([^\n]+)\.\n", said)
        name = (found[1] or found[2]) if found else ""
        return next((op for op in operators if op.name == name), None)
    return next((op for op in operators if (op.name, op.index) == place), None)


def _first_words(done: subprocess.CompletedProcess[str]) -> str:
    """What an interpreter says first, but for what it always says."""
    if done.returncode < 0:
        return f"it ended with signal {-done.returncode}"
    lines = [line.strip() for line in done.stderr.splitlines()]
    said = [line for line in lines if line and not line.startswith(("INFO", "WARNING"))]
    return said[0][:MOST_SHOWN] if said else f"exit status {done.returncode}"


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What a compiler says last; of a Python error all its lines, without the traceback."""
    if done.returncode < 0:
        return f"it ended with signal {-done.returncode}"
    if error := re.search(r"^\w+Error: (.*)", done.stderr, re.M | re.S):
        return " ".join(error[1].split())[:MOST_SHOWN]
    lines = f"{done.stdout}\n{done.stderr}".split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:MOST_SHOWN] if said else f"exit status {done.returncode}"


TOOLS: dict[str, Tool] = {
    "vela": Tool("ethos-u-vela", "ethosu", "pip install ethos-u-vela", _vela),
    "tflite_micro": Tool(
        "tflite_micro", "tflite_micro", "pip install --pre tflite-micro", _loaded("tflite_micro")
    ),
    "litert": Tool(
        "ai-edge-litert", "ai_edge_litert", "pip install tfq[runtime]", _loaded("litert")
    ),
    "edgetpu_compiler": Tool(
        "",
        "edgetpu_compiler",
        "see coral.ai/docs/edgetpu/compiler (Linux on x86-64)",
        _edgetpu_compiler,
    ),
}

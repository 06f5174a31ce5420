"""Writes the operators of the profile `cpu`: those that the installed LiteRT knows, with versions.

LiteRT has no list to print. So it is given models of one operator, which it takes or refuses when
it looks up the operator, before it looks at anything else of the model. Custom operators have no
list of names either: those that LiteRT's sources register are tried.

The rest of the profile is written by hand and stays as it is: also the constraints of several
operators, which are what their kernels refuse.

It is a script and no part of the package, as the package must load a profile without LiteRT.

Usage: python scripts/profiles_from_litert.py [--check]
    --check writes nothing; exit status 1 if the profile is not what would be written.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import flatbuffers
import json_text
from ai_edge_litert import schema_py_generated as schema  # noqa: TID253
from ai_edge_litert.interpreter import Interpreter  # noqa: TID253

PROFILE = Path(__file__).resolve().parents[1] / "tfq" / "profiles" / "cpu.json"
# No operator has as many versions yet: one that has fails the script.
MOST_VERSIONS = 40
# Not operators, but ways to name one.
NOT_OPERATORS = ("CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")
CUSTOM = (
    "TFLite_Detection_PostProcess",
    "Mfcc",
    "AudioSpectrogram",
    "NumericVerify",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "Convolution2DTransposeBias",
    "TransformTensorBilinear",
    "TransformLandmarks",
    "Landmarks2TransformMatrix",
    "ethos-u",
    "edgetpu-custom-op",
    "FlexAddV2",
)


def model(code: int, version: int, custom: str | None = None) -> bytes:
    """A model of one operator without inputs or outputs."""
    kind, graph, operator = schema.OperatorCodeT(), schema.SubGraphT(), schema.OperatorT()
    kind.builtinCode, kind.deprecatedBuiltinCode = code, min(code, 127)
    kind.version, kind.customCode = version, custom
    operator.inputs, operator.outputs, operator.opcodeIndex = [], [], 0
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], [operator]
    whole = schema.ModelT()
    whole.version, whole.operatorCodes, whole.subgraphs = 3, [kind], [graph]
    whole.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def refusal(content: bytes, *, allocate: bool) -> str:
    """What LiteRT says of a model; in a process of its own, as some kernels end it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            interpreter = Interpreter(model_content=content)
            if allocate:
                interpreter.allocate_tensors()
        except BaseException as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode()
    os.waitpid(child, 0)
    return said


def newest(code: int) -> int:
    """The newest version of a built-in operator that LiteRT knows; 0 if it knows none."""
    known = 0
    for version in range(1, MOST_VERSIONS):
        if "Didn't find op" in refusal(model(code, version), allocate=False):
            break
        known = version
    if known == MOST_VERSIONS - 1:
        raise SystemExit(f"operator code {code} has more than {known} versions")
    return known


def operators() -> dict[str, Any]:
    """The key `operators` of the profile."""
    found: dict[str, Any] = {}
    names = {name: code for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    for name, code in sorted(names.items()):
        version = newest(code) if name not in NOT_OPERATORS else 0
        if version:
            found[name] = [{"require": {"version": {"max": version}}}]
    for name in CUSTOM:
        content = model(schema.BuiltinOperator.CUSTOM, 1, name)
        said = refusal(content, allocate=True)
        if "custom op" not in said and "TensorFlow op" not in said:
            found[name] = []
    return found


def main() -> None:
    """Writes the profile, or checks it."""
    old = PROFILE.read_text()
    new = json_text.text(json.loads(old) | {"operators": operators()}) + "\n"
    if new != old and "--check" in sys.argv:
        raise SystemExit(f"not what LiteRT takes: {PROFILE.name}")
    PROFILE.write_text(new)


if __name__ == "__main__":
    main()

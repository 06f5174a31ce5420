"""A fuzz test that coverage guides: `make fuzz-guided`, or this file with options of libFuzzer.

It goes on until it finds a defect or is told to stop (-max_total_time=600). What was found is
written to build/fuzz/, and is run again by giving the file as the argument.
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tfq"]):
    from walk import profile_names, walk

from cases import MODELS, Cases
from limits import limit_memory, limited_time
from mutations import AIMED, BLIND, Seed
from sites import Sites

from tfq import format as file_format
from tfq.errors import InvalidModelError

_KEPT = Path(__file__).resolve().parents[2] / "build" / "fuzz"
# A larger one slows all others down, and teaches nothing that a smaller one does not.
_LARGEST_BYTES = 20_000


def read_or_refuse(content: bytes) -> None:
    """Try one file; whatever is raised is a defect."""
    names = profile_names()
    try:
        with limited_time():
            walk(content, names[len(content) % len(names)], _models[0].loaded)
    except InvalidModelError:
        pass


def mutate(content: bytes, largest: int, seed: int) -> bytes:
    """Break a file further, half of the time where its offsets and numbers stand."""
    dice = random.Random(seed)
    if dice.random() < 0.5:
        return bytes(atheris.Mutate(content, largest))
    changed = bytearray(content)
    model, other = _seed(content), dice.choice(_models)
    mutate = dice.choice(AIMED if model is not None else BLIND)
    mutate(changed, dice, model or other, other)
    return bytes(changed[:largest])


def _seed(content: bytes) -> Seed | None:
    """The content as something to take aim at; None where broken offsets lead the search astray."""
    try:
        file_format.read(content)
        seed = Seed("", content)
        seed.sites = Sites(content)
    except (InvalidModelError, KeyError, struct.error):
        return None
    return seed


def _corpus() -> Path:
    folder = _KEPT / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for model in _models:
        (folder / model.name.replace("/", "_")).write_bytes(model.content)
    return folder


_models = [each for each in Cases(0, MODELS).models if len(each.content) <= _LARGEST_BYTES]

if __name__ == "__main__":
    for model in _models:
        walk(model.content, profile_names()[0], model.loaded)
    files = [word for word in sys.argv[1:] if not word.startswith("-")]
    options = [f"-max_len={2 * _LARGEST_BYTES}", f"-artifact_prefix={_KEPT}/"]
    corpus = [] if files else [str(_corpus())]
    atheris.Setup(
        [sys.argv[0], *options, *sys.argv[1:], *corpus], read_or_refuse, custom_mutator=mutate
    )
    limit_memory()
    atheris.Fuzz()

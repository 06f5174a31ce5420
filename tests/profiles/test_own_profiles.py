"""What a user needs for a profile of one's own: a sample to start from, and the manual."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from tfq import profiles, schemas
from tfq.model import load
from tfq.ops.facts import FACTS, describe, fact, kind
from tfq.profiles.constraint import COMPARISONS, KINDS

CHECKOUT = Path(__file__).resolve().parents[2]
MANUAL = CHECKOUT / "docs" / "profiles.md"


def test_the_sample_changes_a_shipped_profile(samples: Path) -> None:
    mine, base = profiles.load(samples / "my-chip.json"), profiles.load("artpec8")
    assert (mine.name, mine.title) == ("my-chip", "My chip")
    assert set(base.operators) - set(mine.operators) == {"GELU"}
    assert mine.operators["CONV_2D"] != base.operators["CONV_2D"]
    assert mine.quantization == base.quantization
    assert mine.memory.weights == 4 << 20


def test_the_samples_schema_is_where_it_says(samples: Path) -> None:
    sample = json.loads((samples / "my-chip.json").read_text())
    assert (
        (samples / sample["$schema"])
        .resolve()
        .samefile(CHECKOUT / "schemas" / "profile.schema.json")
    )


def test_the_manual_lists_the_facts_as_they_are() -> None:
    script = runpy.run_path(str(CHECKOUT / "docs" / "make_facts.py"))
    text = MANUAL.read_text()
    assert text == script["page"](text), "run: python docs/make_facts.py"


def test_the_manual_names_every_key_and_comparison() -> None:
    words = set(re.findall(r"`([a-z_$]+)`", MANUAL.read_text()))
    schema = schemas.load("profile.schema")
    keys: set[str] = set()
    for part in (schema, *schema["properties"].values(), schema["$defs"]["constraint"]):
        keys |= set(part.get("properties", {}))
        keys |= set(part.get("items", {}).get("properties", {}))
    keys |= set(schema["properties"]["quantization"]["properties"]["granularity"]["properties"])
    assert keys | set(COMPARISONS) <= words


def test_the_manuals_constraint_is_one() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    from tfq.profiles import constraint

    assert list(constraint.faults(json.loads(example))) == []


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_fact_is_described_in_one_sentence(name: str) -> None:
    assert re.fullmatch(r"[A-Z].*\.", describe(name))


def values(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else () if found is None else (found,)


def test_every_fact_of_every_operator_is_what_it_is_said_to_be(model_path: Path) -> None:
    for subgraph in load(model_path).subgraphs:
        for op in subgraph.operators:
            for name in FACTS:
                for value in values(fact(op, name)):
                    assert isinstance(value, KINDS[kind(name)]), (op, name, value)
                    assert isinstance(value, bool) == (kind(name) == "bool"), (op, name, value)

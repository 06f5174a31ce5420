"""Fields of a schema that is not written yet: made with a schema that has them, read without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tfq.format import Draft, Table, read, schema, tflite, write
from tfq.schemas import load

Facts = dict[str, Any]


def with_the_future(facts: Facts) -> Facts:
    """Add fields, tables and options that LiteRT might add one day."""
    for name, fields in {
        "Tensor": {
            "scalar_8": "int8",
            "scalar_32": "uint32",
            "scalar_64": "uint64",
            "note": "string",
            "numbers": "[float32]",
            "wide": "[int64]",
            "extra": "FutureTable",
            "extras": "[FutureTable]",
            "empty": "[int32]",
        },
        "Model": {"future": "FutureTable"},
        "SubGraph": {"level": "float32"},
    }.items():
        known = facts["tables"][name]
        for field, kind in fields.items():
            known[field] = {"id": 3 + len(known), "type": kind}
    facts["tables"]["FutureTable"] = {
        "name": {"id": 0, "type": "string"},
        "value": {"id": 1, "type": "float64"},
        "leaf": {"id": 2, "type": "FutureLeaf"},
    }
    facts["tables"]["FutureLeaf"] = {"shape": {"id": 0, "type": "[int32]"}}
    return facts


@pytest.fixture
def use_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Facts], None]]:
    def use_schema(facts: Facts) -> None:
        monkeypatch.setattr(schema, "load", lambda name: facts)
        tflite.cache_clear()

    yield use_schema
    tflite.cache_clear()


def values(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in table.present():
        value = table[field.name]
        if isinstance(value, Table):
            value = values(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Table):
            value = [values(each) for each in value]
        found[field.name] = bytes(value) if isinstance(value, memoryview) else value
    return found


def test_they_survive_being_rewritten_by_who_does_not_know_them(
    use_schema: Callable[[Facts], None], shared_models: Path
) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    use_schema(with_the_future(load("tflite")))
    draft = Draft.of(read(path))

    def future(name: str) -> Draft:
        leaf = Draft("FutureLeaf", shape=(7, 8, 9))
        return Draft("FutureTable", name=name, value=2.5, leaf=leaf)

    draft["future"] = future("of the model")
    draft["subgraphs"][0]["level"] = 0.5
    for index, tensor in enumerate(draft["subgraphs"][0]["tensors"]):
        tensor["scalar_8"] = -5
        tensor["scalar_32"] = (0, 1, 5, 12, 2**31, 12345, 2**32 - 1, 7, 16, 1000)[index]
        tensor["scalar_64"] = 2**40 + index
        tensor["note"] = f"note {index}"
        tensor["numbers"] = (1.5, 2.5, -3.5)
        tensor["wide"] = (2**50, -1)
        tensor["extra"] = future(f"extra {index}")
        tensor["empty"] = ()
        tensor["extras"] = [future("one"), future("two")]
    first = b"".join(write(draft))
    expected = values(read(first))
    assert expected["subgraphs"][0]["tensors"][3]["extra"]["name"] == "extra 3"

    use_schema(load("tflite"))
    changed = Draft.of(read(first))
    changed["description"] = "rewritten"
    changed["subgraphs"][0]["tensors"].append(Draft("Tensor", name="new", shape=(1,)))
    second = b"".join(write(changed))

    use_schema(with_the_future(load("tflite")))
    found = values(read(second))
    assert found.pop("description") == "rewritten"
    assert found["subgraphs"][0]["tensors"].pop()["name"] == "new"
    expected.pop("description")
    assert found == expected
